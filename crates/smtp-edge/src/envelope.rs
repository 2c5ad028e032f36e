//! The SMTP envelope: who sent a message, who is to have it, and what it asks of the hops it passes.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use common_config::name::{DomainName, NameError};
use router_config::Client;

/// A mailbox: local part as it was given (quotes kept), and a domain.
///
/// Holds no CR, LF, NUL or other control character, so that it can stand in a command line or a header as it is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox {
    local_part: Box<str>,
    domain: DomainName,
}

impl Mailbox {
    /// Joins a local part, as it stands on the wire, and a domain.
    ///
    /// # Errors
    /// [`MailboxError`] when the local part is empty, longer than 64 octets (RFC 5321 §4.5.3.1.1), or is neither a
    /// dot-string nor a quoted string.
    pub fn new(local_part: &str, domain: DomainName) -> Result<Self, MailboxError> {
        if local_part.is_empty() || local_part.len() > 64 {
            return Err(MailboxError::LocalPartLength);
        }
        if !is_dot_string(local_part) && !is_quoted_string(local_part) {
            return Err(MailboxError::LocalPartSyntax);
        }
        Ok(Self {
            local_part: local_part.into(),
            domain,
        })
    }

    /// The part before the `@`, quoted as it was given.
    #[must_use]
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// The part after the `@`, as A-labels.
    #[must_use]
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Whether a hop must speak SMTPUTF8 (RFC 6531) to take this address: its local part is not ASCII.
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part.is_ascii()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mailbox {
    type Err = MailboxError;

    fn from_str(text: &str) -> Result<Self, MailboxError> {
        let (local_part, domain) = text.rsplit_once('@').ok_or(MailboxError::NoDomain)?;
        Self::new(local_part, domain.parse().map_err(MailboxError::Domain)?)
    }
}

/// Why a text is not a mailbox.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailboxError {
    /// There is no `@`.
    #[error("the address has no @ and domain")]
    NoDomain,
    /// The local part is empty or over 64 octets.
    #[error("the local part is empty or longer than 64 octets")]
    LocalPartLength,
    /// The local part is neither a dot-string nor a quoted string.
    #[error("the local part is neither a dot-string nor a quoted string")]
    LocalPartSyntax,
    /// The domain is not a domain name.
    #[error("the domain is not a domain name")]
    Domain(#[source] NameError),
}

/// RFC 5321 §4.1.2 `Dot-string`, with UTF-8 by RFC 6531 §3.3.
fn is_dot_string(text: &str) -> bool {
    text.split('.').all(|atom| {
        !atom.is_empty()
            && atom.chars().all(|c| {
                c.is_ascii_alphanumeric()
                    || "!#$%&'*+-/=?^_`{|}~".contains(c)
                    || (!c.is_ascii() && !c.is_control())
            })
    })
}

/// RFC 5321 §4.1.2 `Quoted-string`, with UTF-8 by RFC 6531 §3.3.
fn is_quoted_string(text: &str) -> bool {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return false;
    };
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        let plain = (' '..='~').contains(&c) || (!c.is_ascii() && !c.is_control());
        match c {
            '\\' if !characters
                .next()
                .is_some_and(|next| (' '..='~').contains(&next)) =>
            {
                return false;
            }
            '"' => return false,
            _ if !plain => return false,
            _ => {}
        }
    }
    text.len() > 1
}

/// The reverse-path of `MAIL FROM` (RFC 5321 §4.1.1.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReversePath {
    /// `<>`: reports and other mail that must not be answered.
    Null,
    /// The mailbox that reports go to.
    Mailbox(Mailbox),
}

impl fmt::Display for ReversePath {
    /// The path in angle brackets, as commands and headers write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

/// What the next hop must be able to do for the message to pass unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Needs {
    /// The content has octets over 127: the hop must offer 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// An address or a header field has UTF-8: the hop must offer SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
}

/// Where a message came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// A client that spoke SMTP to us, and the name it gave in EHLO or HELO.
    Client {
        /// Who it is, as far as it has proved it.
        client: Client,
        /// The name it announced; printable ASCII only.
        helo: Box<str>,
    },
    /// This server: a report.
    Ourselves,
}

/// Who sent a message, who is to have it, when it was accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// Where it came from.
    pub source: Source,
    /// Where reports go.
    pub reverse_path: ReversePath,
    /// Who is to have it: at least one, in the order given.
    pub recipients: Vec<Mailbox>,
    /// What it asks of the next hop.
    pub needs: Needs,
    /// When the end of its data was read.
    pub accepted: SystemTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_keep_what_is_safe_on_a_command_line() {
        let check = |text: &str, expected: bool| {
            assert_eq!(text.parse::<Mailbox>().is_ok(), expected, "{text:?}");
        };
        check("user@example.com", true);
        check("first.last+tag@example.com", true);
        check("\"quoted @ string\"@example.com", true);
        check("\"with \\\" quote\"@example.com", true);
        check("müller@example.com", true); // RFC 6531
        check("a@b@example.com", false);
        check(".a@example.com", false);
        check("a..b@example.com", false);
        check("\"a\r\nb\"@example.com", false); // injection
        check("\"a\0\"@example.com", false);
        check("\"a\"b\"@example.com", false);
        check("\"a\\\"@example.com", false);
        check("\"@example.com", false);
        check("@example.com", false);
        check("user", false);
        check("user@", false);
        check(&format!("{}@example.com", "x".repeat(65)), false);
    }
}
