//! `explain`: which keys sign mail from an address or a message, why, in what condition they are, and what the server
//! would do with it; where mail to a recipient goes; who may send, and sign for what.
//!
//! Every answer is router-config's, by the functions that the server asks.

mod client;
mod route;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common_config::name::DomainName;
use common_config::origin::Origin;
use dkim_core::CanonicalForms;
use router_config::identity::{Identity, IdentityError, IdentityField};
use router_config::{
    FailureAction, FaultClass, SigningDecision, SigningInstruction, SigningMode, Unsigned,
};
use serde_json::{Map, Value, json};

use self::client::Author;
use crate::cli::Explain;
use crate::context::Context;
use crate::exit::{Failure, chain};
use crate::input;
use crate::key_condition::{Condition, FoundKey};
use crate::message;
use crate::output::Output;
use crate::signing::{self, ServerPolicy, SigningError};

pub(crate) async fn run(context: &Context, arguments: Explain) -> Result<Output, Failure> {
    let policy = ServerPolicy::load(context)?;
    let mut answer = Answer::default();
    let mut author = Author::NotAsked;
    if let Some(address) = &arguments.address {
        let domain = input::address_domain(address)?;
        answer.domain(context, &policy, &domain).await;
        author = Author::Domain(domain);
    }
    if let Some(path) = &arguments.message {
        let shown = match arguments.canonical {
            true => Shown::Octets,
            false => Shown::Names,
        };
        author = answer.message(context, &policy, path, shown).await?;
    }
    for recipient in &arguments.to {
        answer.route(&policy, recipient)?;
    }
    if let Some(client) = client::described(&arguments) {
        answer.client(&policy, &client, &author)?;
    }
    let json = Value::Object(answer.json);
    Ok(match answer.octets.is_empty() {
        true => Output::text(answer.text, json),
        false => Output::message([answer.text.into_bytes(), answer.octets].concat(), json),
    })
}

/// How much of what a signature hashes is shown.
#[derive(Clone, Copy)]
enum Shown {
    /// The names in `h=`.
    Names,
    /// The canonical forms as well.
    Octets,
}

/// What is said, as it grows.
#[derive(Default)]
struct Answer {
    text: String,
    json: Map<String, Value>,
    /// Canonical forms, which need not be text.
    octets: Vec<u8>,
}

impl Answer {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn say(&mut self, key: &str, value: Value) {
        self.json.insert(key.to_owned(), value);
    }

    /// The lines that decide for a domain, and its keys, which it returns.
    async fn domain(
        &mut self,
        context: &Context,
        policy: &ServerPolicy,
        domain: &DomainName,
    ) -> Vec<FoundKey> {
        let explanation = policy.signing.explain(domain);
        self.text.push_str(&explanation.to_string());
        // The explanation is ours and always becomes an object.
        if let Ok(Value::Object(object)) = serde_json::to_value(&explanation) {
            self.json.extend(object);
        }
        let mut keys = Vec::new();
        if !explanation.signatures.is_empty() {
            self.line("In the credential store:");
            let store = context.store().await;
            let minimum = policy.signing.settings().rsa_minimum_bits;
            for signature in &explanation.signatures {
                let found = FoundKey::look(&store, &signature.key, minimum).await;
                self.line(format!("  {found}"));
                keys.push(found);
            }
        }
        self.say("keys", keys.iter().map(FoundKey::json).collect());
        let sent = match explanation.unsigned {
            None if policy.signing.settings().quiet => {
                let otherwise = by_keys(policy, domain, &keys);
                format!("unsigned: signing.quiet is on; without it: {otherwise}")
            }
            Some(Unsigned::Off) => "unsigned: RouterDKIMSigning is off".to_owned(),
            Some(Unsigned::NoEntry) => "unsigned: no DKIM_KEY_ line covers the domain".to_owned(),
            None => by_keys(policy, domain, &keys),
        };
        self.sent(sent);
        keys
    }

    /// What the server would do.
    fn sent(&mut self, sent: String) {
        self.line(format!("To external recipients: {sent}"));
        self.say("sent", sent.into());
    }

    /// The domain that a message is from, which it returns, and what is done with it.
    async fn message(
        &mut self,
        context: &Context,
        policy: &ServerPolicy,
        path: &Path,
        shown: Shown,
    ) -> Result<Author, Failure> {
        let message = message::read(path)?;
        let Identity { domain, field } = match signing::identity(&message) {
            Ok(identity) => identity,
            Err(SigningError::Identity(error)) => {
                self.without_identity(policy, &error);
                return Ok(Author::Nobody);
            }
            Err(error) => return Err(error.into()),
        };
        let (name, why) = match field {
            IdentityField::From => ("From", "by its From field"),
            IdentityField::Sender => (
                "Sender",
                "by its Sender field, which names one of the several authors in From",
            ),
        };
        self.line(format!("The message is from {domain}, {why}."));
        self.say(
            "identity",
            json!({ "domain": domain.as_str(), "field": name }),
        );
        let keys = self.domain(context, policy, &domain).await;
        if let SigningDecision::Sign(rule) = policy.signing.resolve(&domain) {
            let pairs = rule.keys.iter().zip(&keys);
            let active = pairs
                .clone()
                .find(|(_, key)| key.condition == Condition::Active);
            if let Some((instruction, key)) = active.or(pairs.clone().next()) {
                self.forms(policy, &message, instruction, key, shown);
            }
        }
        Ok(Author::Domain(domain))
    }

