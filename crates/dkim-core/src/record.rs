//! Key records: what a domain publishes at `<selector>._domainkey.<domain>` (RFC 6376 §3.6.1).
//!
//! One function reads them and one renders them. Unknown tags are ignored, as the RFC demands; an error names its tag.
//! The forms that name servers take are in `export`.

mod export;

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::algorithm::KeyType;
use crate::body_hash::sha256_octets;
use crate::error::RecordError;
use crate::key::SigningKey;
use crate::public_key::PublicKey;
use crate::tag_list::{TagList, base64_value, text_value};

/// A key record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    key_type: KeyType,
    /// `None` is a revoked key, an empty `p=`.
    public: Option<PublicKey>,
    /// `h=`: the hash algorithms the key may be used with; `None` allows all.
    hashes: Option<Vec<String>>,
    /// `s=`: the services; `None` is all.
    services: Option<Vec<String>>,
    testing: bool,
    strict_identity: bool,
    /// `n=`, as published.
    notes: Option<String>,
}

impl KeyRecord {
    pub(crate) fn new(public: PublicKey) -> KeyRecord {
        KeyRecord {
            public: Some(public.clone()),
            ..KeyRecord::revoked(public.key_type())
        }
    }

    /// The record that says that a key of this type was revoked: an empty `p=`.
    pub fn revoked(key_type: KeyType) -> KeyRecord {
        KeyRecord {
            key_type,
            public: None,
            hashes: None,
            services: None,
            testing: false,
            strict_identity: false,
            notes: None,
        }
    }

    /// Adds the flag `t=y`: the domain tests DKIM, its signatures prove nothing yet.
    #[must_use]
    pub fn testing(mut self) -> KeyRecord {
        self.testing = true;
        self
    }

    /// Adds the flag `t=s`: the domain of `i=` must be `d=` itself, not one below it.
    #[must_use]
    pub fn strict_identity(mut self) -> KeyRecord {
        self.strict_identity = true;
        self
    }

    /// Reads a record: the strings of one TXT record, joined without anything between them.
    ///
    /// # Errors
    /// [`RecordError`], which names the tag at fault.
    pub fn parse(text: &str) -> Result<KeyRecord, RecordError> {
        let tags = TagList::parse(text.as_bytes())?;
        if let Some(version) = tags.value("v") {
            // RFC 6376 §3.6.1: if present, v= MUST be the first tag and "DKIM1".
            if version != b"DKIM1" || tags.first_name() != Some("v") {
                return Err(RecordError::Version);
            }
        }
        let key_type = match tags.value("k") {
            None => KeyType::Rsa,
            Some(value) => {
                let found = String::from_utf8_lossy(value).into_owned();
                KeyType::from_tag(&found).ok_or(RecordError::KeyType { found })?
            }
        };
        let published = tags.value("p").ok_or(RecordError::NoPublicKey)?;
        let public = match base64_value(published).ok_or(RecordError::NotBase64)? {
            empty if empty.is_empty() => None,
            octets => Some(
                PublicKey::read(key_type, &octets).ok_or(RecordError::PublicKey { key_type })?,
            ),
        };
        let flags = words(&tags, "t")?.unwrap_or_default();
        Ok(KeyRecord {
            key_type,
            public,
            hashes: words(&tags, "h")?,
            services: words(&tags, "s")?,
            testing: flags.iter().any(|flag| flag == "y"),
            strict_identity: flags.iter().any(|flag| flag == "s"),
            notes: tags
                .value("n")
                .map(|value| String::from_utf8_lossy(value).into_owned()),
        })
    }

    /// The type of the key, `k=`.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The size of the key: of the modulus for RSA, 256 for Ed25519, 0 for a revoked key.
    pub fn bits(&self) -> u32 {
        self.public.as_ref().map_or(0, PublicKey::bits)
    }

    /// Whether the key was revoked, an empty `p=`.
    pub fn is_revoked(&self) -> bool {
        self.public.is_none()
    }

    /// Whether the domain says that it is only testing, `t=y`.
    pub fn is_testing(&self) -> bool {
        self.testing
    }

    /// Whether the domain of `i=` must be `d=` itself, `t=s`.
    pub fn has_strict_identity(&self) -> bool {
        self.strict_identity
    }

