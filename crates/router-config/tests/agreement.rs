//! `explain` says what is done: 10,000 generated settings and messages, asked both ways, beside a plain reading of the
//! manual's table.
//!
//! The settings have domains above and below each other, aliases, several selectors and every mode; the messages have
//! none, one or several From and Sender fields. The model searches all lines for the longest suffix, where the crate
//! walks up the labels.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::BTreeMap;
use std::path::Path;

use common_config::name::DomainName;
use common_config::notes_ini::NotesIni;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use router_config::identity::{Identity, IdentityField, identify, signing_identity};
use router_config::{
    RouterConfig, RouterSettings, SigningDecision, SigningPolicy, SigningSettings, Unsigned,
};

const DOMAINS: [&str; 10] = [
    "acme.com",
    "eu.acme.com",
    "mail.eu.acme.com",
    "us.acme.com",
    "notacme.com",
    "com",
    "alias.net",
    "sub.alias.net",
    "other.org",
    "xn--bcher-kva.example",
];

/// The lines and settings of one case.
#[derive(Debug, Clone)]
struct Settings {
    mode: Option<u8>,
    /// By domain: the primary of an alias, and the selectors.
    entries: BTreeMap<&'static str, (Option<&'static str>, Vec<&'static str>)>,
    aligned: bool,
}

/// The domains of each field's mailboxes.
#[derive(Debug, Clone)]
struct Fields {
    from: Vec<Vec<&'static str>>,
    sender: Vec<Vec<&'static str>>,
}

/// What is expected of a message, in the manual's words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    NoIdentity,
    Off,
    NoEntry,
    /// Key and `d=` of each signature.
    Signed(Vec<(String, String)>),
}

