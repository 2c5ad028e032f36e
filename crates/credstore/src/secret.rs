//! Secret bytes: wiped when dropped, never shown, and read through one door.
//!
//! Owns nothing but the container. Whoever calls [`Secret::expose`] answers for what becomes of the bytes.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes that must not be seen: a private key, a passphrase.
///
/// Neither `Clone` nor serializable; `Debug` shows the length's absence as well as the bytes'. The memory is
/// overwritten when the value is dropped.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over the bytes. A copy that the caller keeps is the caller's to wipe.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves: the only way out.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_bytes_nor_length() {
        let shown = format!("{:?}", Secret::new(b"top secret".to_vec()));
        assert_eq!(shown, "Secret(redacted)");
    }
}
