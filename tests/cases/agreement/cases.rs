//! Generated settings and messages.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use edge_tests::mock_mta::Arrived;
use edge_tests::setup::{ALIAS, PRIMARY, SUBDOMAIN, Setup};
use fastrand::Rng;

/// A recipient inside.
pub(super) const INSIDE: &str = "sam@sales.renovations.com";
const OUTSIDE: [&str; 2] = ["client@partner.test", "client@other.test"];
const SENDER: &str = "rita@renovations.com";

/// Domains of authors: with keys, below one with keys, an alias, and one that nobody knows.
const DOMAINS: [&str; 6] = [
    PRIMARY,
    "eu.renovations.com",
    SUBDOMAIN,
    ALIAS,
    "acme.example",
    "unknown.example",
];

/// What a reload brings, as it is written.
#[derive(Debug)]
pub(super) struct Settings {
    notes: String,
    signing: Vec<(&'static str, String)>,
}

impl Settings {
    pub(super) fn generate(random: &mut Rng) -> Self {
        let mut notes = format!(
            "RouterDKIMSigning={}\n",
            random.choice([0, 1, 1, 2, 2, 2]).unwrap()
        );
        let entries: [(&str, &[&str], u8); 5] = [
            (PRIMARY, &["a", "b", "r", "short", "gone"], 85),
            ("eu.renovations.com", &["gone"], 10),
            (SUBDOMAIN, &["a", "gone"], 50),
            ("acme.example", &["a"], 60),
            (ALIAS, &["a", "b", "gone"], 60),
        ];
        for (domain, selectors, likely) in entries {
            if random.u8(0..100) >= likely {
                continue;
            }
            let count = random.usize(1..=selectors.len().min(3));
            let chosen = random.choose_multiple(selectors.iter().copied(), count);
            let primary = if domain == ALIAS {
                format!("{PRIMARY};")
            } else {
                String::new()
            };
            let _ = writeln!(notes, "DKIM_KEY_{domain}={primary}{}", chosen.join(","));
        }
        let mut one_of = |choices: &[&str]| random.choice(choices.iter()).unwrap().to_string();
        let action = ["send", "defer", "report", "reject"];
        let mut on_failure = String::new();
        for class in [
            "key_missing",
            "key_revoked",
            "key_too_short",
            "no_suitable_key",
            "cannot_sign",
        ] {
            if one_of(&["some", "none", "none"]) == "some" {
                let _ = write!(on_failure, "{class} = \"{}\", ", one_of(&action));
            }
        }
        let exception = format!(
            "[{{ domains = [\"{}\"], on_failure = {{ key_missing = \"{}\" }} }}]",
            one_of(&[PRIMARY, "acme.example", "eu.renovations.com"]),
            one_of(&action)
        );
        let profile = "[{ name = \"other\", destinations = [\"other.test\"], ";
        let signing = vec![
            ("enforce", one_of(&["\"report\"", "\"reject\""])),
            ("rsa_minimum_bits", one_of(&["1024", "2048"])),
            ("aligned_aliases", one_of(&["true", "false"])),
            (
                "quiet",
                one_of(&["true", "false", "false", "false", "false", "false", "false"]),
            ),
            (
                "on_failure",
                format!("{{ {} }}", on_failure.trim_end_matches(", ")),
            ),
            ("exceptions", one_of(&["[]", &exception])),
            (
                "profiles",
                one_of(&[
                    "[]",
                    &format!("{profile}max_signatures = 1 }}]"),
                    &format!("{profile}algorithms = [\"rsa-sha256\"] }}]"),
                    &format!("{profile}algorithms = [\"ed25519-sha256\"], max_signatures = 1 }}]"),
                ]),
            ),
        ];
        Self { notes, signing }
    }

    pub(super) fn apply(&self, setup: &mut Setup) {
        setup.notes.clone_from(&self.notes);
        for (key, value) in &self.signing {
            setup.set("signing", key, value);
        }
    }
}

/// Whom a message is from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Author {
    /// The domain of its one author, or of the one who sent it for several.
    Of(&'static str),
    /// It does not say; with the fields that it has.
    Unknown(&'static str),
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) number: usize,
    pub(super) author: Author,
    /// The null sender is none.
    pub(super) sender: Option<&'static str>,
    pub(super) recipients: Vec<&'static str>,
    fields: String,
}

impl Message {
    pub(super) fn generate(random: &mut Rng, number: usize) -> Self {
        let domain = random.choice(DOMAINS).unwrap();
        let another = random.choice(DOMAINS).unwrap();
        let (author, fields) = match random.u8(0..20) {
            0 => (Author::Unknown(NONE), NONE.to_owned()),
            1 => (Author::Unknown(TWO_FIELDS), TWO_FIELDS.to_owned()),
            2 => (Author::Unknown(TWO_AUTHORS), TWO_AUTHORS.to_owned()),
            3 | 4 => {
                let fields = format!("From: a@{domain}, b@{another}\r\nSender: a@{domain}\r\n");
                (Author::Of(domain), fields)
            }
            5 | 6 => {
                let fields = format!("From: \"x@{another}\" <a@{domain}> (c@{another})\r\n");
                (Author::Of(domain), fields)
            }
            _ => (Author::Of(domain), format!("From: a@{domain}\r\n")),
        };
        let all = [OUTSIDE[0], OUTSIDE[1], INSIDE];
        let count = random.usize(1..=all.len());
        Self {
            number,
            author,
            sender: (random.u8(0..10) > 0).then_some(SENDER),
            recipients: random.choose_multiple(all, count),
            fields,
        }
    }

    pub(super) fn outside(&self) -> impl Iterator<Item = &'static str> {
        self.recipients.iter().copied().filter(|one| *one != INSIDE)
    }

    pub(super) fn text(&self) -> String {
        format!(
            "{}To: somebody\r\nSubject: case-{};\r\n\r\ntext\r\n",
            self.fields, self.number
        )
    }
}

/// The number in the Subject of a message, or of the message that a report is about.
pub(super) fn number(text: &str) -> usize {
    let digits = text
        .split("case-")
        .nth(1)
        .and_then(|rest| rest.split(';').next());
    digits
        .and_then(|digits| digits.parse().ok())
        .expect("the number of a message")
}

/// The selector and the `d=` of each of its signatures.
pub(super) fn signatures(arrived: &Arrived) -> BTreeSet<(String, String)> {
    let tag = |field: &str, name: &str| {
        let mut tags = field.split(';').map(str::trim);
        let value = tags.find_map(|tag| tag.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default().to_owned()
    };
    let fields = arrived.values("DKIM-Signature");
    fields
        .iter()
        .map(|field| (tag(field, "s"), tag(field, "d")))
        .collect()
}

const NONE: &str = "";
const TWO_FIELDS: &str = "From: a@renovations.com\r\nFrom: b@acme.example\r\n";
const TWO_AUTHORS: &str = "From: a@renovations.com, b@acme.example\r\n";