    /// The notes for people, `n=`, as published.
    pub fn notes(&self) -> Option<&str> {
        self.notes.as_deref()
    }

    /// Whether signatures over SHA-256 may be made with the key, by `h=`.
    pub fn allows_sha256(&self) -> bool {
        allows(self.hashes.as_deref(), "sha256")
    }

    /// Whether the key is for mail, by `s=`.
    pub fn allows_email(&self) -> bool {
        allows(self.services.as_deref(), "email") || allows(self.services.as_deref(), "*")
    }

    /// The value to publish: `v=DKIM1; k=rsa; p=…;`.
    pub fn to_value(&self) -> String {
        let mut value = format!("v=DKIM1; k={};", self.key_type);
        let mut tag = |name: &str, text: &str| {
            value.push_str(&format!(" {name}={text};"));
        };
        if let Some(hashes) = &self.hashes {
            tag("h", &hashes.join(":"));
        }
        if let Some(services) = &self.services {
            tag("s", &services.join(":"));
        }
        match (self.testing, self.strict_identity) {
            (true, true) => tag("t", "y:s"),
            (true, false) => tag("t", "y"),
            (false, true) => tag("t", "s"),
            (false, false) => {}
        }
        if let Some(notes) = &self.notes {
            tag("n", notes);
        }
        tag(
            "p",
            &self
                .public
                .as_ref()
                .map(|public| STANDARD.encode(public.published()))
                .unwrap_or_default(),
        );
        value
    }

    /// Whether signatures of that private key would hold under this record.
    ///
    /// # Errors
    /// The first thing that differs.
    pub fn matches(&self, key: &SigningKey) -> Result<(), Mismatch> {
        let Some(public) = &self.public else {
            return Err(Mismatch::Revoked);
        };
        let key_type = key.algorithm().key_type();
        if self.key_type != key_type {
            return Err(Mismatch::KeyType {
                published: self.key_type,
                key: key_type,
            });
        }
        if !public.is_same_key(key.public()) {
            return Err(Mismatch::PublicKey);
        }
        if !self.allows_sha256() {
            return Err(Mismatch::Hash);
        }
        if !self.allows_email() {
            return Err(Mismatch::Service);
        }
        Ok(())
    }

    /// The SHA-256 of the octets that `p=` holds in base64, by which people tell keys apart. For RSA they are usually
    /// the SubjectPublicKeyInfo, for Ed25519 the 32 octets of the key. Nothing for a revoked key.
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        let public = self.public.as_ref()?;
        let sum = digest::digest(&digest::SHA256, public.published());
        Some(sha256_octets(&sum))
    }

    pub(crate) fn public(&self) -> Option<&PublicKey> {
        self.public.as_ref()
    }
}

impl FromStr for KeyRecord {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<KeyRecord, RecordError> {
        KeyRecord::parse(text)
    }
}

impl fmt::Display for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_value())
    }
}

/// How a published record differs from a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The record revokes its key.
    #[error(
        "the record revokes the key: its p= is empty, publish the key again or sign with another"
    )]
    Revoked,
    /// Another type of key.
    #[error(
        "the record is for a key of type {published}, the private key is of type {key}: export the record again"
    )]
    KeyType {
        /// What the record says.
        published: KeyType,
        /// What the private key is.
        key: KeyType,
    },
    /// Another key of the same type.
    #[error("the record holds another public key: export the record again and publish it")]
    PublicKey,
    /// `h=` leaves SHA-256 out.
    #[error("the tag h= of the record does not allow sha256: leave the tag out")]
    Hash,
    /// `s=` leaves mail out.
    #[error("the tag s= of the record does not allow email: leave the tag out")]
    Service,
}

fn allows(list: Option<&[String]>, word: &str) -> bool {
    list.is_none_or(|words| words.iter().any(|entry| entry.eq_ignore_ascii_case(word)))
}