fn settings() -> impl Strategy<Value = Settings> {
    let selectors = btree_set(select(vec!["s1", "s2", "s3", "k-4"]), 1..4);
    let value = (option::of(select(DOMAINS.to_vec())), selectors)
        .prop_map(|(primary, selectors)| (primary, selectors.into_iter().collect()));
    let entries = btree_map(select(DOMAINS.to_vec()), value, 0..6);
    (option::of(0_u8..3), entries, any::<bool>()).prop_map(|(mode, entries, aligned)| Settings {
        mode,
        entries,
        aligned,
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    let mailboxes = || vec(select(DOMAINS.to_vec()), 1..3);
    let of = move |none: u32, several: u32| {
        prop_oneof![
            none => Just(Vec::new()),
            8 => vec(mailboxes(), 1),
            several => vec(mailboxes(), 2),
        ]
    };
    (of(1, 1), of(4, 1)).prop_map(|(from, sender)| Fields { from, sender })
}

impl Settings {
    /// The lines of notes.ini; the mode stands last.
    fn ini(&self) -> String {
        let mut ini = String::new();
        for (domain, (primary, selectors)) in &self.entries {
            let primary = primary.map(|name| format!("{name}; ")).unwrap_or_default();
            ini.push_str(&format!(
                "dkim_KEY_{domain}={primary}{}\n",
                selectors.join(" , ")
            ));
        }
        if let Some(mode) = self.mode {
            ini.push_str(&format!("RouterDKIMSigning={mode}\n"));
        }
        ini
    }

    /// The names of the lines that cover `domain`, the longest first.
    fn covering(&self, domain: &str) -> Vec<&'static str> {
        let covers = |name: &str| domain == name || domain.ends_with(&format!(".{name}"));
        let mut names: Vec<_> = self
            .entries
            .keys()
            .copied()
            .filter(|name| covers(name))
            .collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names
    }

    fn expected(&self, domain: Option<&str>) -> Expected {
        let Some(domain) = domain else {
            return Expected::NoIdentity;
        };
        if self.mode.unwrap_or(0) == 0 {
            return Expected::Off;
        }
        match self.covering(domain).first() {
            None => Expected::NoEntry,
            Some(name) => Expected::Signed(self.signatures(name)),
        }
    }

    fn signatures(&self, name: &str) -> Vec<(String, String)> {
        let (primary, selectors) = self.entries.get(name).unwrap();
        let owner = primary.unwrap_or(name);
        let signing_domain = if self.aligned { name } else { owner };
        let one = |selector: &&str| {
            (
                format!("{selector}._domainkey.{owner}"),
                signing_domain.to_owned(),
            )
        };
        selectors.iter().map(one).collect()
    }
}

impl Fields {
    /// The domain and the field that gives it, as the manual tells it.
    fn expected(&self) -> Option<(&'static str, IdentityField)> {
        let [from] = self.from.as_slice() else {
            return None;
        };
        if let [author] = from.as_slice() {
            return Some((author, IdentityField::From));
        }
        let [sender] = self.sender.as_slice() else {
            return None;
        };
        match sender.as_slice() {
            [sender] if from.contains(sender) => Some((sender, IdentityField::Sender)),
            _ => None,
        }
    }

    fn bodies(fields: &[Vec<&str>]) -> Vec<Vec<u8>> {
        let body = |domains: &Vec<&str>| {
            let mailboxes: Vec<String> = domains
                .iter()
                .map(|domain| format!("\"x@elsewhere.example\" <jo@{domain}>"))
                .collect();
            format!(" {}", mailboxes.join(",\r\n ")).into_bytes()
        };
        fields.iter().map(body).collect()
    }
}

/// What the server does: as `smtp-edge` asks.
fn decided(config: &RouterConfig, domain: &DomainName) -> Expected {
    match config.resolve(domain) {
        SigningDecision::Off => Expected::Off,
        SigningDecision::NoEntry => Expected::NoEntry,
        SigningDecision::Sign(rule) => Expected::Signed(
            rule.keys
                .iter()
                .map(|one| (one.key.record_name(), one.signing_domain.to_string()))
                .collect(),
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn explain_and_the_server_agree(settings in settings(), fields in fields()) {
        let ini = NotesIni::parse(Path::new("notes.ini"), settings.ini().as_bytes()).unwrap();
        let signing = SigningSettings { aligned_aliases: settings.aligned, ..SigningSettings::default() };
        let router = RouterSettings {
            internal_domains: vec!["inside.example".parse().unwrap()],
            internal_next_hop: Some("192.0.2.1:25".parse().unwrap()),
            postmaster: Some("postmaster@inside.example".parse().unwrap()),
            ..RouterSettings::default()
        };
        let config = RouterConfig::load(&router, &signing, ini.entries()).unwrap();
        // Without a [router], as keymgmt may be, the policy is the same.
        prop_assert_eq!(config.signing_policy(), &SigningPolicy::load(&signing, ini.entries()).unwrap());

        let (from, sender) = (Fields::bodies(&fields.from), Fields::bodies(&fields.sender));
        let from: Vec<&[u8]> = from.iter().map(Vec::as_slice).collect();
        let sender: Vec<&[u8]> = sender.iter().map(Vec::as_slice).collect();
        let found = identify(&from, &sender);
        let who = fields.expected();
        let found_who = found.as_ref().ok().map(|Identity { domain, field }| (domain.as_str(), *field));
        prop_assert_eq!(found_who, who);
        prop_assert_eq!(signing_identity(&from, &sender), found.clone().map(|identity| identity.domain));
        let expected = settings.expected(who.map(|(domain, _)| domain));
        let Ok(Identity { domain, .. }) = found else {
            prop_assert_eq!(expected, Expected::NoIdentity);
            return Ok(());
        };

        prop_assert_eq!(&decided(&config, &domain), &expected);
        let explanation = config.explain(&domain);
        let explained: Vec<(String, String)> = explanation
            .signatures
            .iter()
            .map(|one| (one.key.record_name(), one.signing_domain.to_string()))
            .collect();
        let covering = settings.covering(domain.as_str());
        match (explanation.unsigned, expected) {
            (None, Expected::Signed(keys)) => prop_assert_eq!(&explained, &keys),
            (Some(Unsigned::NoEntry), Expected::NoEntry) => prop_assert!(explained.is_empty()),
            // With signing off it says what would sign.
            (Some(Unsigned::Off), Expected::Off) => {
                let keys = covering.first().map(|name| settings.signatures(name));
                prop_assert_eq!(&explained, &keys.unwrap_or_default());
            }
            (unsigned, expected) => prop_assert!(false, "{unsigned:?} {expected:?}"),
        }
        // Every line that was weighed is named, in the order of its weight, with its place in the file.
        let line = |name: &&str| settings.entries.keys().position(|other| other == name).unwrap() + 1;
        let named: Vec<String> = explanation
            .entry
            .iter()
            .chain(&explanation.considered)
            .map(|entry| format!("{} {}", entry.domain, entry.origin))
            .collect();
        let lines: Vec<String> = covering.iter().map(|name| format!("{name} notes.ini:{}", line(name))).collect();
        prop_assert_eq!(named, lines);
        let mode_line = settings.mode.map(|_| format!("notes.ini:{}", settings.entries.len() + 1));
        prop_assert_eq!(explanation.mode_origin.map(|origin| origin.to_string()), mode_line);
        for one in &explanation.signatures {
            let record = format!("{}._domainkey.{}", one.key.selector(), one.signing_domain);
            prop_assert_eq!(&one.record_name, &record);
        }
    }
}
