//! One `DKIM_KEY_<domain>` line.

use common_config::name::{DomainName, KeyName, NameError, Selector};
use common_config::notes_ini::{NotesEntry, Origin};

/// One parsed `DKIM_KEY_<domain>=[<primary>;]<selector>[,<selector>…]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    domain: DomainName,
    primary: Option<DomainName>,
    selectors: Vec<Selector>,
    line: NotesEntry,
}

impl KeyEntry {
    /// How the names of these settings start; case does not matter.
    pub const PREFIX: &'static str = "DKIM_KEY_";

    /// The domain of a line's name, as it is written, if the line is one of these.
    pub(crate) fn domain_text(line: &NotesEntry) -> Option<&str> {
        let (prefix, domain) = line.name.split_at_checked(Self::PREFIX.len())?;
        prefix.eq_ignore_ascii_case(Self::PREFIX).then_some(domain)
    }

    /// Reads a line whose name ends in `domain`.
    pub(crate) fn parse(domain: &str, line: &NotesEntry) -> Result<Self, KeyEntryError> {
        let domain: DomainName = domain.parse().map_err(KeyEntryError::Domain)?;
        let (primary, selectors) = match line.value.split_once(';') {
            Some((primary, selectors)) => {
                let primary = primary.trim().parse().map_err(KeyEntryError::Primary)?;
                (Some(primary), selectors)
            }
            None => (None, line.value.as_str()),
        };
        let mut found: Vec<Selector> = Vec::new();
        if selectors.trim().is_empty() {
            return Err(KeyEntryError::NoSelector);
        }
        for text in selectors.split(',') {
            let text = text.trim();
            if text.is_empty() {
                return Err(KeyEntryError::EmptySelector);
            }
            let selector: Selector = text.parse().map_err(KeyEntryError::Selector)?;
            if found.contains(&selector) {
                return Err(KeyEntryError::SelectorTwice { selector });
            }
            found.push(selector);
        }
        Ok(Self {
            // A line that names its own domain as the primary says nothing more than one without it.
            primary: primary.filter(|primary| *primary != domain),
            domain,
            selectors: found,
            line: line.clone(),
        })
    }

    /// The domain whose mail it is about, with all below it.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// The domain whose keys sign, where the line makes its domain an alias of another.
    pub fn primary(&self) -> Option<&DomainName> {
        self.primary.as_ref()
    }

    /// One for each signature, in the line's order.
    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// The keys that sign.
    pub fn keys(&self) -> impl Iterator<Item = KeyName> {
        let owner = self.primary.as_ref().unwrap_or(&self.domain);
        self.selectors
            .iter()
            .map(|selector| KeyName::new(selector.clone(), owner.clone()))
    }

    /// The line as it was written.
    pub fn line(&self) -> &NotesEntry {
        &self.line
    }

    /// Where the line stands.
    pub fn origin(&self) -> &Origin {
        &self.line.origin
    }

    /// Whether both ask for the same, however they are written.
    pub(crate) fn means_the_same(&self, other: &Self) -> bool {
        self.domain == other.domain
            && self.primary == other.primary
            && self.selectors == other.selectors
    }
}

/// What is wrong with a `DKIM_KEY_…` line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyEntryError {
    /// What follows `DKIM_KEY_` is no domain.
    #[error("what follows DKIM_KEY_ is not a domain: write DKIM_KEY_acme.com=selector")]
    Domain(#[source] NameError),
    /// What stands before the `;` is no domain.
    #[error(
        "what stands before the ';' is not the primary domain: write DKIM_KEY_alias=acme.com;selector"
    )]
    Primary(#[source] NameError),
    /// No selector at all.
    #[error("it names no selector: write DKIM_KEY_acme.com=selector, or take the line out")]
    NoSelector,
    /// Nothing between two commas.
    #[error("a selector is missing beside a comma: take the comma out, or name it")]
    EmptySelector,
    /// A selector that cannot be one.
    #[error("it names something that is not a selector")]
    Selector(#[source] NameError),
    /// The same selector twice.
    #[error("it names the selector {selector} twice: take one out")]
    SelectorTwice {
        /// The selector.
        selector: Selector,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shown as `domain < primary: keys`.
    fn check(name: &str, value: &str, expected: Result<&str, &str>) {
        let line = NotesEntry {
            name: name.to_owned(),
            value: value.to_owned(),
            origin: Origin::CommandLine,
        };
        let entry = KeyEntry::parse(KeyEntry::domain_text(&line).unwrap(), &line);
        let found = entry.map(|entry| {
            let keys: Vec<String> = entry.keys().map(|key| key.to_string()).collect();
            format!("{}: {}", entry.domain(), keys.join(" "))
        });
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{name}={value}"),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{name}={value}: {error}");
            }
            (found, _) => panic!("{name}={value}: {found:?}"),
        }
    }

    #[test]
    fn every_form_of_the_line() {
        check(
            "DKIM_KEY_renovations.com",
            "12345",
            Ok("renovations.com: 12345._domainkey.renovations.com"),
        );
        check(
            "dkim_key_Renovations.COM.",
            "S1",
            Ok("renovations.com: s1._domainkey.renovations.com"),
        );
        check(
            "DKIM_KEY_eu.acme.com",
            "1",
            Ok("eu.acme.com: 1._domainkey.eu.acme.com"),
        );
        check(
            "DKIM_KEY_acme.com",
            "1,2",
            Ok("acme.com: 1._domainkey.acme.com 2._domainkey.acme.com"),
        );
        check(
            "DKIM_KEY_acme.com",
            "1 ,\t2 , 3",
            Ok("acme.com: 1._domainkey.acme.com 2._domainkey.acme.com 3._domainkey.acme.com"),
        );
        check(
            "DKIM_KEY_alias.net",
            "acme.com;1",
            Ok("alias.net: 1._domainkey.acme.com"),
        );
        check(
            "DKIM_KEY_alias.net",
            "ACME.com. ; 1, 2",
            Ok("alias.net: 1._domainkey.acme.com 2._domainkey.acme.com"),
        );
        check(
            "DKIM_KEY_acme.com",
            "acme.com;1",
            Ok("acme.com: 1._domainkey.acme.com"),
        );
        check(
            "DKIM_KEY_bücher.example",
            "1",
            Ok("xn--bcher-kva.example: 1._domainkey.xn--bcher-kva.example"),
        );
    }

    #[test]
    fn malformed_lines_say_what_is_missing() {
        check("DKIM_KEY_", "1", Err("not a domain"));
        check("DKIM_KEY_a b", "1", Err("not a domain"));
        check("DKIM_KEY_acme.com", "", Err("no selector"));
        check("DKIM_KEY_acme.com", ",", Err("missing beside a comma"));
        check("DKIM_KEY_acme.com", "1,", Err("missing beside a comma"));
        check("DKIM_KEY_acme.com", "1,,2", Err("missing beside a comma"));
        check("DKIM_KEY_acme.com", "1 2", Err("not a selector"));
        check(
            "DKIM_KEY_acme.com",
            "12345;acme.com",
            Err("not the primary"),
        );
        check("DKIM_KEY_acme.com", "a.net;2;3", Err("not a selector"));
        check("DKIM_KEY_acme.com", ";1", Err("not the primary"));
        check("DKIM_KEY_acme.com", "acme.net;", Err("no selector"));
        check("DKIM_KEY_acme.com", "a_b.net;1", Err("not the primary"));
        check("DKIM_KEY_acme.com", "1,1", Err("selector 1 twice"));
    }
}
