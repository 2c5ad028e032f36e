//! Private keys, and the seam behind which any other signer can sit.
//!
//! RSA of 2,048 bits and up and Ed25519 are aws-lc-rs's; shorter RSA keys, which it refuses, are the `rsa` crate's, with
//! blinding. A [`RawSigner`] is asked for one thing only: a signature over 32 octets. Secrets are wiped when the last copy
//! of a key goes, and never shown.

mod material;

use std::fmt;
use std::sync::Arc;

use rsa::pkcs8::{PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::error::{KeyError, RawSignError};
use crate::public_key::PublicKey;
use crate::record::KeyRecord;
use material::Material;

/// Whatever can sign with a private key: a device, a key service, a test.
///
/// DKIM asks both kinds of key for the same thing, a signature over a SHA-256: RSASSA-PKCS1-v1_5 of the digest (RFC 6376 §3.3.2)
/// or PureEdDSA with the digest as its message (RFC 8463 §3).
pub trait RawSigner: Send + Sync {
    /// Which algorithm the key is for.
    fn algorithm(&self) -> Algorithm;

    /// The public half: a DER `SubjectPublicKeyInfo` (or `RSAPublicKey`) for RSA, the 32 octets for Ed25519.
    fn public_key(&self) -> Vec<u8>;

    /// Signs a SHA-256.
    ///
    /// # Errors
    /// Whatever keeps the key from signing; it reaches the caller as the source of [`SignError::Key`](crate::SignError::Key).
    fn sign_sha256(&self, digest: &[u8; 32]) -> Result<Vec<u8>, RawSignError>;
}

/// How long an RSA key may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RsaCeiling {
    /// 4,096 bits, the most that verifiers must accept (RFC 8301 §3.2).
    #[default]
    Interoperable,
    /// 8,192 bits: many verifiers will refuse such a key.
    Large,
}

impl RsaCeiling {
    /// The longest key allowed.
    pub fn bits(self) -> u32 {
        match self {
            RsaCeiling::Interoperable => 4_096,
            RsaCeiling::Large => 8_192,
        }
    }
}

/// A private key that signs messages. Copies are cheap and share the secret.
#[derive(Clone)]
pub struct SigningKey {
    inner: Arc<Inner>,
}

struct Inner {
    material: Material,
    public: PublicKey,
}

impl SigningKey {
    /// Makes a new RSA key of 1,024 to 4,096 bits.
    ///
    /// # Errors
    /// [`KeyError::TooShort`], [`KeyError::TooLong`], [`KeyError::OddSize`], or a failing random source.
    pub fn generate_rsa(bits: u32) -> Result<SigningKey, KeyError> {
        Self::generate_rsa_within(bits, RsaCeiling::default())
    }

    /// Makes a new RSA key under another ceiling.
    ///
    /// # Errors
    /// As [`SigningKey::generate_rsa`].
    pub fn generate_rsa_within(bits: u32, ceiling: RsaCeiling) -> Result<SigningKey, KeyError> {
        check_bits(bits, ceiling)?;
        if !bits.is_multiple_of(256) {
            return Err(KeyError::OddSize { bits });
        }
        Self::from_material(Material::generate_rsa(bits)?)
    }

    /// Makes a new Ed25519 key.
    ///
    /// # Errors
    /// A failing random source.
    pub fn generate_ed25519() -> Result<SigningKey, KeyError> {
        Self::from_material(Material::generate_ed25519()?)
    }

