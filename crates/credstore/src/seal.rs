//! Sealing: AES-256-GCM, with associated data that says whose secret it is.
//!
//! A sealed secret opens only under the key and the associated data it was sealed with. The nonce is random: one NEK
//! seals some thousand keys in its life, far below the 2³² messages at which random 96-bit nonces become a risk
//! (NIST SP 800-38D §8.3).

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::transcript::{KEY_LENGTH, Transcript};

/// A key that seals and opens.
pub(crate) struct SealKey(Zeroizing<[u8; KEY_LENGTH]>);

impl SealKey {
    pub(crate) fn new(key: Zeroizing<[u8; KEY_LENGTH]>) -> Self {
        Self(key)
    }

    /// Seals `secret`, bound to `about`.
    ///
    /// ```text
    /// | format: 1 octet, 1 | nonce: 12 | ciphertext | tag: 16 |
    /// ```
    pub(crate) fn seal(&self, about: &Transcript, secret: &Secret) -> Result<Vec<u8>, SealError> {
        // A buffer of the exact size: one that grew would leave a copy of the plaintext behind in freed memory.
        let mut text = Zeroizing::new(secret.expose().to_vec());
        let (nonce, tag) = self
            .key()?
            .seal_in_place_separate_tag(Aad::from(about.as_bytes()), &mut text)
            .map_err(|_| SealError::Seal)?;
        let mut sealed = vec![FORMAT];
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`SealKey::seal`] made, when key and associated data are the same.
    pub(crate) fn open(&self, about: &Transcript, sealed: &[u8]) -> Result<Secret, SealError> {
        let (&format, rest) = sealed.split_first().ok_or(SealError::Open)?;
        if format != FORMAT {
            return Err(SealError::Format(format));
        }
        let (nonce, text) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(SealError::Open)?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = self
            .key()?
            .open_in_place(Nonce::from(nonce), Aad::from(about.as_bytes()), &mut text)
            .map_err(|_| SealError::Open)?
            .len();
        text.truncate(length);
        Ok(Secret::from(text))
    }

    fn key(&self) -> Result<RandomizedNonceKey, SealError> {
        RandomizedNonceKey::new(&AES_256_GCM, &*self.0).map_err(|_| SealError::Seal)
    }
}

const FORMAT: u8 = 1;

/// Why a secret could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The cryptographic library refused: it had no random numbers, or does not work.
    #[error(
        "the cryptographic library could not encrypt; check that the system has a source of random numbers"
    )]
    Seal,
    /// The bytes were altered, or belong to another key, name, generation or store.
    #[error("the sealed bytes were altered, or were sealed for something else")]
    Open,
    /// Made by a later version of this crate.
    #[error("the sealed bytes have format {0}, which this version does not know; upgrade it")]
    Format(u8),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey::new(Zeroizing::new([byte; KEY_LENGTH]))
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_again(secret: Vec<u8>, about: String) {
            let about = Transcript::new("test").text(&about);
            let sealed = key(1).seal(&about, &Secret::new(secret.clone())).unwrap();
            let opened = key(1).open(&about, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), &secret[..]);
        }

        #[test]
        fn one_changed_bit_is_refused(secret: Vec<u8>, at: prop::sample::Index, bit in 0u8..8) {
            let about = Transcript::new("test");
            let mut sealed = key(1).seal(&about, &Secret::new(secret)).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(key(1).open(&about, &sealed).is_err());
        }
    }

    #[test]
    fn refuses_by_name() {
        let about = Transcript::new("test").text("a");
        let sealed = key(1)
            .seal(&about, &Secret::new(b"secret".to_vec()))
            .unwrap();
        let check = |key: &SealKey, about: &Transcript, sealed: &[u8], expected: SealError| {
            assert_eq!(key.open(about, sealed).unwrap_err(), expected);
        };
        check(&key(2), &about, &sealed, SealError::Open);
        check(
            &key(1),
            &Transcript::new("test").text("b"),
            &sealed,
            SealError::Open,
        );
        check(&key(1), &about, &[], SealError::Open);
        check(&key(1), &about, &sealed[..10], SealError::Open);
        check(&key(1), &about, &[2, 0, 0], SealError::Format(2));
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let about = Transcript::new("test");
        let secret = Secret::new(b"secret".to_vec());
        assert_ne!(
            key(1).seal(&about, &secret).unwrap(),
            key(1).seal(&about, &secret).unwrap()
        );
    }
}
