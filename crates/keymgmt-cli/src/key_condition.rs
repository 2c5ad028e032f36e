//! In what condition a key is that the settings name, and what it is known by.
//!
//! A key is read as for signing, so that what is called active can sign. A fault is a condition with its reason, never an
//! error: the other keys are still to be shown.

use std::fmt;

use common_config::name::KeyName;
use credstore::{CredStore, CredStoreError, KeyAlgorithm};
use dkim_core::{Algorithm, KeyRecord};
use router_config::FaultClass;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::signing::{self, SigningError};

/// What the server would find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It signs.
    Active,
    /// It is revoked.
    Revoked,
    /// The store has no key of that name.
    Missing,
    /// It is shorter than `signing.rsa_minimum_bits`.
    TooShort,
    /// Its row was altered or is sealed under another NEK.
    Unreadable,
    /// The store is not there for now.
    StoreAway,
    /// Its NEK is not there for now.
    NekAway,
}

impl Condition {
    /// The class of failure that it is to the server; nothing for a key that signs.
    pub(crate) fn fault_class(self) -> Option<FaultClass> {
        Some(match self {
            Self::Active => return None,
            Self::Revoked => FaultClass::KeyRevoked,
            Self::Missing => FaultClass::KeyMissing,
            Self::TooShort => FaultClass::KeyTooShort,
            Self::Unreadable => FaultClass::KeyUnreadable,
            Self::StoreAway => FaultClass::StoreAway,
            Self::NekAway => FaultClass::NekAway,
        })
    }

    /// Of a store that cannot be opened.
    fn of_store(failure: &Failure) -> Self {
        match failure {
            Failure::Store(CredStoreError::NekMissing { .. }) => Self::NekAway,
            _ => Self::StoreAway,
        }
    }

    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Store(CredStoreError::NotFound { .. }) => Self::Missing,
            Failure::Store(CredStoreError::Revoked { .. }) => Self::Revoked,
            Failure::Store(error) if error.is_transient() => Self::StoreAway,
            Failure::Signing(SigningError::KeyTooShort { .. }) => Self::TooShort,
            _ => Self::Unreadable,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Missing => "missing",
            Self::TooShort => "too short",
            Self::Unreadable => "unreadable",
            Self::StoreAway | Self::NekAway => "out of reach",
        })
    }
}

/// One key that the settings name.
#[derive(Debug)]
pub(crate) struct FoundKey {
    pub(crate) name: KeyName,
    pub(crate) condition: Condition,
    /// What is wrong with it, in one line.
    fault: Option<String>,
    algorithm: Option<KeyAlgorithm>,
    /// The SHA-256 of the octets in `p=`, in hexadecimal.
    fingerprint: Option<String>,
}

impl FoundKey {
    /// Looks for `name` in the store, if the store could be opened.
    pub(crate) async fn look(
        store: &Result<CredStore, Failure>,
        name: &KeyName,
        rsa_minimum_bits: u32,
    ) -> Self {
        let mut found = Self {
            name: name.clone(),
            condition: Condition::StoreAway,
            fault: None,
            algorithm: None,
            fingerprint: None,
        };
        let store = match store {
            Ok(store) => store,
            Err(failure) => {
                found.condition = Condition::of_store(failure);
                found.fault = Some(failure.line());
                return found;
            }
        };
        if let Ok(stored) = store.key(name).await {
            found.algorithm = Some(stored.algorithm());
            found.fingerprint = KeyRecord::parse(stored.record())
                .ok()
                .and_then(|record| record.fingerprint())
                .map(hexadecimal);
        }
        match signing::key(store, name, rsa_minimum_bits).await {
            Ok(_) => found.condition = Condition::Active,
            Err(failure) => {
                found.condition = Condition::of(&failure);
                found.fault = Some(failure.line());
            }
        }
        found
    }

    /// What it signs with; RSA when the key cannot be had.
    pub(crate) fn signature_algorithm(&self) -> Algorithm {
        match self.algorithm {
            Some(KeyAlgorithm::Ed25519) => Algorithm::Ed25519Sha256,
            _ => Algorithm::RsaSha256,
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "key": self.name.to_string(),
            "state": self.condition.to_string(),
            "algorithm": self.algorithm.map(|algorithm| algorithm.to_string()),
            "fingerprint": self.fingerprint,
            "fault": self.fault,
        })
    }
}

impl fmt::Display for FoundKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.condition)?;
        if let Some(algorithm) = self.algorithm {
            write!(f, ", {algorithm}")?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            write!(f, ", sha256:{fingerprint}")?;
        }
        match &self.fault {
            Some(fault) => write!(f, "\n    {fault}"),
            None => Ok(()),
        }
    }
}

fn hexadecimal(octets: [u8; 32]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
