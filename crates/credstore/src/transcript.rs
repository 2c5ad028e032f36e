//! Unambiguous encoding of what a MAC or a seal covers.
//!
//! Each field stands behind its length, so that no two lists of fields give the same bytes: `("ab", "c")` and
//! `("a", "bc")` differ.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// The size of a derived key and of a MAC, in octets.
pub(crate) const KEY_LENGTH: usize = 32;

/// The bytes under a MAC, or the associated data of a seal.
///
/// ```text
/// | length: u64 big endian | label | length | field | length | field | …
/// ```
pub(crate) struct Transcript(Vec<u8>);

impl Transcript {
    /// Starts with a label that says what the whole is for, so that bytes made for one use fit no other.
    pub(crate) fn new(label: &str) -> Self {
        Self(Vec::new()).bytes(label.as_bytes())
    }

    pub(crate) fn bytes(mut self, field: &[u8]) -> Self {
        self.0
            .extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    pub(crate) fn text(self, field: &str) -> Self {
        self.bytes(field.as_bytes())
    }

    pub(crate) fn number(self, field: i64) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A key for message authentication codes (HMAC-SHA-256, RFC 2104).
pub(crate) struct MacKey(Zeroizing<[u8; KEY_LENGTH]>);

impl MacKey {
    pub(crate) fn new(key: Zeroizing<[u8; KEY_LENGTH]>) -> Self {
        Self(key)
    }

    pub(crate) fn mac(&self, transcript: &Transcript) -> Vec<u8> {
        hmac::sign(&self.key(), transcript.as_bytes())
            .as_ref()
            .to_vec()
    }

    /// Whether `mac` is the transcript's, compared in constant time.
    pub(crate) fn holds(&self, transcript: &Transcript, mac: &[u8]) -> bool {
        hmac::verify(&self.key(), transcript.as_bytes(), mac).is_ok()
    }

    /// Derives a key for one purpose. HMAC is used as the pseudo-random function, as HKDF-Expand does for one block
    /// (RFC 5869 §2.3): the master key is uniformly random, so nothing needs extracting.
    pub(crate) fn derive(&self, purpose: &Transcript) -> Zeroizing<[u8; KEY_LENGTH]> {
        let tag = hmac::sign(&self.key(), purpose.as_bytes());
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        key.copy_from_slice(tag.as_ref());
        key
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_each_other() {
        let one = Transcript::new("label").text("ab").text("c");
        let other = Transcript::new("label").text("a").text("bc");
        assert_ne!(one.as_bytes(), other.as_bytes());
    }
}