/// A list with colons between its words.
fn words(tags: &TagList<'_>, tag: &'static str) -> Result<Option<Vec<String>>, RecordError> {
    let Some(value) = tags.value(tag) else {
        return Ok(None);
    };
    let malformed = || RecordError::Value {
        tag,
        value: String::from_utf8_lossy(value).into_owned(),
    };
    let text = text_value(value).ok_or_else(malformed)?;
    let words: Vec<String> = text.split(':').map(str::to_owned).collect();
    if words.iter().any(String::is_empty) {
        return Err(malformed());
    }
    Ok(Some(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFC\
                       jxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
    const ED25519: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    /// The sums are those of `base64 -d | sha256sum`.
    #[test]
    fn a_fingerprint_is_the_sum_of_the_octets_in_p() {
        for (record, expected) in [
            (
                format!("v=DKIM1; k=ed25519; p={ED25519}"),
                "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9",
            ),
            (
                format!("p={RSA}; n=other tags change nothing"),
                "dba3f0cb69f06d70e41abc6ac5812bc3d2639a24b621ba5d241202ac89cb7b9c",
            ),
        ] {
            let fingerprint = KeyRecord::parse(&record).unwrap().fingerprint().unwrap();
            let hex: String = fingerprint
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect();
            assert_eq!(hex, expected, "{record}");
        }
        assert_eq!(KeyRecord::revoked(KeyType::Rsa).fingerprint(), None);
    }

    #[test]
    fn reads_every_tag() {
        let text = format!(
            "v=DKIM1; h=sha1:sha256; k=rsa; n=x=20y; s=email:*; t=y : s; unknown=1; p={RSA}"
        );
        let record = KeyRecord::parse(&text).unwrap();
        assert_eq!(record.key_type(), KeyType::Rsa);
        assert_eq!(record.bits(), 1024);
        assert_eq!(record.notes(), Some("x=20y"));
        assert!(record.is_testing() && record.has_strict_identity());
        assert!(record.allows_sha256() && record.allows_email() && !record.is_revoked());
        assert_eq!(KeyRecord::parse(&record.to_value()).unwrap(), record);
    }

    #[test]
    fn defaults_are_the_rfc_s() {
        let record = KeyRecord::parse(&format!("p={RSA}")).unwrap();
        assert_eq!(record.to_value(), format!("v=DKIM1; k=rsa; p={RSA};"));
        let record = KeyRecord::parse(&format!("k=ed25519; p={ED25519}")).unwrap();
        assert_eq!(record.bits(), 256);
        assert!(KeyRecord::parse("v=DKIM1; p=").unwrap().is_revoked());
        assert!(!KeyRecord::parse("h=sha1; p=").unwrap().allows_sha256());
        assert!(!KeyRecord::parse("s=web; p=").unwrap().allows_email());
    }

    #[test]
    fn errors_name_the_tag() {
        let check = |text: &str, expected: RecordError| {
            assert_eq!(KeyRecord::parse(text).unwrap_err(), expected);
        };
        check("v=DKIM2; p=", RecordError::Version);
        check("p=; v=DKIM1", RecordError::Version);
        check("v=DKIM1", RecordError::NoPublicKey);
        check("p=!", RecordError::NotBase64);
        check(
            "p=AAAA",
            RecordError::PublicKey {
                key_type: KeyType::Rsa,
            },
        );
        check(
            "k=ed25519; p=AAAA",
            RecordError::PublicKey {
                key_type: KeyType::Ed25519,
            },
        );
        check(
            "k=dsa; p=",
            RecordError::KeyType {
                found: "dsa".to_owned(),
            },
        );
        check(
            "t=y::s; p=",
            RecordError::Value {
                tag: "t",
                value: "y::s".to_owned(),
            },
        );
    }

    #[test]
    fn mismatches_are_named() {
        let key = SigningKey::generate_ed25519().unwrap();
        let other = SigningKey::generate_ed25519().unwrap();
        assert_eq!(key.record().matches(&key), Ok(()));
        assert_eq!(key.record().matches(&other), Err(Mismatch::PublicKey));
        assert_eq!(
            KeyRecord::revoked(KeyType::Ed25519).matches(&key),
            Err(Mismatch::Revoked)
        );
        let rsa = KeyRecord::parse(&format!("p={RSA}")).unwrap();
        assert_eq!(
            rsa.matches(&key),
            Err(Mismatch::KeyType {
                published: KeyType::Rsa,
                key: KeyType::Ed25519
            })
        );
        let only_sha1 = key.record().to_value().replacen(" k=", " h=sha1; k=", 1);
        assert_eq!(
            KeyRecord::parse(&only_sha1).unwrap().matches(&key),
            Err(Mismatch::Hash)
        );
    }
}
