//! The step under rules for senders: each source with each From, at intake and later.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use common_config::notes_ini::NotesIni;
use dkim_core::SigningKey;
use router_config::{Client, RouterSettings, SigningSettings};

use super::*;
use crate::clock::Clock;
use crate::intake::normalize::{Normalized, normalize};
use crate::signing::keyring::{KeySource, Keyring};
use crate::signing::policy::Consequence;
use crate::signing::replay::Replay;
use crate::signing::state::Signing;
use crate::signing::step::{InForce, SigningStep};
use crate::smtp::data::DataNotes;
use crate::spool::message::{Message, MessageState};
use crate::spool::sample;

/// app1 may sign for acme.com; the scanners at 10.1.0.0/16 too, and go unsigned otherwise.
fn router(mode: u8, quiet: bool) -> RouterConfig {
    let settings: RouterSettings = serde_json::from_str(
        r#"{"internal_domains": ["internal.example"], "internal_next_hop": "127.0.0.1:25",
            "postmaster": "postmaster@internal.example",
            "senders": [{"identities": ["app1"], "domains": ["acme.com"]},
                        {"networks": ["10.1.0.0/16"], "domains": ["acme.com"], "otherwise": "unsigned"}]}"#,
    )
    .unwrap();
    let notes = format!("RouterDKIMSigning={mode}\nDKIM_KEY_acme.com=s\nDKIM_KEY_shop.example=s\n");
    let notes = NotesIni::parse(Path::new("notes.ini"), notes.as_bytes()).unwrap();
    let signing = SigningSettings {
        quiet,
        ..SigningSettings::default()
    };
    RouterConfig::load(&settings, &signing, notes.entries()).unwrap()
}

fn step(router: RouterConfig) -> SigningStep {
    let keys: HashMap<_, _> = ["acme.com", "shop.example"]
        .map(|domain| {
            let name = format!("s._domainkey.{domain}").parse().unwrap();
            (name, Ok(SigningKey::generate_ed25519().unwrap()))
        })
        .into();
    let in_force = InForce {
        source: KeySource {
            store: "nowhere".into(),
            neks: credstore::NekDir::new("nowhere".into()),
            rsa_minimum_bits: router.rsa_minimum_bits(),
        },
        postmaster: router.postmaster().parse().unwrap(),
        router: Arc::new(router),
        keyring: Keyring::of(keys),
        expire_after: None,
    };
    SigningStep::new(in_force, Clock::system())
}

fn client(identity: Option<&str>, address: &str) -> Source {
    let client = Client {
        identity: identity.map(|name| name.parse().unwrap()),
        ..Client::at(address.parse().unwrap())
    };
    let helo = "client.example".into();
    Source::Client { client, helo }
}

fn message(header: &str) -> Normalized {
    let content = format!("{header}\r\n\r\nbody\r\n").into_bytes();
    normalize(content, DataNotes::default()).unwrap()
}

