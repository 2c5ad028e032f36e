//! The keys that the policy names, unsealed: an immutable snapshot, made at start, on a reload, and when a deferred
//! message asks again. A key that cannot be had stands in it with the reason, so that no message waits for the store.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use common_config::name::KeyName;
use credstore::{CredStore, CredStoreError, KeyState, NekDir};
use dkim_core::{Algorithm, SigningKey};

use super::state::FaultClass;
use crate::mail_log::Chain;

/// Where keys come from.
#[derive(Debug, Clone)]
pub struct KeySource {
    /// The credential store.
    pub store: PathBuf,
    /// The named encryption keys.
    pub neks: NekDir,
    /// RSA keys shorter than this do not sign, in bits.
    pub rsa_minimum_bits: u32,
}

/// An immutable set of keys.
#[derive(Debug)]
pub struct Keyring {
    keys: HashMap<KeyName, Result<SigningKey, KeyFault>>,
}

/// Why a key cannot sign.
#[derive(Debug, Clone)]
pub struct KeyFault {
    /// The class, for policy and reports.
    pub class: FaultClass,
    /// The whole chain of errors, for the operator.
    pub why: Box<str>,
}

impl Keyring {
    /// Reads the named keys from the store. It always succeeds: what went wrong is in it, key by key.
    pub async fn load(source: &KeySource, names: &BTreeSet<KeyName>) -> Self {
        let mut keys = HashMap::with_capacity(names.len());
        if !names.is_empty() {
            match CredStore::open(&source.store, &source.neks).await {
                Ok(store) => {
                    for name in names {
                        keys.insert(
                            name.clone(),
                            read_key(&store, name, source.rsa_minimum_bits).await,
                        );
                    }
                }
                Err(error) => {
                    let fault = KeyFault {
                        class: store_class(&error),
                        why: Chain(&error).to_string().into(),
                    };
                    keys.extend(names.iter().map(|name| (name.clone(), Err(fault.clone()))));
                }
            }
        }
        Self { keys }
    }

    /// A keyring of these keys.
    #[must_use]
    pub fn of(keys: HashMap<KeyName, Result<SigningKey, KeyFault>>) -> Self {
        Self { keys }
    }

    /// The key of that name, or why it cannot sign.
    ///
    /// # Errors
    /// [`KeyFault`]; a name that the policy did not name at loading is missing.
    pub fn key(&self, name: &KeyName) -> Result<&SigningKey, KeyFault> {
        match self.keys.get(name) {
            Some(Ok(key)) => Ok(key),
            Some(Err(fault)) => Err(fault.clone()),
            None => Err(KeyFault {
                class: FaultClass::KeyMissing,
                why: "the key is not in the keyring".into(),
            }),
        }
    }

    /// Every key that cannot sign, for the log at start and after a reload.
    pub fn faults(&self) -> impl Iterator<Item = (&KeyName, &KeyFault)> {
        self.keys
            .iter()
            .filter_map(|(name, key)| key.as_ref().err().map(|fault| (name, fault)))
    }
}

async fn read_key(
    store: &CredStore,
    name: &KeyName,
    rsa_minimum_bits: u32,
) -> Result<SigningKey, KeyFault> {
    let stored = store.key(name).await.map_err(|error| key_fault(&error))?;
    match stored.state() {
        KeyState::Active => {}
        KeyState::Revoked { .. } => {
            return Err(KeyFault {
                class: FaultClass::KeyRevoked,
                why: "the key is revoked in the store".into(),
            });
        }
    }
    let secret = store.unseal(&stored).map_err(|error| key_fault(&error))?;
    let key = SigningKey::from_pkcs8_der(secret.expose()).map_err(|error| KeyFault {
        class: FaultClass::KeyUnreadable,
        why: Chain(&error).to_string().into(),
    })?;
    if key.algorithm() == Algorithm::RsaSha256 && key.bits() < rsa_minimum_bits {
        let why = format!(
            "the key has {} bits, signing.rsa_minimum_bits asks for {rsa_minimum_bits}",
            key.bits()
        );
        return Err(KeyFault {
            class: FaultClass::KeyTooShort,
            why: why.into(),
        });
    }
    Ok(key)
}

fn key_fault(error: &CredStoreError) -> KeyFault {
    let class = match error {
        CredStoreError::NotFound { .. } => FaultClass::KeyMissing,
        error if error.is_transient() => FaultClass::StoreAway,
        _ => FaultClass::KeyUnreadable,
    };
    KeyFault {
        class,
        why: Chain(error).to_string().into(),
    }
}

/// A store that does not open is away, whatever the reason: an operator can bring it back without touching any message.
fn store_class(error: &CredStoreError) -> FaultClass {
    match error {
        CredStoreError::NekMissing { .. } => FaultClass::NekAway,
        _ => FaultClass::StoreAway,
    }
}
