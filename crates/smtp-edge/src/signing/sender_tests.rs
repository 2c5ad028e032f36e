//! The step under rules for senders: each source with each From, at intake and later.

use std::collections::HashMap;
use std::path::Path;

use common_config::notes_ini::NotesIni;
use credstore::NekDir;
use dkim_core::SigningKey;
use router_config::{Client, RouterSettings, SigningSettings};

use super::*;
use crate::envelope::Source;
use crate::signing::keyring::{KeySource, Keyring};
use crate::signing::policy::Consequence;
use crate::signing::self_check::tests::no_dns;
use crate::signing::state::{SigningFault, Signings};
use crate::spool::message::MessageState;
use crate::spool::sample;

/// app1 may sign for acme.com; the scanners at 10.1.0.0/16 too, and go unsigned otherwise.
const RULES: &str = r#"[{"identities": ["app1"], "domains": ["acme.com"]},
    {"networks": ["10.1.0.0/16"], "domains": ["acme.com"], "otherwise": "unsigned"}]"#;

fn step(mode: u8, quiet: bool) -> SigningStep {
    SigningStep::new(in_force(mode, quiet, RULES), no_dns(), Clock::system())
}

fn in_force(mode: u8, quiet: bool, rules: &str) -> InForce {
    let settings: RouterSettings = serde_json::from_str(&format!(
        r#"{{"internal_domains": ["internal.example"], "internal_next_hop": "127.0.0.1:25",
             "postmaster": "postmaster@internal.example", "senders": {rules}}}"#,
    ))
    .unwrap();
    let notes = format!("RouterDKIMSigning={mode}\nDKIM_KEY_acme.com=s\nDKIM_KEY_shop.example=s\n");
    let notes = NotesIni::parse(Path::new("notes.ini"), notes.as_bytes()).unwrap();
    let signing = SigningSettings {
        quiet,
        ..SigningSettings::default()
    };
    let router = RouterConfig::load(&settings, &signing, notes.entries()).unwrap();
    let keys: HashMap<_, _> = ["acme.com", "shop.example"]
        .map(|domain| {
            let name = format!("s._domainkey.{domain}").parse().unwrap();
            (name, Ok(SigningKey::generate_ed25519().unwrap().into()))
        })
        .into();
    let source = KeySource {
        store: "nowhere".into(),
        neks: NekDir::new("nowhere".into()),
        rsa_minimum_bits: 1024,
    };
    InForce::new(Arc::new(router), source, Keyring::of(keys)).unwrap()
}

fn client(identity: Option<&str>, address: &str) -> Source {
    let client = Client {
        identity: identity.map(|name| name.parse().unwrap()),
        ..Client::at(address.parse().unwrap())
    };
    let helo = "client.example".into();
    Source::Client { client, helo }
}

fn message(source: &Source, to: &str, header: &str) -> Message {
    let mut message = sample::message(1);
    message.envelope.source = source.clone();
    message.envelope.recipients = vec![to.parse().unwrap()];
    message.content = format!("{header}\r\n\r\nbody\r\n").into_bytes();
    message.body_hashes = hash_body(b"body\r\n");
    message.state = MessageState {
        signings: Signings::default(),
        ..sample::fresh(1)
    };
    message
}

/// What comes of a message at intake, in a word or two.
async fn outcome(step: &SigningStep, source: &Source, to: &str, header: &str) -> String {
    let outcomes = step.sign(&message(source, to, header)).await;
    let Some(outcome) = outcomes.first() else {
        return "as it came".to_owned();
    };
    let signing = &outcome.record.signing;
    if let Some(quiet) = &outcome.quiet {
        assert_eq!(*signing, Signing::NotNeeded, "{header}");
        assert_eq!(outcome.consequence, Consequence::Send, "{header}");
        return format!("quiet: {}", quiet.would.label());
    }
    match (signing, &outcome.consequence) {
        (Signing::Done(signatures), Consequence::Send) if !signatures.keys.is_empty() => {
            "signed".to_owned()
        }
        (Signing::Done(_) | Signing::NotNeeded, Consequence::Send) => {
            format!("unsigned: {}", outcome.unsigned.unwrap().label())
        }
        (Signing::Refused(_), Consequence::Reject(fault) | Consequence::Report(fault)) => {
            format!("refused: {}", fault.class.label())
        }
        other => panic!("{other:?}"),
    }
}

const OUTSIDE: &str = "client@partner.example";
const INSIDE: &str = "rita@internal.example";
const ACME: &str = "From: a@acme.com";
const SHOP: &str = "From: a@shop.example";
const TWO: &str = "From: a@acme.com\r\nFrom: a@shop.example";

