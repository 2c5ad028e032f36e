//! The keys that the policy names, unsealed: an immutable snapshot, made at start, on a reload, when the store was
//! changed, and when a deferred message asks again. A key that cannot be had stands in it with the reason, so that no
//! message waits for the store; one that signs has proved it ([`super::probe`]).

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::path::PathBuf;

use common_config::name::KeyName;
use credstore::{
    CredStore, CredStoreError, KeyAlgorithm, KeyState, NekDir, SeenVersions, StoredKey,
};
use dkim_core::{Algorithm, KeyRecord, SigningKey};
use router_config::{ExplainedKey, KeyCondition};

use super::probe::probe;
use super::profiles::setting;
use super::state::FaultClass;
use crate::mail_log::Chain;

/// Where keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySource {
    /// The credential store.
    pub store: PathBuf,
    /// The named encryption keys.
    pub neks: NekDir,
    /// RSA keys shorter than this do not sign, in bits.
    pub rsa_minimum_bits: u32,
}

impl KeySource {
    /// Whether keys come from the same place.
    pub(super) fn is_place_of(&self, other: &Self) -> bool {
        self.store == other.store && self.neks == other.neks
    }
}

/// An immutable set of keys.
#[derive(Debug)]
pub struct Keyring {
    keys: HashMap<KeyName, Result<KeyInForce, KeyFault>>,
    /// What the store says of them, where it could be read.
    public: HashMap<KeyName, PublicHalf>,
}

/// What anybody may know of a key, also of one that does not sign.
#[derive(Debug, Clone)]
struct PublicHalf {
    algorithm: KeyAlgorithm,
    /// Of the octets in the `p=` of its record.
    fingerprint: Option<[u8; 32]>,
}

/// A key that signs.
#[derive(Debug, Clone)]
pub struct KeyInForce {
    /// The key.
    pub signing: SigningKey,
    /// The SHA-256 of its public half.
    pub fingerprint: [u8; 32],
}

impl From<SigningKey> for KeyInForce {
    fn from(signing: SigningKey) -> Self {
        // Only the record of a revoked key has none.
        let fingerprint = signing.record().fingerprint().unwrap_or_default();
        Self {
            signing,
            fingerprint,
        }
    }
}

/// Why a key cannot sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    /// The class, for policy and reports.
    pub class: FaultClass,
    /// The whole chain of errors, for the operator.
    pub why: Box<str>,
}

impl Keyring {
    /// Reads the named keys from the store at `source`, unless it is older than what was `seen`. It always succeeds: what
    /// went wrong is in it, key by key.
    pub async fn load(source: &KeySource, names: &BTreeSet<KeyName>, seen: &SeenVersions) -> Self {
        if names.is_empty() {
            return Self::of(HashMap::new());
        }
        match CredStore::open_remembering(&source.store, &source.neks, seen).await {
            Ok(store) => Self::read(&store, names, source.rsa_minimum_bits).await,
            Err(error) => Self::without_a_store(&error, names),
        }
    }

    /// Reads the named keys from an open store: all as they were at one moment, each tried before it may sign.
    pub async fn read(store: &CredStore, names: &BTreeSet<KeyName>, rsa_minimum_bits: u32) -> Self {
        let found = match store.keys_named(names).await {
            Ok(found) => found,
            Err(error) => return Self::without_a_store(&error, names),
        };
        let mut keys = HashMap::with_capacity(found.len());
        let mut public = HashMap::with_capacity(found.len());
        for (name, stored) in found {
            if let Ok(stored) = &stored {
                public.insert(name.clone(), PublicHalf::of(stored));
            }
            let key = stored
                .map_err(|error| key_fault(&error))
                .and_then(|stored| usable_key(store, &stored, rsa_minimum_bits));
            keys.insert(name, key);
            // Trying a key takes milliseconds of computing; others may have their turn in between.
            tokio::task::yield_now().await;
        }
        Self { keys, public }
    }

    fn without_a_store(error: &CredStoreError, names: &BTreeSet<KeyName>) -> Self {
        let fault = KeyFault {
            class: store_class(error),
            why: Chain(error).to_string().into(),
        };
        let keys = names.iter().map(|name| (name.clone(), Err(fault.clone())));
        Self::of(keys.collect())
    }

    /// A keyring of these keys.
    #[must_use]
    pub fn of(keys: HashMap<KeyName, Result<KeyInForce, KeyFault>>) -> Self {
        Self {
            keys,
            public: HashMap::new(),
        }
    }

    /// The key of that name, or why it cannot sign.
    ///
    /// # Errors
    /// [`KeyFault`]; a name that the policy did not name at loading is missing.
    pub fn key(&self, name: &KeyName) -> Result<&KeyInForce, KeyFault> {
        match self.keys.get(name) {
            Some(Ok(key)) => Ok(key),
            Some(Err(fault)) => Err(fault.clone()),
            None => Err(KeyFault {
                class: FaultClass::KeyMissing,
                why: "the key is not in the keyring".into(),
            }),
        }
    }

