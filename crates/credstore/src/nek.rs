//! Named encryption keys (NEKs): the 256-bit keys under which stores are sealed.
//!
//! A NEK is known by its name, which is a file's, and by its fingerprint, which is the key's own and betrays nothing of
//! it. Where NEKs are kept is the folder's business ([`crate::NekDir`]).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::transcript::{KEY_LENGTH, MacKey, Transcript};

/// A named encryption key. `Debug` shows the name and the fingerprint, never the key.
pub struct Nek {
    name: NekName,
    key: Zeroizing<[u8; KEY_LENGTH]>,
    fingerprint: Fingerprint,
}

impl Nek {
    /// What the key is called.
    #[must_use]
    pub fn name(&self) -> &NekName {
        &self.name
    }

    /// What tells this key from every other: the start of a keyed MAC (HMAC-SHA-256) of a fixed label.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// A new key from the system's random numbers.
    pub(crate) fn generate(name: NekName) -> Result<Self, NekFormatError> {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        rand::fill(&mut *key).map_err(|_| NekFormatError::Random)?;
        Ok(Self::from_key(name, key))
    }

    pub(crate) fn from_key(name: NekName, key: Zeroizing<[u8; KEY_LENGTH]>) -> Self {
        let tag = MacKey::new(key.clone()).derive(&Transcript::new("smtp-edge NEK fingerprint"));
        let mut fingerprint = [0; Fingerprint::LENGTH];
        for (to, from) in fingerprint.iter_mut().zip(tag.iter()) {
            *to = *from;
        }
        Self {
            name,
            key,
            fingerprint: Fingerprint(fingerprint),
        }
    }

    /// The key for one purpose in one store.
    pub(crate) fn derive(&self, purpose: &Transcript) -> Zeroizing<[u8; KEY_LENGTH]> {
        MacKey::new(self.key.clone()).derive(purpose)
    }

    pub(crate) fn expose(&self) -> &[u8; KEY_LENGTH] {
        &self.key
    }

    /// The contents of a NEK file: text, so that a person who finds it knows what it is.
    pub(crate) fn to_file(&self) -> Zeroizing<String> {
        let key = Zeroizing::new(BASE64.encode(*self.key));
        Zeroizing::new(format!(
            "{TITLE}\nfingerprint: {}\nkey: {}\n",
            self.fingerprint, *key
        ))
    }

    /// Reads what [`Nek::to_file`] wrote. The fingerprint in the file is a check sum: a damaged file is refused, rather
    /// than opening nothing.
    pub(crate) fn from_file(name: NekName, contents: &[u8]) -> Result<Self, NekFormatError> {
        let text = std::str::from_utf8(contents).map_err(|_| NekFormatError::NotANek)?;
        let mut lines = text.lines();
        if lines.next() != Some(TITLE) {
            return Err(NekFormatError::NotANek);
        }
        let mut value = |label: &str| {
            lines
                .next()
                .and_then(|line| line.strip_prefix(label))
                .map(str::trim)
        };
        let fingerprint = value("fingerprint:").ok_or(NekFormatError::Damaged)?;
        let fingerprint: Fingerprint = fingerprint.parse().map_err(|_| NekFormatError::Damaged)?;
        let key = value("key:").ok_or(NekFormatError::Damaged)?;
        let key = BASE64
            .decode(key)
            .map(Zeroizing::new)
            .map_err(|_| NekFormatError::Damaged)?;
        let nek = Self::from_bytes(name, &key)?;
        if nek.fingerprint != fingerprint {
            return Err(NekFormatError::Damaged);
        }
        Ok(nek)
    }

    pub(crate) fn from_bytes(name: NekName, bytes: &[u8]) -> Result<Self, NekFormatError> {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        if bytes.len() != key.len() {
            return Err(NekFormatError::Damaged);
        }
        key.copy_from_slice(bytes);
        Ok(Self::from_key(name, key))
    }
}

const TITLE: &str =
    "smtp-edge named encryption key, version 1. Keep it secret, and keep a copy elsewhere.";

impl fmt::Debug for Nek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nek")
            .field("name", &self.name)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// What is wrong with the bytes that should be a NEK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NekFormatError {
    /// Another kind of file.
    #[error("this is not a NEK file")]
    NotANek,
    /// Cut short or altered.
    #[error("the NEK file is damaged; restore it from its backup")]
    Damaged,
    /// The system gives no random numbers.
    #[error("the system gave no random numbers for a new key")]
    Random,
}

/// The name of a NEK: 1 to 64 letters, digits, `-`, `_` and `.`, without a difference between `A` and `a`, beginning
/// with a letter or digit. `all` is not a name, since commands use it for every NEK.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NekName(Box<str>);