/// What comes of a message at intake, in a word or two.
fn outcome(step: &SigningStep, source: &Source, to: &str, header: &str) -> String {
    let recipients = [to.parse().unwrap()];
    let outcome = step.sign(&step.in_force(), source, &recipients, b"", &message(header));
    if let Some(quiet) = &outcome.quiet {
        assert_eq!(outcome.signing, Signing::NotNeeded, "{header}");
        assert_eq!(outcome.consequence, Consequence::Send, "{header}");
        return format!("quiet: {}", quiet.would.label());
    }
    match (&outcome.signing, &outcome.consequence) {
        (Signing::Done { keys, .. }, Consequence::Send) if !keys.is_empty() => "signed".to_owned(),
        (Signing::Done { .. } | Signing::NotNeeded, Consequence::Send) => match outcome.unsigned {
            Some(why) => format!("unsigned: {}", why.label()),
            None => "as it came".to_owned(),
        },
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

#[test]
fn nothing_is_signed_for_a_domain_that_its_client_may_not_use() {
    let step = step(router(2, false));
    let check = |source: &Source, to: &str, header: &str, expected: &str| {
        let found = outcome(&step, source, to, header);
        assert_eq!(found, expected, "{source:?} {to} {header}");
    };
    let app1 = client(Some("app1"), "192.0.2.1");
    check(&app1, OUTSIDE, ACME, "signed");
    check(&app1, OUTSIDE, SHOP, "refused: sender_rule");
    check(&app1, OUTSIDE, TWO, "refused: sender_rule"); // from whom cannot be told
    check(&app1, OUTSIDE, "Subject: x", "refused: sender_rule"); // from nobody
    let sender = "From: a@acme.com, b@shop.example\r\nSender: b@shop.example";
    check(&app1, OUTSIDE, sender, "refused: sender_rule"); // the key would be shop.example's
    let named = "From: \"a@acme.com\" <a@shop.example> (a@acme.com)";
    check(&app1, OUTSIDE, named, "refused: sender_rule"); // a display name is no address
    check(&app1, INSIDE, ACME, "as it came");
    check(&app1, INSIDE, SHOP, "refused: sender_rule"); // whoever the recipients are
    let scanner = client(None, "10.1.2.3");
    check(&scanner, OUTSIDE, ACME, "signed");
    check(&scanner, OUTSIDE, SHOP, "unsigned: sender_rule");
    check(&scanner, OUTSIDE, TWO, "unsigned: sender_rule"); // and no failure: nothing was to be signed
    check(&scanner, INSIDE, SHOP, "as it came");
    let both = client(Some("app1"), "10.1.2.3");
    check(&both, OUTSIDE, SHOP, "refused: sender_rule"); // the stricter rule
    let free = client(Some("app2"), "192.0.2.1");
    check(&free, OUTSIDE, SHOP, "signed");
    check(&free, OUTSIDE, TWO, "refused: cannot_sign"); // by the failure policy, as ever
    check(&Source::Ourselves, OUTSIDE, SHOP, "signed"); // a report
}

#[test]
fn rules_hold_without_signing_and_come_to_nothing_in_quiet_mode() {
    let check = |mode, quiet, source: &Source, header: &str, expected: &str| {
        let found = outcome(&step(router(mode, quiet)), source, OUTSIDE, header);
        assert_eq!(found, expected, "{mode} {quiet} {source:?} {header}");
    };
    let app1 = client(Some("app1"), "192.0.2.1");
    let scanner = client(None, "10.1.2.3");
    check(0, false, &app1, ACME, "unsigned: signing_off");
    check(0, false, &app1, SHOP, "refused: sender_rule");
    check(0, false, &scanner, SHOP, "unsigned: signing_off"); // it would go unsigned anyway
    check(1, false, &app1, SHOP, "refused: sender_rule"); // best effort is about keys
    check(1, false, &scanner, SHOP, "unsigned: sender_rule");
    check(2, true, &app1, ACME, "quiet: sign");
    check(2, true, &app1, SHOP, "quiet: reject");
    check(2, true, &scanner, SHOP, "quiet: leave_unsigned");
}

#[tokio::test]
async fn what_waited_to_be_signed_is_asked_again() {
    let check = async |source: Source, header: &str, expected: fn(&Signing) -> bool| {
        let mut waiting: Message = sample::message(1);
        waiting.envelope.source = source;
        waiting.envelope.recipients = vec![OUTSIDE.parse().unwrap()];
        waiting.content = format!("{header}\r\n\r\nbody\r\n").into_bytes();
        waiting.state = MessageState {
            signing: Signing::Deferred(SigningFault {
                class: FaultClass::StoreAway,
                domain: None,
                key: None,
            }),
            ..sample::fresh(1)
        };
        let signing = step(router(2, false)).replay(&waiting).await;
        assert!(expected(&signing), "{header}: {signing:?}");
    };
    let signed =
        |signing: &Signing| matches!(signing, Signing::Done { keys, .. } if keys.len() == 1);
    let refused = |signing: &Signing| {
        matches!(signing, Signing::Refused(fault) if fault.class == FaultClass::SenderRule
            && fault.recipient_fault().status.as_ref() == "5.7.1")
    };
    let unsigned = |signing: &Signing| *signing == Signing::NotNeeded;
    check(client(Some("app1"), "192.0.2.1"), ACME, signed).await;
    check(client(Some("app1"), "192.0.2.1"), SHOP, refused).await;
    check(client(None, "10.1.2.3"), SHOP, unsigned).await;
    check(Source::Ourselves, SHOP, signed).await;
}
