//! Public keys as key records hold them, and the check of one signature under one.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{self, VerificationAlgorithm};
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::pkcs8::SubjectPublicKeyInfoRef;

use crate::algorithm::KeyType;

/// A public key that was read and has the form its type demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    key_type: KeyType,
    /// As published: what a record that is rendered again must hold.
    published: Vec<u8>,
    /// For RSA the PKCS#1 `RSAPublicKey`, whichever form was published; for Ed25519 the 32 octets.
    bare: Vec<u8>,
    bits: u32,
}

impl PublicKey {
    /// RSA: a `SubjectPublicKeyInfo` or, as RFC 6376 §3.6.1 has it word for word, an `RSAPublicKey`. Ed25519: 32 octets.
    pub(crate) fn read(key_type: KeyType, published: &[u8]) -> Option<PublicKey> {
        let (bare, bits) = match key_type {
            KeyType::Rsa => rsa_parts(published)?,
            KeyType::Ed25519 if published.len() == 32 => (published, 256),
            KeyType::Ed25519 => return None,
        };
        Some(PublicKey {
            key_type,
            published: published.to_vec(),
            bare: bare.to_vec(),
            bits,
        })
    }

    pub(crate) fn key_type(&self) -> KeyType {
        self.key_type
    }

    pub(crate) fn published(&self) -> &[u8] {
        &self.published
    }

    pub(crate) fn bits(&self) -> u32 {
        self.bits
    }

    /// Whether both are the same key, in whichever form each was published.
    pub(crate) fn is_same_key(&self, other: &PublicKey) -> bool {
        self.key_type == other.key_type && self.bare == other.bare
    }

    /// Whether `signed` is this key's signature over that SHA-256.
    pub(crate) fn verify_sha256(&self, sha256: &[u8; 32], signed: &[u8]) -> bool {
        match self.key_type {
            KeyType::Rsa => Digest::import_less_safe(sha256, &digest::SHA256)
                .and_then(|digest| {
                    signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY
                        .verify_digest_sig(&self.bare, &digest, signed)
                })
                .is_ok(),
            KeyType::Ed25519 => signature::ED25519
                .verify_sig(&self.bare, sha256, signed)
                .is_ok(),
        }
    }
}

/// The `RSAPublicKey` inside and the size of its modulus.
fn rsa_parts(published: &[u8]) -> Option<(&[u8], u32)> {
    let bare = match SubjectPublicKeyInfoRef::try_from(published) {
        Ok(info) if info.algorithm.oid == rsa::pkcs1::ALGORITHM_OID => {
            info.subject_public_key.as_bytes()?
        }
        Ok(_) => return None,
        Err(_) => published,
    };
    let key = RsaPublicKeyRef::try_from(bare).ok()?;
    Some((bare, bit_length(key.modulus.as_bytes())))
}

/// The number of bits of a big-endian number.
pub(crate) fn bit_length(number: &[u8]) -> u32 {
    let digits: &[u8] = match number.iter().position(|octet| *octet != 0) {
        Some(first) => number.get(first..).unwrap_or_default(),
        None => return 0,
    };
    let leading = digits.first().map_or(0, |octet| octet.leading_zeros());
    u32::try_from(digits.len() * 8).unwrap_or(u32::MAX) - leading
}
