//! The kinds of key that the store can name.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What kind a stored key is. The store does not look into the key: this is what its maker said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// RSA (RFC 8301).
    Rsa {
        /// The length of the modulus.
        bits: u32,
    },
    /// Ed25519 (RFC 8463).
    Ed25519,
}

/// `rsa-2048`, `ed25519`.
impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "rsa-{bits}"),
            Self::Ed25519 => f.write_str("ed25519"),
        }
    }
}

impl FromStr for KeyAlgorithm {
    type Err = AlgorithmError;

    fn from_str(text: &str) -> Result<Self, AlgorithmError> {
        if text == "ed25519" {
            return Ok(Self::Ed25519);
        }
        text.strip_prefix("rsa-")
            .and_then(|bits| bits.parse().ok())
            .map(|bits| Self::Rsa { bits })
            .ok_or(AlgorithmError)
    }
}

/// Not a name of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an algorithm that this version knows; expected \"rsa-<bits>\" or \"ed25519\"")]
pub struct AlgorithmError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_they_are_written() {
        for algorithm in [KeyAlgorithm::Rsa { bits: 2048 }, KeyAlgorithm::Ed25519] {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        for wrong in ["", "rsa", "rsa-", "rsa-x", "RSA-2048", "ed448"] {
            assert_eq!(
                wrong.parse::<KeyAlgorithm>(),
                Err(AlgorithmError),
                "{wrong}"
            );
        }
    }
}
