//! Which domains are internal.

use std::fmt;
use std::str::FromStr;

use common_config::name::{DomainName, NameError};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A domain, or all that lie below one: `acme.com` is that domain alone, `*.acme.com` every domain below it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainPattern {
    domain: DomainName,
    extent: Extent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Extent {
    Itself,
    Below,
}

impl DomainPattern {
    /// The domain that stands in it.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Whether `domain` is meant.
    pub fn matches(&self, domain: &DomainName) -> bool {
        match self.extent {
            Extent::Itself => *domain == self.domain,
            Extent::Below => *domain != self.domain && domain.is_same_or_below(&self.domain),
        }
    }

    /// Patterns that mean `domain`, the most specific first.
    pub(crate) fn candidates(domain: &DomainName) -> impl Iterator<Item = DomainPattern> {
        let below = domain.ancestors().skip(1).map(|domain| Self {
            domain,
            extent: Extent::Below,
        });
        std::iter::once(Self::from(domain.clone())).chain(below)
    }
}

impl From<DomainName> for DomainPattern {
    fn from(domain: DomainName) -> Self {
        Self {
            domain,
            extent: Extent::Itself,
        }
    }
}

impl FromStr for DomainPattern {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (domain, extent) = match text.strip_prefix("*.") {
            Some(domain) => (domain, Extent::Below),
            None => (text, Extent::Itself),
        };
        Ok(Self {
            domain: domain.parse()?,
            extent,
        })
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.extent {
            Extent::Itself => write!(f, "{}", self.domain),
            Extent::Below => write!(f, "*.{}", self.domain),
        }
    }
}

impl fmt::Debug for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for DomainPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DomainPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DomainPatternVisitor)
    }
}

struct DomainPatternVisitor;

impl Visitor<'_> for DomainPatternVisitor {
    type Value = DomainPattern;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a domain such as \"acme.com\", or \"*.acme.com\" for all below it")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<DomainPattern, E> {
        text.parse().map_err(|error: NameError| {
            let expected = format!("a domain such as \"acme.com\" or \"*.acme.com\" ({error})");
            E::invalid_value(Unexpected::Str(text), &expected.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, domain: &str, expected: bool) {
        let pattern: DomainPattern = pattern.parse().unwrap();
        let domain: DomainName = domain.parse().unwrap();
        assert_eq!(pattern.matches(&domain), expected, "{pattern} {domain}");
        let is_candidate = DomainPattern::candidates(&domain).any(|candidate| candidate == pattern);
        assert_eq!(is_candidate, expected, "{pattern} {domain}");
    }

    #[test]
    fn patterns_mean_a_domain_or_all_below_it() {
        check("acme.com", "ACME.com.", true);
        check("acme.com", "eu.acme.com", false);
        check("*.acme.com", "eu.acme.com", true);
        check("*.acme.com", "a.eu.acme.com", true);
        check("*.acme.com", "acme.com", false);
        check("*.acme.com", "notacme.com", false);
        check("bücher.example", "xn--bcher-kva.example", true);
        assert!("*".parse::<DomainPattern>().is_err());
        assert!("a.*.com".parse::<DomainPattern>().is_err());
    }
}
