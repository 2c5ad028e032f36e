//! The step under each mode, with each kind of key, for each kind of From.

use std::collections::HashMap;
use std::path::Path;

use common_config::notes_ini::NotesIni;
use dkim_core::SigningKey;
use router_config::{RouterSettings, SigningSettings};

use super::*;
use crate::envelope::Source;
use crate::signing::keyring::KeyFault;
use crate::signing::profiles::ReadyProfiles;
use crate::signing::step::hash_body;

const NOTES: &str = "DKIM_KEY_renovations.com=12345\n\
                     DKIM_KEY_two.example=a,b\n\
                     DKIM_KEY_missing.example=s\n\
                     DKIM_KEY_half.example=good,away\n\
                     DKIM_KEY_alias.example=renovations.com;12345\n";

fn router(mode: u8) -> RouterConfig {
    let notes = format!("{NOTES}RouterDKIMSigning={mode}\n");
    let notes = NotesIni::parse(Path::new("notes.ini"), notes.as_bytes()).unwrap();
    let settings: RouterSettings = serde_json::from_str(
        r#"{"internal_domains": ["internal.example"], "internal_next_hop": "127.0.0.1:25",
            "postmaster": "postmaster@internal.example"}"#,
    )
    .unwrap();
    RouterConfig::load(&settings, &SigningSettings::default(), notes.entries()).unwrap()
}

fn keyring() -> Keyring {
    let key = || Ok(SigningKey::generate_ed25519().unwrap().into());
    let fault = |class| {
        Err(KeyFault {
            class,
            why: "said by the test".into(),
        })
    };
    let keys: HashMap<KeyName, _> = [
        ("12345._domainkey.renovations.com", key()),
        ("a._domainkey.two.example", key()),
        ("b._domainkey.two.example", key()),
        (
            "s._domainkey.missing.example",
            fault(FaultClass::KeyMissing),
        ),
        ("good._domainkey.half.example", key()),
        ("away._domainkey.half.example", fault(FaultClass::StoreAway)),
    ]
    .into_iter()
    .map(|(name, key)| (name.parse().unwrap(), key))
    .collect();
    Keyring::of(keys)
}

/// One word for what came of it: the keys that signed, or the fault.
fn outcome(mode: u8, header: &str) -> String {
    let text = format!("{header}\r\n\r\n");
    let (header, _) = HeaderBlock::parse(text.as_bytes()).unwrap();
    let router = router(mode);
    let profiles = ReadyProfiles::new(router.signing_policy()).unwrap();
    let profile = profiles.get(&ProfileName::default()).unwrap();
    let (keyring, body) = (keyring(), hash_body(b"body\r\n"));
    let plan = Plan::new(&router, &Source::Ourselves, Ok(&header));
    let terms = plan.terms(&router, profile);
    let attempt = sign(&plan, terms, &keyring, profile, &body, 1_800_000_000);
    match attempt.conclude(&router).record.signing {
        Signing::NotNeeded => "unsigned".to_owned(),
        Signing::Done(Signatures { header, keys, .. }) => {
            let signatures = String::from_utf8(header)
                .unwrap()
                .matches("DKIM-Signature:")
                .count();
            assert_eq!(signatures, keys.len());
            let keys: Vec<String> = keys.iter().map(|used| used.name.to_string()).collect();
            format!("signed [{}]", keys.join(" "))
        }
        Signing::Deferred(fault) => format!("deferred {}", fault.class.label()),
        Signing::Refused(fault) => format!("refused {}", fault.class.label()),
    }
}

#[test]
fn each_mode_does_with_each_message_what_the_manual_says() {
    let check = |header: &str, off: &str, best_effort: &str, enforce: &str| {
        assert_eq!(outcome(0, header), off, "off, {header}");
        assert_eq!(outcome(1, header), best_effort, "best effort, {header}");
        assert_eq!(outcome(2, header), enforce, "enforce, {header}");
    };
    let primary = "signed [12345._domainkey.renovations.com]";
    check("From: a@renovations.com", "unsigned", primary, primary);
    check("From: a@sub.renovations.com", "unsigned", primary, primary);
    check("From: a@alias.example", "unsigned", primary, primary);
    check(
        "From: \"x@two.example\" <a@renovations.com> (c@two.example)",
        "unsigned",
        primary,
        primary,
    );
    check(
        "From: a@renovations.com, b@two.example\r\nSender: a@renovations.com",
        "unsigned",
        primary,
        primary,
    );
    check("From: a@other.example", "unsigned", "unsigned", "unsigned"); // no entry
    let both = "signed [a._domainkey.two.example b._domainkey.two.example]";
    check("From: a@two.example", "unsigned", both, both);
    check(
        "From: a@missing.example",
        "unsigned",
        "signed []",
        "refused key_missing",
    );
    check(
        "From: a@half.example",
        "unsigned",
        "signed [good._domainkey.half.example]",
        "deferred store_away",
    );
    check("Subject: x", "unsigned", "signed []", "refused cannot_sign"); // no From
    check(
        "From: a@renovations.com\r\nFrom: b@two.example",
        "unsigned",
        "signed []",
        "refused cannot_sign",
    );
    check(
        "From: a@renovations.com, b@two.example",
        "unsigned",
        "signed []",
        "refused cannot_sign",
    );
}
