//! Why a domain's mail is signed as it is, or is not: the decision of [`SigningPolicy::resolve`], with its reasons.
//!
//! [`question`] is what can be asked, [`answer`] the whole answer as text and as JSON: with the [`key`]s, the [`outcome`]
//! by their condition for each [`profile`], the [`route`]s of recipients, a [`client`]'s rights
//! and what it may have signed as a [`sender`].

mod answer;
mod client;
mod key;
mod outcome;
mod profile;
mod query;
mod question;
mod route;
mod sender;

use std::fmt;

use common_config::name::{DomainName, KeyName};
use common_config::notes_ini::Origin;
use serde::Serialize;

pub use self::answer::{Answer, ExplainedMail, KeyHolder, MailFromDomain, UnidentifiedMail};
pub use self::client::{ExplainedClient, Relaying};
pub use self::key::{ExplainedKey, KeyCondition};
pub use self::outcome::{DecidingFault, ExplainedOutcome};
pub use self::profile::{PlacedProfile, ProfileOutcome};
pub use self::query::Parameters;
pub use self::question::{Author, Question, QuestionError, address_domain};
pub use self::route::{ExplainedRoute, PlacedPattern};
pub use self::sender::{ClientMail, ClientSender, PlacedSenderRule};
use crate::key_entry::KeyEntry;
use crate::signing_mode::SigningMode;
use crate::signing_policy::{SigningDecision, SigningPolicy};
use crate::signing_table::{Alignment, SigningRule};

/// What is done with mail from a domain, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The domain that was asked about.
    pub domain: DomainName,
    /// What `RouterDKIMSigning` says.
    pub mode: SigningMode,
    /// The line that says so; nothing when it is the default.
    pub mode_origin: Option<Origin>,
    /// Why nothing signs, when nothing does.
    pub unsigned: Option<Unsigned>,
    /// The line that decides. With signing off: that would.
    pub entry: Option<ExplainedEntry>,
    /// Less specific lines that cover the domain too, and lost.
    pub considered: Vec<ExplainedEntry>,
    /// The names that a line could have had to cover the domain, the most specific first.
    pub searched: Vec<DomainName>,
    /// One for each signature that the line asks for.
    pub signatures: Vec<ExplainedSignature>,
    /// Whether DMARC counts the signatures.
    pub alignment: Option<Alignment>,
}

/// Why nothing signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsigned {
    /// `RouterDKIMSigning` is unset or 0.
    Off,
    /// No line covers the domain.
    NoEntry,
}

/// A `DKIM_KEY_…` line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExplainedEntry {
    /// Its name, as it was written.
    pub setting: String,
    /// Its value, as it was written.
    pub value: String,
    /// Where it stands.
    pub origin: Origin,
    /// The domain that it is about.
    pub domain: DomainName,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExplainedSignature {
    /// The key in the credential store.
    pub key: KeyName,
    /// The `d=`.
    pub signing_domain: DomainName,
    /// The owner of the TXT record in which verifiers look for the public key.
    pub record_name: String,
}

impl Explanation {
    pub(crate) fn new(policy: &SigningPolicy, domain: &DomainName) -> Self {
        let (unsigned, rule) = match policy.resolve(domain) {
            SigningDecision::Sign(rule) => (None, Some(rule)),
            SigningDecision::NoEntry => (Some(Unsigned::NoEntry), None),
            SigningDecision::Off => (Some(Unsigned::Off), policy.table().rule(domain)),
        };
        Self {
            domain: domain.clone(),
            mode: policy.mode(),
            mode_origin: policy.mode_origin().cloned(),
            unsigned,
            entry: rule.as_ref().map(|rule| ExplainedEntry::new(&rule.entry)),
            considered: policy
                .table()
                .covering(domain)
                .skip(1)
                .map(|entry| ExplainedEntry::new(entry))
                .collect(),
            searched: domain.ancestors().collect(),
            signatures: rule.as_ref().map(signatures).unwrap_or_default(),
            alignment: rule.map(|rule| rule.alignment),
        }
    }
}

fn signatures(rule: &SigningRule) -> Vec<ExplainedSignature> {
    let explained = rule.keys.iter().map(|one| {
        let published = KeyName::new(one.key.selector().clone(), one.signing_domain.clone());
        ExplainedSignature {
            key: one.key.clone(),
            signing_domain: one.signing_domain.clone(),
            record_name: published.record_name(),
        }
    });
    explained.collect()
}

impl ExplainedEntry {
    fn new(entry: &KeyEntry) -> Self {
        Self {
            setting: entry.line().name.clone(),
            value: entry.line().value.clone(),
            origin: entry.origin().clone(),
            domain: entry.domain().clone(),
        }
    }
}

