//! Which domain a message is from: the author in its From field (RFC 5322 §3.6.2), never the envelope.
//!
//! A field that can be read in two ways has no identity. What a display name, a comment or a quoted string holds is
//! never an address, so that no text can make the edge sign for a domain that the author is not in.

mod mailboxes;
mod token;

use common_config::name::{DomainName, NameError};
use serde::Serialize;

use self::mailboxes::{AddressDomain, mailboxes};
pub use self::token::AddressFault;

/// The domain that a message is from, and the field that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The domain.
    pub domain: DomainName,
    /// Whose word it is.
    pub field: IdentityField,
}

/// The field that says which domain a message is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum IdentityField {
    /// The From field, which holds one mailbox.
    From,
    /// The Sender field, which chooses among the From field's mailboxes.
    Sender,
}

/// The domain that a message is from. `from` and `sender` are the bodies of all fields of that name, as they stand
/// after the colon, folded or not.
///
/// One From field with one mailbox gives its domain. With several mailboxes it is the domain of the Sender field, if
/// one of the mailboxes is in it.
///
/// # Errors
///
/// [`IdentityError`] when the message says of nobody, or of more than one, that it is from them.
pub fn signing_identity(from: &[&[u8]], sender: &[&[u8]]) -> Result<DomainName, IdentityError> {
    identify(from, sender).map(|identity| identity.domain)
}

/// As [`signing_identity`], with the field that decided.
///
/// # Errors
///
/// As [`signing_identity`].
pub fn identify(from: &[&[u8]], sender: &[&[u8]]) -> Result<Identity, IdentityError> {
    let field = match from {
        [] => return Err(IdentityError::NoFrom),
        [field] => field,
        fields => {
            return Err(IdentityError::SeveralFrom {
                count: fields.len(),
            });
        }
    };
    let authors = mailboxes(field).map_err(|source| IdentityError::From { source })?;
    match authors.as_slice() {
        [] => Err(IdentityError::NoMailbox),
        [author] => Ok(Identity {
            domain: name(author)?,
            field: IdentityField::From,
        }),
        authors => {
            let sender = sender_domain(sender, authors.len())?;
            let is_author =
                |author: &AddressDomain| name(author).is_ok_and(|author| author == sender);
            if authors.iter().any(is_author) {
                Ok(Identity {
                    domain: sender,
                    field: IdentityField::Sender,
                })
            } else {
                Err(IdentityError::SenderElsewhere { sender })
            }
        }
    }
}

fn sender_domain(fields: &[&[u8]], authors: usize) -> Result<DomainName, IdentityError> {
    let field = match fields {
        [] => return Err(IdentityError::NoSender { authors }),
        [field] => field,
        fields => {
            return Err(IdentityError::SeveralSenders {
                count: fields.len(),
            });
        }
    };
    let mailboxes = mailboxes(field).map_err(|source| IdentityError::Sender { source })?;
    match mailboxes.as_slice() {
        [sender] => name(sender),
        others => Err(IdentityError::SeveralSenders {
            count: others.len(),
        }),
    }
}

fn name(domain: &AddressDomain) -> Result<DomainName, IdentityError> {
    match domain {
        AddressDomain::Name(text) => text
            .parse()
            .map_err(|source| IdentityError::Domain { source }),
        AddressDomain::Literal => Err(IdentityError::Literal),
    }
}

/// Why a message has no domain to sign for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There is no From field.
    #[error("the message has no From field: its sender's software must add one")]
    NoFrom,
    /// There are several; RFC 5322 §3.6 allows one, and readers show different ones.
    #[error("the message has {count} From fields, and may have one (RFC 5322 §3.6)")]
    SeveralFrom {
        /// How many.
        count: usize,
    },
    /// The From field names nobody.
    #[error("the From field holds no address")]
    NoMailbox,
    /// The From field cannot be read.
    #[error("the From field is malformed")]
    From {
        /// What is wrong with it.
        source: AddressFault,
    },
    /// The Sender field, which must decide, cannot be read.
    #[error("the From field holds several addresses, and the Sender field is malformed")]
    Sender {
        /// What is wrong with it.
        source: AddressFault,
    },
    /// Several authors, and no Sender field to decide.
    #[error(
        "the From field holds {authors} addresses, and no Sender field says which one sent it (RFC 5322 §3.6.2)"
    )]
    NoSender {
        /// How many authors.
        authors: usize,
    },
    /// Several authors, and not one sender.
    #[error(
        "the From field holds several addresses, and {count} senders are named: one must be (RFC 5322 §3.6.2)"
    )]
    SeveralSenders {
        /// How many senders.
        count: usize,
    },
    /// The sender is none of the authors.
    #[error("the From field holds several addresses, and none is in the Sender's domain {sender}")]
    SenderElsewhere {
        /// The Sender's domain.
        sender: DomainName,
    },
    /// What stands behind the `@` is no domain.
    #[error("the address in the From field has no valid domain")]
    Domain {
        /// What is wrong with it.
        source: NameError,
    },
    /// The address is at a bare IP address, which has no keys.
    #[error("the address in the From field is at an IP address: only a domain has keys")]
    Literal,
}

#[cfg(test)]
mod tests;