    /// The key of that name, as explanations show it.
    #[must_use]
    pub fn explained(&self, name: &KeyName) -> ExplainedKey {
        let public = self.public.get(name);
        ExplainedKey {
            name: name.clone(),
            condition: match self.key(name) {
                Ok(key) => KeyCondition::Active(setting(key.signing.algorithm())),
                Err(KeyFault { class, why }) => KeyCondition::Faulty {
                    class,
                    why: why.into(),
                },
            },
            algorithm: public.map(|public| public.algorithm.to_string()),
            fingerprint: public.and_then(|public| public.fingerprint),
        }
    }

    /// Every key that cannot sign, for the log at start and after a reload.
    pub fn faults(&self) -> impl Iterator<Item = (&KeyName, &KeyFault)> {
        self.keys
            .iter()
            .filter_map(|(name, key)| key.as_ref().err().map(|fault| (name, fault)))
    }

    /// How many keys can sign.
    #[must_use]
    pub fn usable(&self) -> usize {
        self.keys.values().filter(|key| key.is_ok()).count()
    }

    /// The keys that are others here than in `before`, that sign in one and not in the other, or that fail for another
    /// reason; in order.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> BTreeSet<KeyName> {
        let names = self.keys.keys().chain(before.keys.keys());
        let changed = names.filter(
            |name| match (self.keys.get(*name), before.keys.get(*name)) {
                (Some(Ok(now)), Some(Ok(then))) => now.fingerprint != then.fingerprint,
                (Some(Err(now)), Some(Err(then))) => now != then,
                (None, None) => false,
                (Some(_), None | Some(_)) | (None, Some(_)) => true,
            },
        );
        changed.cloned().collect()
    }

    /// The same; but what is out of reach here, and was not in `before`, is as it was there: a store that is away takes no
    /// key with it. RSA keys shorter than `rsa_minimum_bits` do not sign all the same.
    #[must_use]
    pub fn keeping(mut self, before: &Self, rsa_minimum_bits: u32) -> Self {
        for (name, key) in &mut self.keys {
            let is_away = key.as_ref().is_err_and(|fault| fault.class.is_transient());
            match before.keys.get(name) {
                Some(Ok(then)) if is_away => {
                    let long_enough = check_length(&then.signing, rsa_minimum_bits);
                    *key = long_enough.map(|()| then.clone());
                }
                Some(Err(then)) if is_away && !then.class.is_transient() => {
                    *key = Err(then.clone());
                }
                Some(_) | None => continue,
            }
            if let Some(public) = before.public.get(name) {
                self.public.insert(name.clone(), public.clone());
            }
        }
        self
    }

    /// Whether a key that signs in `before` is out of reach here for a reason that may pass.
    #[must_use]
    pub fn lost_for_now(&self, before: &Self) -> bool {
        self.faults()
            .any(|(name, fault)| fault.class.is_transient() && before.key(name).is_ok())
    }

    /// Whether reading the store again may bring a key that this snapshot lacks.
    #[must_use]
    pub fn has_transient_faults(&self) -> bool {
        self.faults().any(|(_, fault)| fault.class.is_transient())
    }
}

impl PublicHalf {
    fn of(stored: &StoredKey) -> Self {
        let record = KeyRecord::parse(stored.record()).ok();
        Self {
            algorithm: stored.algorithm(),
            fingerprint: record.and_then(|record| record.fingerprint()),
        }
    }
}

/// Unseals a key and has it prove itself; its secret bytes are wiped when this returns.
fn usable_key(
    store: &CredStore,
    stored: &StoredKey,
    rsa_minimum_bits: u32,
) -> Result<KeyInForce, KeyFault> {
    match stored.state() {
        KeyState::Active => {}
        KeyState::Revoked { .. } => {
            return Err(KeyFault {
                class: FaultClass::KeyRevoked,
                why: "the key is revoked in the store".into(),
            });
        }
    }
    let secret = store.unseal(stored).map_err(|error| key_fault(&error))?;
    let key = SigningKey::from_pkcs8_der(secret.expose()).map_err(|error| unreadable(&error))?;
    check_length(&key, rsa_minimum_bits)?;
    probe(stored.name(), &key, stored.record()).map_err(|error| unreadable(&error))?;
    Ok(key.into())
}

fn check_length(key: &SigningKey, rsa_minimum_bits: u32) -> Result<(), KeyFault> {
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
    Ok(())
}

fn unreadable(error: &dyn Error) -> KeyFault {
    KeyFault {
        class: FaultClass::KeyUnreadable,
        why: Chain(error).to_string().into(),
    }
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

#[cfg(test)]
#[path = "keyring_tests.rs"]
pub(crate) mod tests;