#[tokio::test]
async fn nothing_is_signed_for_a_domain_that_its_client_may_not_use() {
    let step = step(2, false);
    let check = async |source: &Source, to: &str, header: &str, expected: &str| {
        let found = outcome(&step, source, to, header).await;
        assert_eq!(found, expected, "{source:?} {to} {header}");
    };
    let app1 = client(Some("app1"), "192.0.2.1");
    check(&app1, OUTSIDE, ACME, "signed").await;
    check(&app1, OUTSIDE, SHOP, "refused: sender_rule").await;
    check(&app1, OUTSIDE, TWO, "refused: sender_rule").await; // from whom cannot be told
    check(&app1, OUTSIDE, "Subject: x", "refused: sender_rule").await; // from nobody
    let sender = "From: a@acme.com, b@shop.example\r\nSender: b@shop.example";
    check(&app1, OUTSIDE, sender, "refused: sender_rule").await; // the key would be shop.example's
    let named = "From: \"a@acme.com\" <a@shop.example> (a@acme.com)";
    check(&app1, OUTSIDE, named, "refused: sender_rule").await; // a display name is no address
    check(&app1, INSIDE, ACME, "as it came").await;
    check(&app1, INSIDE, SHOP, "refused: sender_rule").await; // whoever the recipients are
    let scanner = client(None, "10.1.2.3");
    check(&scanner, OUTSIDE, ACME, "signed").await;
    check(&scanner, OUTSIDE, SHOP, "unsigned: sender_rule").await;
    check(&scanner, OUTSIDE, TWO, "unsigned: sender_rule").await; // and no failure: nothing was to be signed
    check(&scanner, INSIDE, SHOP, "as it came").await;
    let both = client(Some("app1"), "10.1.2.3");
    check(&both, OUTSIDE, SHOP, "refused: sender_rule").await; // the stricter rule
    let free = client(Some("app2"), "192.0.2.1");
    check(&free, OUTSIDE, SHOP, "signed").await;
    check(&free, OUTSIDE, TWO, "refused: cannot_sign").await; // by the failure policy, as ever
    check(&Source::Ourselves, OUTSIDE, SHOP, "signed").await; // a report
}

#[tokio::test]
async fn rules_hold_without_signing_and_come_to_nothing_in_quiet_mode() {
    let check = async |mode, quiet, source: &Source, header: &str, expected: &str| {
        let found = outcome(&step(mode, quiet), source, OUTSIDE, header).await;
        assert_eq!(found, expected, "{mode} {quiet} {source:?} {header}");
    };
    let app1 = client(Some("app1"), "192.0.2.1");
    let scanner = client(None, "10.1.2.3");
    check(0, false, &app1, ACME, "unsigned: signing_off").await;
    check(0, false, &app1, SHOP, "refused: sender_rule").await;
    check(0, false, &scanner, SHOP, "unsigned: signing_off").await; // it would go unsigned anyway
    check(1, false, &app1, SHOP, "refused: sender_rule").await; // best effort is about keys
    check(1, false, &scanner, SHOP, "unsigned: sender_rule").await;
    check(2, true, &app1, ACME, "quiet: sign").await;
    check(2, true, &app1, SHOP, "quiet: reject").await;
    check(2, true, &scanner, SHOP, "quiet: leave_unsigned").await;
}

/// What is on record of a message that was accepted under other rules, once the queue has asked again.
async fn replayed(source: Source, header: &str, recorded: Signing) -> Signing {
    let free = SigningStep::new(in_force(2, false, "[]"), no_dns(), Clock::system());
    let mut waiting = message(&source, OUTSIDE, header);
    let mut record = free.sign(&waiting).await.remove(0).record;
    assert!(matches!(record.signing, Signing::Done(_)), "it was free");
    if !matches!(recorded, Signing::Done(_)) {
        record.signing = recorded;
    }
    waiting.state.signings.put(record);
    let replayed = step(2, false).replay(&waiting).await;
    let mut signings = replayed.signings.iter();
    signings.next().unwrap().signing.clone()
}

#[tokio::test]
async fn what_waits_is_asked_again_under_the_rules_of_the_day() {
    let check = async |source: &Source, header: &str, expected: &str| {
        let deferred = Signing::Deferred(SigningFault {
            class: FaultClass::StoreAway,
            domain: None,
            key: None,
        });
        // Whether it is signed already or not.
        for recorded in [deferred, Signing::Done(Default::default())] {
            let found = match replayed(source.clone(), header, recorded).await {
                Signing::Done(signatures) if !signatures.keys.is_empty() => "signed".to_owned(),
                Signing::NotNeeded => "unsigned".to_owned(),
                Signing::Refused(fault) => {
                    let status = fault.recipient_fault().status;
                    format!("refused: {} {status}", fault.class.label())
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{source:?} {header}");
        }
    };
    let app1 = client(Some("app1"), "192.0.2.1");
    check(&app1, ACME, "signed").await;
    check(&app1, SHOP, "refused: sender_rule 5.7.1").await;
    check(&client(None, "10.1.2.3"), SHOP, "unsigned").await;
    check(&client(None, "192.0.2.1"), SHOP, "signed").await;
    check(&Source::Ourselves, SHOP, "signed").await;
}
