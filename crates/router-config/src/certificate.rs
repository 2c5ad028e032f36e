//! The fingerprints of client certificates, as settings write them.
//!
//! Nothing is hashed here and no certificate is read: who speaks TLS knows the digest, and that the client has the private
//! key, which the handshake proves.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// The SHA-256 digest of a certificate (its DER, RFC 5280): `sha256:` and 64 hexadecimal digits. It is read with colons
/// between the octets, too, and without `sha256:`, as `openssl x509 -noout -fingerprint -sha256` prints it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateFingerprint([u8; CertificateFingerprint::LENGTH]);

impl CertificateFingerprint {
    const LENGTH: usize = 32;

    /// The fingerprint of the certificate whose DER has this SHA-256 digest.
    #[must_use]
    pub fn from_sha256(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for CertificateFingerprint {
    type Err = CertificateFingerprintError;

    fn from_str(text: &str) -> Result<Self, CertificateFingerprintError> {
        let digits = match text.split_at_checked(PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
            Some(_) | None => text,
        };
        let digits = match digits.contains(':') {
            true if digits.split(':').all(|octet| octet.len() == 2) => digits.replace(':', ""),
            true => return Err(CertificateFingerprintError::Syntax),
            false => digits.to_owned(),
        };
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(CertificateFingerprintError::Syntax);
        }
        if digits.len() != 2 * Self::LENGTH {
            let digits = digits.len();
            return Err(CertificateFingerprintError::Length { digits });
        }
        let mut digest = [0; Self::LENGTH];
        for (octet, pair) in digest.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair =
                std::str::from_utf8(pair).map_err(|_| CertificateFingerprintError::Syntax)?;
            *octet =
                u8::from_str_radix(pair, 16).map_err(|_| CertificateFingerprintError::Syntax)?;
        }
        Ok(Self(digest))
    }
}

const PREFIX: &str = "sha256:";

impl fmt::Display for CertificateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for CertificateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for CertificateFingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(CertificateFingerprintVisitor)
    }
}

/// A text is not the fingerprint of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFingerprintError {
    /// It is something else.
    #[error("not a fingerprint: write sha256: and 64 hexadecimal digits")]
    Syntax,
    /// It is one of another algorithm, or cut short.
    #[error(
        "{digits} hexadecimal digits, where a SHA-256 fingerprint has 64: make it with openssl x509 -noout -fingerprint -sha256"
    )]
    Length {
        /// How many it has.
        digits: usize,
    },
}

struct CertificateFingerprintVisitor;

impl Visitor<'_> for CertificateFingerprintVisitor {
    type Value = CertificateFingerprint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fingerprint of a certificate, \"sha256:\" and 64 hexadecimal digits")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<CertificateFingerprint, E> {
        text.parse().map_err(|error: CertificateFingerprintError| {
            let expected = format!("the fingerprint of a certificate ({error})");
            E::invalid_value(Unexpected::Str(text), &expected.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of "abc" (FIPS 180-2, B.1).
    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn fingerprints_are_read_as_tools_print_them() {
        let bare = ABC.strip_prefix("sha256:").unwrap();
        let pairs: Vec<String> = bare
            .to_uppercase()
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8(pair.to_vec()).unwrap())
            .collect();
        let openssl = pairs.join(":");
        for text in [ABC, bare, &openssl, &format!("SHA256:{openssl}")] {
            let found: CertificateFingerprint = text.parse().unwrap();
            assert_eq!(found.to_string(), ABC, "{text}");
            assert_eq!(
                found,
                CertificateFingerprint::from_sha256(*found.as_bytes())
            );
            assert_eq!(found.as_bytes()[0], 0xba);
        }
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        use CertificateFingerprintError::{Length, Syntax};
        let check = |text: &str, expected| {
            let found = text.parse::<CertificateFingerprint>();
            assert_eq!(found, Err(expected), "{text:?}");
        };
        check("", Length { digits: 0 });
        check("sha256:", Length { digits: 0 });
        check(&"ab".repeat(20), Length { digits: 40 }); // SHA-1
        check(&"ab".repeat(33), Length { digits: 66 });
        check(&"zz".repeat(32), Syntax);
        check(&format!("sha1:{}", "ab".repeat(20)), Syntax);
        check(&ABC.replace("ba78", "ba:78"), Syntax); // colons everywhere or nowhere
        check(&format!("{ABC} "), Syntax);
        check("\u{e9}\u{e9}\u{e9}\u{e9}", Syntax);
    }
}
