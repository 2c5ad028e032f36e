//! Why a text is not a name.

use std::fmt;

/// Why a text is not a domain, a selector or the name of a key.
///
/// Its text is what the sentence "expected a domain name" goes on with, so that a reader learns which label is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing at all, or a lone dot.
    Empty,
    /// Two dots in a row, or one at the start.
    EmptyLabel {
        /// The whole name.
        name: String,
    },
    /// More than 253 octets as A-labels.
    TooLong {
        /// How many it has.
        octets: usize,
    },
    /// A label of more than 63 octets.
    LabelTooLong {
        /// The label.
        label: String,
        /// How many it has.
        octets: usize,
    },
    /// A character that such a name cannot have.
    Character {
        /// The label.
        label: String,
        /// The first wrong character of it.
        character: char,
    },
    /// A label that starts or ends with a hyphen.
    Hyphen {
        /// The label.
        label: String,
    },
    /// Non-ASCII text, or an `xn--` label, that IDNA (UTS #46) refuses.
    NotInternational {
        /// The name as it was written.
        name: String,
    },
    /// A last label of digits only, as an IP address has; no top-level domain does (RFC 3696 §2).
    Address {
        /// The name.
        name: String,
    },
    /// The name of a key lacks `._domainkey.` between its selector and its domain.
    NotAKey {
        /// The name as it was written.
        name: String,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::EmptyLabel { name } => {
                write!(f, "{name:?} has nothing between two dots: take one out")
            }
            Self::TooLong { octets } => {
                write!(f, "the name has {octets} octets, and DNS holds 253")
            }
            Self::LabelTooLong { label, octets } => {
                write!(
                    f,
                    "the label {label:?} has {octets} octets, and DNS holds 63"
                )
            }
            Self::Character { label, character } => write!(
                f,
                "{character:?} in {label:?} cannot be part of it: write letters, digits and hyphens"
            ),
            Self::Hyphen { label } => write!(f, "the label {label:?} starts or ends with a hyphen"),
            Self::NotInternational { name } => {
                write!(
                    f,
                    "{name:?} is not an internationalized domain name (UTS #46)"
                )
            }
            Self::Address { name } => {
                write!(f, "{name:?} looks like an IP address: write a domain name")
            }
            Self::NotAKey { name } => write!(
                f,
                "{name:?} is not the name of a key: write selector._domainkey.domain"
            ),
        }
    }
}

impl std::error::Error for NameError {}
