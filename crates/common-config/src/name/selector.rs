//! Selectors.

use std::fmt;
use std::str::FromStr;

use super::{Labels, NameError, normalize};

/// A DKIM selector (RFC 6376 §3.1), in lower case.
///
/// It may have several labels, and underscores in them: DNS allows both, and selectors in the field have both.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector(String);

impl Selector {
    /// The selector as it stands in `s=` and in DNS.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Selector {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.ends_with('.') {
            // A domain may end with the root's dot; what stands before `._domainkey` has no root.
            return Err(NameError::EmptyLabel {
                name: text.to_owned(),
            });
        }
        normalize(text, Labels::HostOrUnderscore).map(Self)
    }
}

impl AsRef<str> for Selector {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let found = text.parse::<Selector>().ok();
        assert_eq!(found.as_ref().map(Selector::as_str), expected, "{text:?}");
    }

    #[test]
    fn selectors_are_labels_with_underscores() {
        check("12345", Some("12345"));
        check("S2026-11", Some("s2026-11"));
        check("jan_2026", Some("jan_2026"));
        check("_x", Some("_x"));
        check("eu.mail", Some("eu.mail"));
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in [
            "", ".", "a.", "a..b", "a b", "a,b", "a;b", "-a", "a\"", "a/b", "a:b", "a\n",
        ] {
            check(text, None);
        }
    }
}