impl fmt::Display for ExplainedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={} ({})", self.setting, self.value, self.origin)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.unsigned {
            None => "is signed",
            Some(Unsigned::Off) => "is not signed: RouterDKIMSigning is unset or 0",
            Some(Unsigned::NoEntry) => "is not signed: no DKIM_KEY_ line covers the domain",
        };
        writeln!(f, "Mail from {} {verdict}.", self.domain)?;
        write!(f, "{}", ModeLine(self.mode, self.mode_origin.as_ref()))?;
        match &self.entry {
            Some(entry) => {
                let relation = if entry.domain == self.domain {
                    "the domain itself"
                } else {
                    "a parent of it"
                };
                let would = if self.unsigned.is_some() {
                    "would decide"
                } else {
                    "decides"
                };
                writeln!(f, "  entry:      {entry} {would}: it names {relation}")?;
            }
            None => {
                let names: Vec<String> = self
                    .searched
                    .iter()
                    .map(|name| format!("DKIM_KEY_{name}"))
                    .collect();
                writeln!(f, "  entry:      none of {}", names.join(", "))?;
            }
        }
        for entry in &self.considered {
            writeln!(f, "  considered: {entry}: less specific")?;
        }
        for one in &self.signatures {
            writeln!(
                f,
                "  signature:  d={} s={}, key {}, record {}",
                one.signing_domain,
                one.key.selector(),
                one.key,
                one.record_name
            )?;
        }
        match self.alignment {
            Some(alignment) => writeln!(f, "  DMARC:      {alignment}"),
            None => Ok(()),
        }
    }
}

/// The line that names the mode, and where it stands.
struct ModeLine<'a>(SigningMode, Option<&'a Origin>);

impl fmt::Display for ModeLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(mode, origin) = self;
        match origin {
            Some(origin) => writeln!(f, "  mode:       {mode}, by {origin}"),
            None => writeln!(f, "  mode:       {mode}, by default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use common_config::notes_ini::NotesIni;

    use super::*;
    use crate::settings::SigningSettings;

    fn check(mode: SigningMode, domain: &str, expected: &str) {
        let keys = "DKIM_KEY_acme.com=1\nDKIM_KEY_eu.acme.com=2,3\nDKIM_KEY_alias.net=acme.com;1\n";
        let ini = match mode {
            SigningMode::Off => keys.to_owned(),
            SigningMode::BestEffort => format!("{keys}RouterDKIMSigning=1\n"),
            SigningMode::Enforce => format!("{keys}RouterDKIMSigning=2\n"),
        };
        let ini = NotesIni::parse(Path::new("notes.ini"), ini.as_bytes()).unwrap();
        let policy = SigningPolicy::load(&SigningSettings::default(), ini.entries()).unwrap();
        let found = policy.explain(&domain.parse().unwrap()).to_string();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_explanation_says_which_line_won_and_which_lost() {
        check(
            SigningMode::Enforce,
            "x.eu.acme.com",
            "Mail from x.eu.acme.com is signed.\n\
             \x20 mode:       enforce (RouterDKIMSigning=2), by notes.ini:4\n\
             \x20 entry:      DKIM_KEY_eu.acme.com=2,3 (notes.ini:2) decides: it names a parent of it\n\
             \x20 considered: DKIM_KEY_acme.com=1 (notes.ini:1): less specific\n\
             \x20 signature:  d=eu.acme.com s=2, key 2._domainkey.eu.acme.com, record 2._domainkey.eu.acme.com\n\
             \x20 signature:  d=eu.acme.com s=3, key 3._domainkey.eu.acme.com, record 3._domainkey.eu.acme.com\n\
             \x20 DMARC:      aligned in relaxed mode (the same organisation), not with adkim=s\n",
        );
    }

    #[test]
    fn an_explanation_says_why_nothing_signs() {
        check(
            SigningMode::BestEffort,
            "other.org",
            "Mail from other.org is not signed: no DKIM_KEY_ line covers the domain.\n\
             \x20 mode:       best effort (RouterDKIMSigning=1), by notes.ini:4\n\
             \x20 entry:      none of DKIM_KEY_other.org, DKIM_KEY_org\n",
        );
        check(
            SigningMode::Off,
            "alias.net",
            "Mail from alias.net is not signed: RouterDKIMSigning is unset or 0.\n\
             \x20 mode:       off (RouterDKIMSigning=0), by default\n\
             \x20 entry:      DKIM_KEY_alias.net=acme.com;1 (notes.ini:3) would decide: it names the domain itself\n\
             \x20 signature:  d=acme.com s=1, key 1._domainkey.acme.com, record 1._domainkey.acme.com\n\
             \x20 DMARC:      not aligned (another organisation's domain)\n",
        );
    }
}
