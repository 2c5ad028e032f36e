//! The secret half of a key in the hands of whichever library takes it.

use aws_lc_rs::digest::{self, Digest};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SecureRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, Ed25519KeyPair, KeyPair};
use rsa::pkcs1::{DecodeRsaPrivateKey, RsaPrivateKeyRef};
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::sha2::Sha256;
use zeroize::Zeroizing;

use super::RawSigner;
use crate::algorithm::Algorithm;
use crate::error::{KeyError, RawSignError};

/// A private key, by who computes with it.
pub(super) enum Material {
    /// RSA of 2,048 bits and more.
    Rsa(RsaKeyPair),
    /// RSA of less than 2,048 bits.
    ShortRsa(Box<rsa::PrivateKey>),
    Ed25519(Ed25519KeyPair),
    Remote(Box<dyn RawSigner>),
}

impl Material {
    pub(super) fn generate_rsa(bits: u32) -> Result<Material, KeyError> {
        let size = match bits {
            2_048 => KeySize::Rsa2048,
            3_072 => KeySize::Rsa3072,
            4_096 => KeySize::Rsa4096,
            8_192 => KeySize::Rsa8192,
            // The other sizes are the `rsa` crate's to make. It is slow at it, and asked seldom.
            _ => {
                let key = rsa::PrivateKey::new(&mut SystemRandom, bits as usize)
                    .map_err(|_| KeyError::Generation)?;
                let der = rsa::pkcs1::EncodeRsaPrivateKey::to_pkcs1_der(&key)
                    .map_err(|_| KeyError::Generation)?;
                return Material::rsa_from_pkcs1(der.as_bytes(), bits);
            }
        };
        RsaKeyPair::generate(size)
            .map(Material::Rsa)
            .map_err(|_| KeyError::Generation)
    }

    pub(super) fn generate_ed25519() -> Result<Material, KeyError> {
        Ed25519KeyPair::generate()
            .map(Material::Ed25519)
            .map_err(|_| KeyError::Generation)
    }

    pub(super) fn rsa_from_pkcs1(der: &[u8], bits: u32) -> Result<Material, KeyError> {
        if bits >= AWS_LC_SHORTEST {
            RsaKeyPair::from_der(der)
                .map(Material::Rsa)
                .map_err(|_| KeyError::Inconsistent)
        } else {
            rsa::PrivateKey::from_pkcs1_der(der)
                .map(|key| Material::ShortRsa(Box::new(key)))
                .map_err(|_| KeyError::Inconsistent)
        }
    }

    pub(super) fn ed25519_from_pkcs8(der: &[u8]) -> Result<Material, KeyError> {
        Ed25519KeyPair::from_pkcs8(der)
            .map(Material::Ed25519)
            .map_err(|_| KeyError::Inconsistent)
    }

    pub(super) fn ed25519_from_seed(seed: &[u8; 32]) -> Result<Material, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(seed)
            .map(Material::Ed25519)
            .map_err(|_| KeyError::Inconsistent)
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Material::Rsa(_) | Material::ShortRsa(_) => Algorithm::RsaSha256,
            Material::Ed25519(_) => Algorithm::Ed25519Sha256,
            Material::Remote(signer) => signer.algorithm(),
        }
    }

    /// The public half, as [`RawSigner::public_key`] gives it.
    pub(super) fn public_key(&self) -> Result<Vec<u8>, KeyError> {
        match self {
            Material::Rsa(key) => {
                let der: PublicKeyX509Der<'_> =
                    key.public_key().as_der().map_err(|_| KeyError::PublicKey)?;
                Ok(der.as_ref().to_vec())
            }
            Material::ShortRsa(key) => {
                let der = key
                    .as_public_key()
                    .to_public_key_der()
                    .map_err(|_| KeyError::PublicKey)?;
                Ok(der.as_bytes().to_vec())
            }
            Material::Ed25519(key) => Ok(key.public_key().as_ref().to_vec()),
            Material::Remote(signer) => Ok(signer.public_key()),
        }
    }

    pub(super) fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match self {
            Material::Rsa(key) => {
                let der: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::Inconsistent)?;
                Ok(Zeroizing::new(der.as_ref().to_vec()))
            }
            Material::ShortRsa(key) => {
                let der = key.to_pkcs8_der().map_err(|_| KeyError::Inconsistent)?;
                Ok(Zeroizing::new(der.as_bytes().to_vec()))
            }
            Material::Ed25519(key) => {
                // Version 1 is what OpenSSL writes and every library reads.
                let der: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::Inconsistent)?;
                Ok(Zeroizing::new(der.as_ref().to_vec()))
            }
            Material::Remote(_) => Err(KeyError::NotExportable),
        }
    }

    pub(super) fn sign_sha256(&self, sha256: &[u8; 32]) -> Result<Vec<u8>, RawSignError> {
        match self {
            Material::Rsa(key) => {
                let digest =
                    Digest::import_less_safe(sha256, &digest::SHA256).map_err(RawSignError::new)?;
                let mut octets = vec![0; key.public_modulus_len()];
                key.sign_digest(&signature::RSA_PKCS1_SHA256, &digest, &mut octets)
                    .map_err(RawSignError::new)?;
                Ok(octets)
            }
            Material::ShortRsa(key) => key
                .pkcs1v15_sign_prehash::<Sha256>(sha256)
                .map_err(RawSignError::new),
            Material::Ed25519(key) => Ok(key
                .try_sign(sha256)
                .map_err(RawSignError::new)?
                .as_ref()
                .to_vec()),
            Material::Remote(signer) => signer.sign_sha256(sha256),
        }
    }
}

/// The size of the modulus of a PKCS#1 private key.
pub(super) fn rsa_bits(pkcs1: &[u8]) -> Result<u32, KeyError> {
    let key = RsaPrivateKeyRef::try_from(pkcs1).map_err(|_| KeyError::NotPkcs1)?;
    Ok(crate::public_key::bit_length(key.modulus.as_bytes()))
}

/// The system's random source in the shape that the `rsa` crate wants.
struct SystemRandom;

impl TryRng for SystemRandom {
    type Error = aws_lc_rs::error::Unspecified;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets)?;
        Ok(u32::from_ne_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets)?;
        Ok(u64::from_ne_bytes(octets))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Self::Error> {
        aws_lc_rs::rand::SystemRandom::new().fill(octets)
    }
}

impl TryCryptoRng for SystemRandom {}

/// rsaEncryption (RFC 8017 appendix A.1).
pub(super) const RSA_OID: &str = "1.2.840.113549.1.1.1";
/// id-Ed25519 (RFC 8410 §3).
pub(super) const ED25519_OID: &str = "1.3.101.112";
/// aws-lc-rs takes no private RSA key below this.
const AWS_LC_SHORTEST: u32 = 2_048;