impl NekName {
    /// The name, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NekName {
    type Err = NekNameError;

    fn from_str(text: &str) -> Result<Self, NekNameError> {
        let name = text.to_ascii_lowercase();
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > 64 {
            return Err(NekNameError::Length);
        }
        if !name.bytes().all(known)
            || !name.starts_with(|first: char| first.is_ascii_alphanumeric())
        {
            return Err(NekNameError::Character);
        }
        if name == "all" {
            return Err(NekNameError::Reserved);
        }
        Ok(Self(name.into()))
    }
}

impl fmt::Display for NekName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NekName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no name of a NEK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NekNameError {
    /// Empty, or too long.
    #[error("a NEK's name has 1 to 64 characters")]
    Length,
    /// A character that names do not have.
    #[error(
        "a NEK's name consists of letters, digits, '-', '_' and '.', and begins with a letter or digit"
    )]
    Character,
    /// `all`.
    #[error("\"all\" stands for every NEK; choose another name")]
    Reserved,
}

/// What a NEK is recognised by: 160 bits, shown as ten groups of four hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; Fingerprint::LENGTH]);

impl Fingerprint {
    const LENGTH: usize = 20;

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, pair) in self.0.chunks(2).enumerate() {
            if number > 0 {
                f.write_str(" ")?;
            }
            for byte in pair {
                write!(f, "{byte:02X}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: Vec<u32> = text
            .chars()
            .filter(|character| !matches!(character, ' ' | '-' | ':'))
            .map(|character| character.to_digit(16).ok_or(FingerprintError))
            .collect::<Result<_, _>>()?;
        let mut bytes = [0; Self::LENGTH];
        if digits.len() != bytes.len() * 2 {
            return Err(FingerprintError);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let number = pair.iter().fold(0, |number, digit| number * 16 + digit);
            *byte = u8::try_from(number).map_err(|_| FingerprintError)?;
        }
        Ok(Self(bytes))
    }
}

/// Not a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a fingerprint is ten groups of four hexadecimal digits")]
pub struct FingerprintError;

#[cfg(test)]
mod tests {
    use super::*;

    fn nek(byte: u8) -> Nek {
        Nek::from_key("test".parse().unwrap(), Zeroizing::new([byte; KEY_LENGTH]))
    }

    #[test]
    fn names() {
        let check = |text: &str, expected: Result<&str, NekNameError>| {
            assert_eq!(
                text.parse::<NekName>().as_ref().map(NekName::as_str),
                expected.as_ref().map(|name| *name)
            );
        };
        check("Mail-2026.a_b", Ok("mail-2026.a_b"));
        check("", Err(NekNameError::Length));
        check(&"a".repeat(65), Err(NekNameError::Length));
        check("../../etc/passwd", Err(NekNameError::Character));
        check("a/b", Err(NekNameError::Character));
        check(".hidden", Err(NekNameError::Character));
        check("-option", Err(NekNameError::Character));
        check("schlüssel", Err(NekNameError::Character));
        check("ALL", Err(NekNameError::Reserved));
    }

    #[test]
    fn fingerprints_are_ten_groups_of_four_and_read_back() {
        let shown = nek(7).fingerprint().to_string();
        let groups: Vec<&str> = shown.split(' ').collect();
        assert_eq!(groups.len(), 10);
        assert!(groups.iter().all(|group| group.len() == 4));
        assert_eq!(shown.to_lowercase().parse(), Ok(nek(7).fingerprint()));
        assert_ne!(nek(7).fingerprint(), nek(8).fingerprint());
        assert!("abcd".parse::<Fingerprint>().is_err());
    }

    #[test]
    fn a_file_reads_back_and_damage_is_refused() {
        let text = nek(7).to_file();
        let read = |text: &str| {
            Nek::from_file("test".parse().unwrap(), text.as_bytes()).map(|nek| nek.fingerprint())
        };
        assert_eq!(read(&text), Ok(nek(7).fingerprint()));
        assert_eq!(read("something else\n"), Err(NekFormatError::NotANek));
        assert_eq!(read(""), Err(NekFormatError::NotANek));
        assert_eq!(read(&text[..text.len() - 5]), Err(NekFormatError::Damaged));
        assert_eq!(
            read(&text.replace("key: Bw", "key: Cw")),
            Err(NekFormatError::Damaged)
        );
    }

    #[test]
    fn debug_hides_the_key() {
        let shown = format!("{:?}", nek(0xAB));
        assert!(shown.contains("test"), "{shown}");
        assert!(
            !shown.contains("171") && !shown.to_lowercase().contains("abab"),
            "{shown}"
        );
    }
}