    fn without_identity(&mut self, policy: &ServerPolicy, error: &IdentityError) {
        let why = chain(error);
        self.line(format!("The message cannot be signed: {why}."));
        let mode = policy.signing.mode();
        self.line(format!(
            "  mode:       {mode}{}",
            by(policy.signing.mode_origin())
        ));
        self.say("identity", json!({ "error": why }));
        self.say("mode", json!(mode));
        let sent = match mode {
            SigningMode::Off => "unsigned: RouterDKIMSigning is off".to_owned(),
            SigningMode::BestEffort | SigningMode::Enforce => {
                let action = policy.signing.on_failure(None, FaultClass::CannotSign);
                consequence(action)
                    .unwrap_or("unsigned: the failure policy sends it")
                    .to_owned()
            }
        };
        self.sent(sent);
    }

    /// The `h=` of the first signature and, when asked for, what it would hash.
    fn forms(
        &mut self,
        policy: &ServerPolicy,
        message: &[u8],
        instruction: &SigningInstruction,
        key: &FoundKey,
        shown: Shown,
    ) {
        let params = signing::params(instruction, policy.signing.default_profile());
        let forms = params.and_then(|params| {
            CanonicalForms::of(message, &params, key.signature_algorithm())
                .map_err(SigningError::Sign)
        });
        let forms = match forms {
            Ok(forms) => forms,
            Err(error) => {
                let why = chain(&error);
                self.line(format!("As the file stands, {why}"));
                self.say("error", why.into());
                return;
            }
        };
        self.line(format!("h={}", forms.names.join(":")));
        self.say("h", json!(forms.names));
        match shown {
            Shown::Names => return,
            Shown::Octets => {}
        }
        let body_hash = STANDARD.encode(forms.body_hash);
        let (header, body) = (&forms.header, &forms.body);
        self.line(format!(
            "Canonical forms for the key {}, bh={body_hash}",
            key.name
        ));
        self.say(
            "canonical",
            json!({
                "key": key.name.to_string(),
                "header": STANDARD.encode(header),
                "body": STANDARD.encode(body),
                "body_hash": body_hash,
            }),
        );
        for (title, octets, end) in [("header", header, "\n"), ("body", body, "")] {
            let heading = format!("Canonical {title}, {} octets:\n", octets.len());
            self.octets
                .extend([heading.as_bytes(), octets, end.as_bytes()].concat());
        }
    }
}

/// What becomes of a message from `domain` that these keys are to sign.
fn by_keys(policy: &ServerPolicy, domain: &DomainName, keys: &[FoundKey]) -> String {
    let faulty: Vec<(&FoundKey, FaultClass)> = keys
        .iter()
        .filter_map(|key| Some((key, key.condition.fault_class()?)))
        .collect();
    let why = |key: &FoundKey| format!("{} is {}", key.name, key.condition);
    let strictest = policy
        .signing
        .strictest(Some(domain), &faulty, |(_, class)| *class);
    if let Some((action, (key, _))) = strictest
        && let Some(consequence) = consequence(action)
    {
        return format!("{consequence}: {}", why(key));
    }
    let active: Vec<String> = keys
        .iter()
        .filter(|key| key.condition == Condition::Active)
        .map(|key| key.name.to_string())
        .collect();
    match (active.is_empty(), faulty.first()) {
        (true, _) => "unsigned: no key can sign, and the failure policy sends it".to_owned(),
        (false, None) => format!("signed by {}", active.join(", ")),
        (false, Some((key, _))) => {
            format!("signed by {} alone: {}", active.join(", "), why(key))
        }
    }
}

/// What an action means for a message, unless it is sent.
fn consequence(action: FailureAction) -> Option<&'static str> {
    match action {
        FailureAction::Send => None,
        FailureAction::Defer => Some("held back and tried again"),
        FailureAction::Report => Some("not sent, and its sender gets a non-delivery report"),
        FailureAction::Reject => Some("refused at the end of its data"),
    }
}

fn by(origin: Option<&Origin>) -> String {
    match origin {
        Some(origin) => format!(", by {origin}"),
        None => ", by default".to_owned(),
    }
}
