//! What was typed becomes what may exist: names, algorithms and addresses, each refused with what to write instead.

use std::num::ParseIntError;

use common_config::name::{DomainName, KeyName, NameError, Selector};
use common_config::user_name::{UserName, UserNameError};
use credstore::{KeyAlgorithm, NekName, NekNameError};
use thiserror::Error;

/// Every one of them, in any case.
pub(crate) fn is_all(word: &str) -> bool {
    word.eq_ignore_ascii_case("all")
}

pub(crate) fn nek_name(text: &str) -> Result<NekName, InputError> {
    text.parse().map_err(|source| InputError::NekName {
        text: text.to_owned(),
        source,
    })
}

pub(crate) fn user_name(text: &str) -> Result<UserName, InputError> {
    text.parse().map_err(|source| InputError::UserName {
        text: text.to_owned(),
        source,
    })
}

pub(crate) fn domain(text: &str) -> Result<DomainName, InputError> {
    text.parse().map_err(|source| InputError::Domain {
        text: text.to_owned(),
        source,
    })
}

pub(crate) fn selector(text: &str) -> Result<Selector, InputError> {
    text.parse().map_err(|source| InputError::Selector {
        text: text.to_owned(),
        source,
    })
}

/// The name of a key from its two halves.
pub(crate) fn key_name(domain_text: &str, selector_text: &str) -> Result<KeyName, InputError> {
    let domain = domain(domain_text)?;
    let selector = selector(selector_text)?;
    let name = KeyName::new(selector, domain);
    name.check_length().map_err(|source| InputError::Key {
        text: name.to_string(),
        source,
    })?;
    Ok(name)
}

/// The name of a key as DNS writes it: `selector._domainkey.domain`.
pub(crate) fn record_name(text: &str) -> Result<KeyName, InputError> {
    text.parse().map_err(|source| InputError::Key {
        text: text.to_owned(),
        source,
    })
}

/// The kind of a key, with Domino's words.
pub(crate) fn algorithm(word: &str, bits: Option<&str>) -> Result<KeyAlgorithm, InputError> {
    if word.eq_ignore_ascii_case("ed25519") {
        return match bits {
            None => Ok(KeyAlgorithm::Ed25519),
            Some(bits) => Err(InputError::Ed25519Size {
                bits: bits.to_owned(),
            }),
        };
    }
    if !word.eq_ignore_ascii_case("rsa") {
        return Err(InputError::Algorithm {
            word: word.to_owned(),
        });
    }
    let Some(text) = bits else {
        return Ok(KeyAlgorithm::Rsa { bits: DEFAULT_RSA });
    };
    let number: Result<u32, ParseIntError> = text.parse();
    match number {
        Ok(bits) if RSA_SIZES.contains(&bits) => Ok(KeyAlgorithm::Rsa { bits }),
        _ => Err(InputError::RsaSize {
            bits: text.to_owned(),
        }),
    }
}

const DEFAULT_RSA: u32 = 2048;
const RSA_SIZES: [u32; 3] = [1024, 2048, 4096];

/// What cannot be meant as it was typed.
#[derive(Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum InputError {
    #[error("{text:?} is no domain; write it like renovations.com")]
    Domain {
        text: String,
        #[source]
        source: NameError,
    },
    #[error("{text:?} is no selector; write letters, digits and hyphens, like 12345 or mail-2026")]
    Selector {
        text: String,
        #[source]
        source: NameError,
    },
    #[error("{text:?} is no name of a key; write it like 12345._domainkey.renovations.com")]
    Key {
        text: String,
        #[source]
        source: NameError,
    },
    #[error("{text:?} is no name for a NEK; choose one like mail-2026")]
    NekName {
        text: String,
        #[source]
        source: NekNameError,
    },
    #[error("{text:?} is no name for a user; choose one like app1 or scanner@acme.com")]
    UserName {
        text: String,
        #[source]
        source: UserNameError,
    },
    #[error("{word:?} is no algorithm; write RSA or Ed25519")]
    Algorithm { word: String },
    #[error(
        "RSA keys of {bits:?} bits are not made; write 1024, 2048 or 4096, or leave it out for 2048"
    )]
    RsaSize { bits: String },
    #[error("Ed25519 keys have one size; leave {bits:?} out")]
    Ed25519Size { bits: String },
    #[error(
        "which key of {domain}? name its selector as well, or write ALL in place of the domain"
    )]
    SelectorMissing { domain: String },
    #[error("ALL stands for every key; leave {selector:?} out")]
    SelectorOfAll { selector: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_as_they_are_typed() {
        let check = |words: &str, expected: Option<KeyAlgorithm>| {
            let mut words = words.split(' ');
            assert_eq!(
                algorithm(words.next().unwrap(), words.next()).ok(),
                expected
            );
        };
        check("RSA", Some(KeyAlgorithm::Rsa { bits: 2048 }));
        check("rsa 1024", Some(KeyAlgorithm::Rsa { bits: 1024 }));
        check("Rsa 4096", Some(KeyAlgorithm::Rsa { bits: 4096 }));
        check("ED25519", Some(KeyAlgorithm::Ed25519));
        check("Ed25519 2048", None);
        check("RSA 512", None);
        check("RSA 3072", None);
        check("RSA many", None);
        check("DSA", None);
    }
}