    /// Reads an unencrypted PKCS#8 key (RFC 5958), RSA or Ed25519.
    ///
    /// # Errors
    /// What is wrong with it, in the terms of [`KeyError`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<SigningKey, KeyError> {
        Self::from_pkcs8_der_within(der, RsaCeiling::default())
    }

    /// Reads an unencrypted PKCS#8 key under another ceiling.
    ///
    /// # Errors
    /// As [`SigningKey::from_pkcs8_der`].
    pub fn from_pkcs8_der_within(der: &[u8], ceiling: RsaCeiling) -> Result<SigningKey, KeyError> {
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::NotPkcs8)?;
        match info.algorithm.oid.to_string().as_str() {
            material::RSA_OID => Self::from_pkcs1_der_within(info.private_key.as_bytes(), ceiling),
            material::ED25519_OID => Self::from_material(Material::ed25519_from_pkcs8(der)?),
            other => Err(KeyError::OtherType {
                oid: other.to_owned(),
            }),
        }
    }

    /// Reads a PKCS#1 `RSAPrivateKey` (RFC 8017 appendix A.1.2).
    ///
    /// # Errors
    /// What is wrong with it, in the terms of [`KeyError`].
    pub fn from_pkcs1_der(der: &[u8]) -> Result<SigningKey, KeyError> {
        Self::from_pkcs1_der_within(der, RsaCeiling::default())
    }

    /// Reads a PKCS#1 `RSAPrivateKey` under another ceiling.
    ///
    /// # Errors
    /// As [`SigningKey::from_pkcs1_der`].
    pub fn from_pkcs1_der_within(der: &[u8], ceiling: RsaCeiling) -> Result<SigningKey, KeyError> {
        let bits = material::rsa_bits(der)?;
        check_bits(bits, ceiling)?;
        Self::from_material(Material::rsa_from_pkcs1(der, bits)?)
    }

    /// Reads the first PEM block of a text: `PRIVATE KEY` or `RSA PRIVATE KEY`.
    ///
    /// # Errors
    /// [`KeyError::NotPem`], [`KeyError::PemLabel`] (among others for encrypted keys), or what is wrong with the key inside.
    pub fn from_pem(pem: &str) -> Result<SigningKey, KeyError> {
        let block = pem
            .find("-----BEGIN ")
            .and_then(|start| pem.get(start..))
            .ok_or(KeyError::NotPem)?;
        let (label, document) = SecretDocument::from_pem(block).map_err(|_| KeyError::NotPem)?;
        match label {
            "PRIVATE KEY" => Self::from_pkcs8_der(document.as_bytes()),
            "RSA PRIVATE KEY" => Self::from_pkcs1_der(document.as_bytes()),
            other => Err(KeyError::PemLabel {
                label: other.to_owned(),
            }),
        }
    }

    /// The Ed25519 key of a 32-octet seed (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// Only when the cryptographic library fails.
    pub fn from_ed25519_seed(seed: &[u8; 32]) -> Result<SigningKey, KeyError> {
        Self::from_material(Material::ed25519_from_seed(seed)?)
    }

    /// A key that lives elsewhere.
    ///
    /// # Errors
    /// [`KeyError::PublicKey`] when its public half cannot be read; RSA sizes as elsewhere, up to 8,192 bits.
    pub fn from_raw_signer(signer: Box<dyn RawSigner>) -> Result<SigningKey, KeyError> {
        let key = Self::from_material(Material::Remote(signer))?;
        if key.algorithm() == Algorithm::RsaSha256 {
            check_bits(key.bits(), RsaCeiling::Large)?;
        }
        Ok(key)
    }

    /// The key as PKCS#8 DER, wiped when dropped.
    ///
    /// # Errors
    /// [`KeyError::NotExportable`] for a key behind a [`RawSigner`].
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.inner.material.to_pkcs8_der()
    }

    /// The algorithm of this key's signatures.
    pub fn algorithm(&self) -> Algorithm {
        self.inner.material.algorithm()
    }

    /// The size of the key: of the modulus for RSA, 256 for Ed25519.
    pub fn bits(&self) -> u32 {
        self.inner.public.bits()
    }

    /// The record to publish for this key.
    pub fn record(&self) -> KeyRecord {
        KeyRecord::new(self.inner.public.clone())
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.inner.public
    }

    pub(crate) fn sign_sha256(&self, digest: &[u8; 32]) -> Result<Vec<u8>, RawSignError> {
        self.inner.material.sign_sha256(digest)
    }

    fn from_material(material: Material) -> Result<SigningKey, KeyError> {
        let public = PublicKey::read(material.algorithm().key_type(), &material.public_key()?)
            .ok_or(KeyError::PublicKey)?;
        Ok(SigningKey {
            inner: Arc::new(Inner { material, public }),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SigningKey({}, {} bits, secret)",
            self.algorithm(),
            self.bits()
        )
    }
}

fn check_bits(bits: u32, ceiling: RsaCeiling) -> Result<(), KeyError> {
    if bits < SHORTEST_RSA {
        return Err(KeyError::TooShort { bits });
    }
    if bits > ceiling.bits() {
        return Err(KeyError::TooLong {
            bits,
            limit: ceiling.bits(),
        });
    }
    Ok(())
}

/// RFC 8301 §3.2: signers MUST use RSA keys of at least 1,024 bits.
const SHORTEST_RSA: u32 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip_through_pkcs8() {
        for key in [
            SigningKey::generate_rsa(1024).unwrap(),
            SigningKey::generate_rsa(2048).unwrap(),
            SigningKey::generate_ed25519().unwrap(),
        ] {
            let again = SigningKey::from_pkcs8_der(&key.to_pkcs8_der().unwrap()).unwrap();
            assert_eq!(again.algorithm(), key.algorithm());
            assert_eq!(again.bits(), key.bits());
            assert!(key.record().matches(&again).is_ok());
            let digest = [7; 32];
            assert_eq!(
                again.sign_sha256(&digest).unwrap(),
                key.sign_sha256(&digest).unwrap()
            );
        }
    }

    #[test]
    fn sizes_are_checked() {
        assert!(matches!(
            SigningKey::generate_rsa(512),
            Err(KeyError::TooShort { bits: 512 })
        ));
        assert!(matches!(
            SigningKey::generate_rsa(8192),
            Err(KeyError::TooLong {
                bits: 8192,
                limit: 4096
            })
        ));
        assert!(matches!(
            SigningKey::generate_rsa(2049),
            Err(KeyError::OddSize { bits: 2049 })
        ));
    }

    #[test]
    fn what_is_no_key_is_named() {
        assert!(matches!(
            SigningKey::from_pkcs8_der(b"no"),
            Err(KeyError::NotPkcs8)
        ));
        assert!(matches!(
            SigningKey::from_pkcs1_der(b"no"),
            Err(KeyError::NotPkcs1)
        ));
        assert!(matches!(SigningKey::from_pem("no"), Err(KeyError::NotPem)));
        let encrypted =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(matches!(
            SigningKey::from_pem(encrypted),
            Err(KeyError::PemLabel { .. })
        ));
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = SigningKey::from_ed25519_seed(&[0x41; 32]).unwrap();
        assert_eq!(
            format!("{key:?}"),
            "SigningKey(ed25519-sha256, 256 bits, secret)"
        );
    }
}
