//! The names of DKIM: domains, selectors and keys, parsed once and compared as A-labels in lower case.
//!
//! Nothing here asks DNS. A name that parses can be written in DNS; whether it exists there is for others to find out.

mod domain;
mod error;
mod key;
mod selector;
#[cfg(feature = "load")]
mod serde;

pub use domain::DomainName;
pub use error::NameError;
pub use key::KeyName;
pub use selector::Selector;

/// The longest name that DNS can hold, written without its last dot (RFC 1035 §2.3.4: 255 octets on the wire).
const MAX_NAME: usize = 253;

/// The longest label (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// Which characters the labels of a name may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    /// Letters, digits and hyphens (RFC 1123 §2.1).
    Host,
    /// The same and underscores, as DNS itself allows and selectors in the field have.
    HostOrUnderscore,
}

/// Brings `text` to A-labels in lower case without its last dot, or says what keeps it from being a name.
fn normalize(text: &str, labels: Labels) -> Result<String, NameError> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    let name = if needs_idna(text) {
        let allowed = idna::AsciiDenyList::EMPTY; // The characters are checked below, with a better error.
        idna::uts46::Uts46::new()
            .to_ascii(
                text.as_bytes(),
                allowed,
                idna::uts46::Hyphens::CheckFirstLast,
                idna::uts46::DnsLength::Ignore,
            )
            .map_err(|_| NameError::NotInternational {
                name: text.to_owned(),
            })?
            .into_owned()
    } else {
        text.to_ascii_lowercase()
    };
    for label in name.split('.') {
        check_label(&name, label, labels)?;
    }
    if name.len() > MAX_NAME {
        return Err(NameError::TooLong { octets: name.len() });
    }
    Ok(name)
}

fn needs_idna(text: &str) -> bool {
    !text.is_ascii()
        || text.split('.').any(|label| {
            label
                .get(..4)
                .is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"))
        })
}

fn check_label(name: &str, label: &str, labels: Labels) -> Result<(), NameError> {
    if label.is_empty() {
        return Err(NameError::EmptyLabel {
            name: name.to_owned(),
        });
    }
    if label.len() > MAX_LABEL {
        return Err(NameError::LabelTooLong {
            label: label.to_owned(),
            octets: label.len(),
        });
    }
    let underscore = labels == Labels::HostOrUnderscore;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || (underscore && c == '_');
    if let Some(character) = label.chars().find(|c| !allowed(*c)) {
        return Err(NameError::Character {
            label: label.to_owned(),
            character,
        });
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(NameError::Hyphen {
            label: label.to_owned(),
        });
    }
    Ok(())
}
