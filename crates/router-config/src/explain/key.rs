//! A key as an explanation shows it: plain facts, from the program that has the key. What they mean for mail is decided
//! elsewhere ([`super::outcome`]).

use std::fmt;

use common_config::name::KeyName;
use serde::{Serialize, Serializer};

use crate::failure::FaultClass;
use crate::signing_profile::SignatureAlgorithm;

/// One key that the settings name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedKey {
    /// Its name.
    #[serde(rename = "key")]
    pub name: KeyName,
    /// Whether it signs.
    #[serde(flatten)]
    pub condition: KeyCondition,
    /// What kind it is, where that is known: `rsa-2048`.
    pub algorithm: Option<String>,
    /// The SHA-256 of the octets in the `p=` of its record, where that is known; shown in hexadecimal.
    #[serde(serialize_with = "hexadecimal")]
    pub fingerprint: Option<[u8; 32]>,
}

/// Whether a key signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyCondition {
    /// It does, with this algorithm.
    Active(SignatureAlgorithm),
    /// It does not.
    Faulty {
        /// What sort of fault it is.
        class: FaultClass,
        /// What is wrong with it, in one line.
        why: String,
    },
}

impl KeyCondition {
    /// What it signs with; nothing for a key that does not sign.
    pub fn algorithm(&self) -> Option<SignatureAlgorithm> {
        match self {
            Self::Active(algorithm) => Some(*algorithm),
            Self::Faulty { .. } => None,
        }
    }

    fn why(&self) -> Option<&str> {
        match self {
            Self::Active(_) => None,
            Self::Faulty { why, .. } => Some(why),
        }
    }
}

/// In one or two words.
impl fmt::Display for KeyCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active(_) => "active",
            Self::Faulty { class, .. } => class.condition(),
        })
    }
}

impl Serialize for KeyCondition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            state: String,
            fault: Option<&'a str>,
        }
        let (state, fault) = (self.to_string(), self.why());
        Shown { state, fault }.serialize(serializer)
    }
}

impl fmt::Display for ExplainedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.condition)?;
        if let Some(algorithm) = &self.algorithm {
            write!(f, ", {algorithm}")?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            write!(f, ", sha256:{}", in_hexadecimal(fingerprint))?;
        }
        match self.condition.why() {
            Some(why) => write!(f, "\n    {why}"),
            None => Ok(()),
        }
    }
}

fn hexadecimal<S: Serializer>(octets: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
    octets.as_ref().map(in_hexadecimal).serialize(serializer)
}

fn in_hexadecimal(octets: &[u8; 32]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
