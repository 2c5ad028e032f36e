//! In what condition a key is that the settings name, and what it is known by.
//!
//! A key is read as for signing, so that what is called active can sign. A fault is a condition with its reason, never an
//! error: the other keys are still to be shown.

use std::fmt;

use common_config::name::KeyName;
use credstore::{CredStore, CredStoreError, KeyAlgorithm};
use dkim_core::{Algorithm, KeyRecord};
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
    /// The store or its NEK is not there for now.
    Away,
}

impl Condition {
    /// Whether waiting may help.
    pub(crate) fn is_transient(self) -> bool {
        self == Self::Away
    }

    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Store(CredStoreError::NotFound { .. }) => Self::Missing,
            Failure::Store(CredStoreError::Revoked { .. }) => Self::Revoked,
            Failure::Store(error) if error.is_transient() => Self::Away,
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
            Self::Away => "out of reach",
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
            condition: Condition::Away,
            fault: None,
            algorithm: None,
            fingerprint: None,
        };
        let store = match store {
            Ok(store) => store,
            Err(failure) => {
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
