//! Whether DMARC counts a signature for the message's From (RFC 7489 §3.1.1).

use std::fmt;

use common_config::name::DomainName;
use serde::Serialize;

/// How the `d=` of a signature stands to the domain of the From field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Alignment {
    /// The same domain: aligned, strictly too.
    Exact,
    /// The same organisational domain by the embedded Public Suffix List: aligned unless the policy says `adkim=s`.
    SameOrganization,
    /// Another organisation's: not aligned.
    None,
}

impl Alignment {
    /// How `signing_domain` stands to `from`.
    pub fn of(from: &DomainName, signing_domain: &DomainName) -> Self {
        if from == signing_domain {
            return Self::Exact;
        }
        let organization =
            |domain: &DomainName| psl::domain_str(domain.as_str()).map(str::to_owned);
        match (organization(from), organization(signing_domain)) {
            (Some(a), Some(b)) if a == b => Self::SameOrganization,
            (Some(_) | None, Some(_) | None) => Self::None,
        }
    }
}

impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Exact => "aligned (the same domain)",
            Self::SameOrganization => {
                "aligned in relaxed mode (the same organisation), not with adkim=s"
            }
            Self::None => "not aligned (another organisation's domain)",
        })
    }
}

/// Whether everyone may register below `domain`, so that a key of it would speak for strangers.
pub(crate) fn is_public_suffix(domain: &DomainName) -> bool {
    psl::suffix_str(domain.as_str()) == Some(domain.as_str())
        && psl::suffix(domain.as_str().as_bytes()).is_some_and(|suffix| suffix.is_known())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, signing_domain: &str, expected: Alignment) {
        let found = Alignment::of(&from.parse().unwrap(), &signing_domain.parse().unwrap());
        assert_eq!(found, expected, "{from} {signing_domain}");
    }

    #[test]
    fn organisations_are_what_the_public_suffix_list_says() {
        check("acme.com", "ACME.com", Alignment::Exact);
        check("eu.acme.com", "acme.com", Alignment::SameOrganization);
        check("acme.com", "eu.acme.com", Alignment::SameOrganization);
        check("a.acme.co.uk", "b.acme.co.uk", Alignment::SameOrganization);
        check("acme.co.uk", "other.co.uk", Alignment::None);
        check("alias.net", "acme.com", Alignment::None);
        check("acme.com", "com", Alignment::None);
        check(
            "mail.bücher.example",
            "xn--bcher-kva.example",
            Alignment::SameOrganization,
        );
    }

    #[test]
    fn public_suffixes_are_known() {
        for (domain, expected) in [
            ("com", true),
            ("co.uk", true),
            ("acme.com", false),
            ("internal", false),
        ] {
            assert_eq!(
                is_public_suffix(&domain.parse().unwrap()),
                expected,
                "{domain}"
            );
        }
    }
}
