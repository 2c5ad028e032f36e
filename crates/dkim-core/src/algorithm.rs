//! The signature algorithms of DKIM and the key types behind them.
//!
//! Only what may still be used is named: RFC 8301 §3.1 retired `rsa-sha1`, so the verifier reports it
//! as retired and nothing here can sign with it.

use std::fmt;

/// A signature algorithm, the `a=` tag (RFC 6376 §3.3, RFC 8463 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// `rsa-sha256`: RSASSA-PKCS1-v1_5 over the SHA-256 of the signed header (RFC 6376 §3.3.2).
    RsaSha256,
    /// `ed25519-sha256`: PureEdDSA over the SHA-256 of the signed header (RFC 8463 §3).
    Ed25519Sha256,
}

impl Algorithm {
    /// The name in an `a=` tag.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::RsaSha256 => "rsa-sha256",
            Algorithm::Ed25519Sha256 => "ed25519-sha256",
        }
    }

    /// The key type that makes such signatures.
    pub fn key_type(self) -> KeyType {
        match self {
            Algorithm::RsaSha256 => KeyType::Rsa,
            Algorithm::Ed25519Sha256 => KeyType::Ed25519,
        }
    }

    pub(crate) fn from_tag(value: &str) -> Option<Algorithm> {
        [Algorithm::RsaSha256, Algorithm::Ed25519Sha256]
            .into_iter()
            .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(value))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A type of public key, the `k=` tag of a key record (RFC 6376 §3.6.1, RFC 8463 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyType {
    /// `rsa`: a DER `SubjectPublicKeyInfo` or `RSAPublicKey`.
    Rsa,
    /// `ed25519`: the 32 octets of the public key.
    Ed25519,
}

impl KeyType {
    /// The name in a `k=` tag.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyType::Rsa => "rsa",
            KeyType::Ed25519 => "ed25519",
        }
    }

    /// The algorithm that keys of this type make signatures with.
    pub fn algorithm(self) -> Algorithm {
        match self {
            KeyType::Rsa => Algorithm::RsaSha256,
            KeyType::Ed25519 => Algorithm::Ed25519Sha256,
        }
    }

    pub(crate) fn from_tag(value: &str) -> Option<KeyType> {
        [KeyType::Rsa, KeyType::Ed25519]
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(value))
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
