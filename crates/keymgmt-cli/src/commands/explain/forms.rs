//! What the first signature over a message would hash: the names in `h=` and, when asked for, the canonical forms, octet
//! for octet.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use credstore::KeyAlgorithm;
use dkim_core::{Algorithm, CanonicalForms};
use router_config::{ExplainedKey, ExplainedMail, SigningDecision};
use serde_json::{Map, Value, json};

use crate::exit::chain;
use crate::signing::{self, ServerPolicy, SigningError};

/// How much of what a signature hashes is shown.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    /// The names in `h=`.
    Names,
    /// The canonical forms as well.
    Octets,
}

/// What there is to say of it; nothing when nothing signs.
#[derive(Default)]
pub(super) struct Forms {
    pub(super) text: String,
    pub(super) json: Map<String, Value>,
    /// The canonical forms, which need not be text.
    pub(super) octets: Vec<u8>,
}

impl Forms {
    /// By the first active key, or else by the first.
    pub(super) fn of(
        message: &[u8],
        mail: &ExplainedMail,
        policy: &ServerPolicy,
        shown: Shown,
    ) -> Self {
        let mut forms = Self::default();
        let mail = match mail {
            ExplainedMail::From(mail) => mail,
            ExplainedMail::Unidentified(_) => return forms,
        };
        let rule = match policy.signing.resolve(&mail.explanation.domain) {
            SigningDecision::Sign(rule) => rule,
            SigningDecision::NoEntry | SigningDecision::Off => return forms,
        };
        let profile = policy.signing.default_profile();
        let pairs = || {
            let pairs = rule.keys.iter().zip(&mail.keys);
            profile.chosen(pairs, |(_, key)| key.condition.algorithm())
        };
        let active = pairs().find(|(_, key)| key.condition.algorithm().is_some());
        let Some((instruction, key)) = active.or_else(|| pairs().next()) else {
            return forms;
        };
        let forms_of = |params| {
            CanonicalForms::of(message, &params, algorithm(key)).map_err(SigningError::Sign)
        };
        let found = signing::params(instruction, profile).and_then(forms_of);
        match found {
            Ok(found) => forms.say(&found, key, shown),
            Err(error) => {
                let why = chain(&error);
                forms.line(&format!("As the file stands, {why}"));
                forms.json.insert("error".to_owned(), why.into());
            }
        }
        forms
    }

    fn say(&mut self, found: &CanonicalForms, key: &ExplainedKey, shown: Shown) {
        self.line(&format!("h={}", found.names.join(":")));
        self.json.insert("h".to_owned(), json!(found.names));
        match shown {
            Shown::Names => return,
            Shown::Octets => {}
        }
        let body_hash = STANDARD.encode(found.body_hash);
        let (header, body) = (&found.header, &found.body);
        self.line(&format!(
            "Canonical forms for the key {}, bh={body_hash}",
            key.name
        ));
        let canonical = json!({
            "key": key.name.to_string(),
            "header": STANDARD.encode(header),
            "body": STANDARD.encode(body),
            "body_hash": body_hash,
        });
        self.json.insert("canonical".to_owned(), canonical);
        for (title, octets, end) in [("header", header, "\n"), ("body", body, "")] {
            let heading = format!("Canonical {title}, {} octets:\n", octets.len());
            self.octets
                .extend([heading.as_bytes(), octets, end.as_bytes()].concat());
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// What a key signs with; RSA when it cannot be had.
fn algorithm(key: &ExplainedKey) -> Algorithm {
    match key.algorithm.as_deref().map(str::parse) {
        Some(Ok(KeyAlgorithm::Ed25519)) => Algorithm::Ed25519Sha256,
        Some(Ok(_) | Err(_)) | None => Algorithm::RsaSha256,
    }
}
