//! The mailbox that a setting names.

use std::fmt;
use std::str::FromStr;

use common_config::name::{DomainName, NameError};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A mailbox such as `postmaster@acme.com`: a dot-atom and a domain (RFC 5321 §4.1.2).
#[derive(Clone, PartialEq, Eq)]
pub struct LocalMailbox {
    text: String,
    domain: DomainName,
}

impl LocalMailbox {
    /// `local@domain`, with the domain as A-labels.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part behind the `@`.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }
}

impl FromStr for LocalMailbox {
    type Err = LocalMailboxError;

    fn from_str(text: &str) -> Result<Self, LocalMailboxError> {
        let (local, domain) = text.rsplit_once('@').ok_or(LocalMailboxError::NoDomain)?;
        let is_dot_atom = local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_text));
        if !is_dot_atom || local.len() > MAX_LOCAL_PART {
            return Err(LocalMailboxError::LocalPart);
        }
        let domain: DomainName = domain.parse()?;
        let text = format!("{local}@{domain}");
        Ok(Self { text, domain })
    }
}

/// `atext` of RFC 5321 §4.1.2.
fn is_atom_text(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// RFC 5321 §4.5.3.1.1.
const MAX_LOCAL_PART: usize = 64;

impl fmt::Display for LocalMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for LocalMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for LocalMailbox {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(LocalMailboxVisitor)
    }
}

/// A text is not such a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalMailboxError {
    /// There is no `@`.
    #[error("no @: write a mailbox such as postmaster@acme.com")]
    NoDomain,
    /// What stands before the `@` is not a dot-atom of at most 64 octets.
    #[error("the part before the @ is not one: write letters, digits and dots")]
    LocalPart,
    /// What stands behind it is not a domain.
    #[error("the part behind the @ is not a domain")]
    Domain(#[from] NameError),
}

struct LocalMailboxVisitor;

impl Visitor<'_> for LocalMailboxVisitor {
    type Value = LocalMailbox;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mailbox such as \"postmaster@acme.com\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LocalMailbox, E> {
        text.parse()
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let found = text.parse::<LocalMailbox>().ok();
        assert_eq!(
            found.as_ref().map(LocalMailbox::as_str),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn mailboxes_are_dot_atoms_at_domains() {
        check("Postmaster@ACME.com", Some("Postmaster@acme.com"));
        check("a.b+c@Bücher.example", Some("a.b+c@xn--bcher-kva.example"));
        for text in [
            "",
            "a",
            "@acme.com",
            "a@",
            "a b@acme.com",
            "<a@acme.com>",
            "a\r\n@acme.com",
            "a@b@acme.com",
            ".a@b.c",
        ] {
            check(text, None);
        }
        check(&format!("{}@acme.com", "a".repeat(65)), None);
    }
}
