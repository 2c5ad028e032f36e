//! The names of users: who a client is once it has authenticated.
//!
//! A name is prepared as SASL asks for it, and without a difference between `A` and `a`, as Domino's and Dovecot's
//! users expect: however a client writes it, one user has one name. Whether there is such a user is the store's to know.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A user's name: `app1`, `scanner@acme.com`, `jo doe/acme`. Prepared by SASLprep (RFC 4013), in lower case, 1 to 255
/// octets of UTF-8 (RFC 4616 §2), without control characters, so that it can stand in a log line as it is.
///
/// `all` is not a name, since commands use it for every user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(Box<str>);

impl UserName {
    /// The name as it was prepared.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = UserNameError;

    fn from_str(text: &str) -> Result<Self, UserNameError> {
        if text.len() > MAX_LENGTH {
            return Err(UserNameError::Length);
        }
        // By letter, not `str::to_lowercase`: that one writes a sigma by its place in the word. Preparing once more
        // joins what lower case has taken apart.
        let prepared = prepare(text)?;
        let name = prepare(
            &prepared
                .chars()
                .flat_map(char::to_lowercase)
                .collect::<String>(),
        )?;
        if name.is_empty() || name.len() > MAX_LENGTH {
            return Err(UserNameError::Length);
        }
        if name.starts_with(' ') || name.ends_with(' ') {
            return Err(UserNameError::Blank);
        }
        if name == "all" {
            return Err(UserNameError::Reserved);
        }
        Ok(Self(name.into()))
    }
}

/// Unassigned code points are refused (RFC 3454 §7): what they will be prepared to is not known.
fn prepare(text: &str) -> Result<String, UserNameError> {
    let prepared = stringprep::saslprep(text).map_err(|_| UserNameError::Character)?;
    Ok(prepared.into_owned())
}

/// RFC 4616 §2: what PLAIN can carry.
const MAX_LENGTH: usize = 255;

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no name of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UserNameError {
    /// Empty, or too long.
    #[error("a user's name has 1 to 255 octets: write a shorter one, or any")]
    Length,
    /// A character that names do not have, or a mixture of writing directions (RFC 4013 §2.3, §2.4).
    #[error("a user's name has no control or unknown characters: write letters and digits")]
    Character,
    /// A blank that nobody sees.
    #[error("a user's name neither starts nor ends with a blank: take it out")]
    Blank,
    /// `all`.
    #[error("\"all\" stands for every user: choose another name")]
    Reserved,
}

impl Serialize for UserName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UserName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(UserNameVisitor)
    }
}

struct UserNameVisitor;

impl Visitor<'_> for UserNameVisitor {
    type Value = UserName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a user")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<UserName, E> {
        text.parse().map_err(|error: UserNameError| {
            let expected = format!("the name of a user ({error})");
            E::invalid_value(Unexpected::Str(text), &expected.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Result<&str, UserNameError>) {
        let found = text.parse::<UserName>();
        let found = found.as_ref().map(UserName::as_str).map_err(|error| *error);
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn one_user_has_one_name_however_it_is_written() {
        check("App1", Ok("app1"));
        check("Scanner@ACME.com", Ok("scanner@acme.com"));
        check("Jo Doe/Acme", Ok("jo doe/acme"));
        check("M\u{dc}LLER", Ok("m\u{fc}ller"));
        check("mu\u{308}ller", Ok("m\u{fc}ller")); // composed (NFKC)
        check("a\u{ad}b", Ok("ab")); // a soft hyphen is mapped to nothing
        check("a\u{a0}b", Ok("a b")); // another blank is mapped to the blank
        check("\u{ff21}pp", Ok("app")); // full width
        check("\u{2168}", Ok("ix")); // a Roman numeral, compatible with letters
        check("\u{3a3}", Ok("\u{3c3}"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        check("", Err(UserNameError::Length));
        check("\u{ad}", Err(UserNameError::Length));
        check(&"a".repeat(256), Err(UserNameError::Length));
        check(&"a".repeat(255), Ok(&"a".repeat(255)));
        check("a\r\nb", Err(UserNameError::Character));
        check("a\0b", Err(UserNameError::Character));
        check("a\u{202e}b", Err(UserNameError::Character)); // turns the text round
        check("\u{627}1", Err(UserNameError::Character)); // RFC 4013 §3, the last example
        check("a\u{221}", Err(UserNameError::Character)); // unassigned in Unicode 3.2
        check(" app1", Err(UserNameError::Blank));
        check("app1 ", Err(UserNameError::Blank));
        check("ALL", Err(UserNameError::Reserved));
    }

    proptest! {
        #[test]
        fn a_name_is_itself(text in "[ -~\u{c0}-\u{24f}\u{370}-\u{3ff}\u{1f00}-\u{1fff}\u{2100}-\u{218f}\u{ff21}-\u{ff5a}\u{300}-\u{345}]{1,8}") {
            if let Ok(name) = text.parse::<UserName>() {
                prop_assert_eq!(name.as_str().parse(), Ok(name.clone()));
                prop_assert!(!name.as_str().chars().any(char::is_control));
            }
        }
    }
}
