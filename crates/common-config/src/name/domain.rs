//! Domain names.

use std::fmt;
use std::str::FromStr;

use super::{Labels, NameError, normalize};

/// A domain name as A-labels, in lower case, without a trailing dot.
///
/// Its labels are those of host names (letters, digits, hyphens), so that it can stand in `d=` (RFC 6376 §3.5),
/// in a path and in an address. Two names are equal when DNS takes them for the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

impl DomainName {
    /// The name as A-labels.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a person reads it: with U-labels.
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }

    /// Whether this is `ancestor` or lies below it. Whole labels count: `notacme.com` is not below `acme.com`.
    pub fn is_same_or_below(&self, ancestor: &DomainName) -> bool {
        match self.0.strip_suffix(ancestor.as_str()) {
            Some("") => true,
            Some(below) => below.ends_with('.'),
            None => false,
        }
    }

    /// The name itself, then its parents up to the top-level domain.
    pub fn ancestors(&self) -> impl Iterator<Item = DomainName> {
        std::iter::successors(Some(self.clone()), DomainName::parent)
    }

    /// The name without its first label, or nothing for a top-level domain.
    pub fn parent(&self) -> Option<DomainName> {
        self.0
            .split_once('.')
            .map(|(_, parent)| DomainName(parent.to_owned()))
    }
}

impl FromStr for DomainName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = normalize(text, Labels::Host)?;
        let top = name.rsplit('.').next().unwrap_or_default();
        if top.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NameError::Address { name });
        }
        Ok(Self(name))
    }
}

impl AsRef<str> for DomainName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, NameError>) {
        let found = text.parse::<DomainName>();
        assert_eq!(
            found.as_ref().map(DomainName::as_str),
            expected.as_ref().copied(),
            "{text:?}"
        );
    }

    #[test]
    fn names_are_lower_case_a_labels() {
        check("Renovations.COM", Ok("renovations.com"));
        check("renovations.com.", Ok("renovations.com"));
        check("Bücher.example", Ok("xn--bcher-kva.example"));
        check("BÜCHER.example", Ok("xn--bcher-kva.example"));
        check("XN--Bcher-KVA.example", Ok("xn--bcher-kva.example"));
        check("münchen。example", Ok("xn--mnchen-3ya.example"));
        check("r3---sn.example", Ok("r3---sn.example"));
        check("localhost", Ok("localhost"));
        check("3com.com", Ok("3com.com"));
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        let name = |name: &str| name.to_owned();
        let label = name;
        check("", Err(NameError::Empty));
        check(".", Err(NameError::Empty));
        check("a..b", Err(NameError::EmptyLabel { name: name("a..b") }));
        check("a.b..", Err(NameError::EmptyLabel { name: name("a.b.") }));
        check(".a", Err(NameError::EmptyLabel { name: name(".a") }));
        check(
            "192.0.2.1",
            Err(NameError::Address {
                name: name("192.0.2.1"),
            }),
        );
        for (text, bad, character) in [
            ("under_score.com", "under_score", '_'),
            ("a b.com", "a b", ' '),
            ("a\r\nb.com", "a\r\nb", '\r'),
            ("*.com", "*", '*'),
            ("a.com;b", "com;b", ';'),
            ("a@b.com", "a@b", '@'),
        ] {
            check(
                text,
                Err(NameError::Character {
                    label: label(bad),
                    character,
                }),
            );
        }
        check("-a.com", Err(NameError::Hyphen { label: label("-a") }));
        check("a-.com", Err(NameError::Hyphen { label: label("a-") }));
        check(
            "xn--0.com",
            Err(NameError::NotInternational {
                name: name("xn--0.com"),
            }),
        );
        let long = "x".repeat(64);
        check(
            &long,
            Err(NameError::LabelTooLong {
                label: long.clone(),
                octets: 64,
            }),
        );
        check(&"abc.".repeat(64), Err(NameError::TooLong { octets: 255 }));
    }

    #[test]
    fn ancestors_start_with_the_name_itself() {
        let name: DomainName = "a.b.example".parse().unwrap();
        let found: Vec<String> = name.ancestors().map(|n| n.to_string()).collect();
        assert_eq!(found, ["a.b.example", "b.example", "example"]);
    }

    #[test]
    fn only_whole_labels_make_a_subdomain() {
        let below = |name: &str, ancestor: &str| {
            let name: DomainName = name.parse().unwrap();
            name.is_same_or_below(&ancestor.parse().unwrap())
        };
        assert!(below("acme.com", "ACME.com."));
        assert!(below("a.b.acme.com", "acme.com"));
        assert!(!below("notacme.com", "acme.com"));
        assert!(!below("com", "acme.com"));
    }

    #[test]
    fn unicode_comes_back() {
        let name: DomainName = "xn--bcher-kva.example".parse().unwrap();
        assert_eq!(name.to_unicode(), "bücher.example");
    }
}
