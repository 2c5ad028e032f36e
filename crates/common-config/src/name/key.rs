//! The names of keys.

use std::fmt;
use std::str::FromStr;

use super::{DomainName, MAX_NAME, NameError, Selector};

/// Which key: a selector of a domain. Written as the owner of its DNS record, `selector._domainkey.domain`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName {
    // The domain first, so that lists of keys come sorted by domain.
    domain: DomainName,
    selector: Selector,
}

impl KeyName {
    /// The key `selector` of `domain`.
    pub fn new(selector: Selector, domain: DomainName) -> Self {
        Self { domain, selector }
    }

    /// The selector, as in `s=`.
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// The domain that the key belongs to and where its record is.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// The owner of the key's TXT record (RFC 6376 §3.6.2.1).
    pub fn record_name(&self) -> String {
        self.to_string()
    }

    /// Whether DNS can hold the record's name.
    ///
    /// # Errors
    ///
    /// [`NameError::TooLong`] when selector and domain together are more than 253 octets.
    pub fn check_length(&self) -> Result<(), NameError> {
        let octets = self.selector.as_str().len() + SEPARATOR.len() + self.domain.as_str().len();
        if octets > MAX_NAME {
            return Err(NameError::TooLong { octets });
        }
        Ok(())
    }
}

impl FromStr for KeyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let not_a_key = || NameError::NotAKey {
            name: text.to_owned(),
        };
        // A selector may hold the separator, a domain cannot: the last one parts them.
        let at = text
            .to_ascii_lowercase()
            .rfind(SEPARATOR)
            .ok_or_else(not_a_key)?;
        let (selector, rest) = text.split_at_checked(at).ok_or_else(not_a_key)?;
        let domain = rest.get(SEPARATOR.len()..).ok_or_else(not_a_key)?;
        let name = Self::new(selector.parse()?, domain.parse()?);
        name.check_length()?;
        Ok(name)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{SEPARATOR}{}", self.selector, self.domain))
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const SEPARATOR: &str = "._domainkey.";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, &str)>) {
        let found = text.parse::<KeyName>().ok();
        let found = found
            .as_ref()
            .map(|key| (key.selector().as_str(), key.domain().as_str()));
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn key_names_are_owner_names() {
        check(
            "12345._domainkey.renovations.com",
            Some(("12345", "renovations.com")),
        );
        check(
            "A.B._DomainKey.Renovations.COM.",
            Some(("a.b", "renovations.com")),
        );
        check(
            "x._domainkey.y._domainkey.z.com",
            Some(("x._domainkey.y", "z.com")),
        );
        check("12345.renovations.com", None);
        check("._domainkey.renovations.com", None);
        check("12345._domainkey.", None);
        check(
            &format!("{}._domainkey.{}com", "s".repeat(60), "abcd.".repeat(38)),
            None,
        );
    }

    #[test]
    fn the_record_name_parses_back() {
        let key = KeyName::new("s1".parse().unwrap(), "Bücher.example".parse().unwrap());
        assert_eq!(key.record_name(), "s1._domainkey.xn--bcher-kva.example");
        assert_eq!(key.record_name().parse(), Ok(key));
    }
}
