//! AUTH (RFC 4954) within a session: when it is obeyed, what each ending is told, and what it opens.

use super::driver::{Stage, check, converse};
use crate::smtp::sasl::{Fault, Mechanism};
use crate::smtp::server::{Limit, Rejection};

/// `NUL tim NUL tanstaaftanstaaf`
const TIM: &str = "AHRpbQB0YW5zdGFhZnRhbnN0YWFm";
/// `NUL tim NUL wrong`
const WRONG: &str = "AHRpbQB3cm9uZw==";
/// `NUL away NUL x`: the users cannot be looked up.
const AWAY: &str = "AGF3YXkAeA==";

fn check_loopback(script: &str, expected: &str) -> Vec<Rejection> {
    let driver = check(&Stage::loopback(), script, expected);
    let named = driver.session.client().identity.is_some();
    assert_eq!(named, expected.contains("235"), "{script}");
    driver.rejections
}

#[test]
fn each_mechanism_leads_to_235() {
    let check =
        |script: &str, expected: &str| drop(check_loopback(&format!("EHLO x\n{script}"), expected));
    check(&format!("AUTH PLAIN {TIM}\nNOOP\n"), "220 250 235 250");
    check(&format!("auth plain\n{TIM}\n"), "220 250 334 235");
    check(
        "AUTH LOGIN\ndGlt\ndGFuc3RhYWZ0YW5zdGFhZg==\n",
        "220 250 334 334 235",
    );
    check(
        "AUTH LOGIN dGlt\ndGFuc3RhYWZ0YW5zdGFhZg==\n",
        "220 250 334 235",
    );
    let first = "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8="; // RFC 7677 §3
    let last = "Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8laHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAs\
                cD1kSHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3FtbWl6N0FuZFZRPQ==";
    check(
        &format!("AUTH SCRAM-SHA-256 {first}\n{last}\n\nNOOP\n"),
        "220 250 334 334 235 250",
    );
    check(
        &format!("AUTH SCRAM-SHA-256\n{first}\n{last}\n\n"),
        "220 250 334 334 334 235",
    );
}

#[test]
fn challenges_are_those_of_the_standards() {
    let mut driver = Stage::loopback().driver();
    driver.hear(b"EHLO x\r\n");
    let login = converse(&mut driver, &["AUTH LOGIN", "dGlt", "*"]);
    assert_eq!(
        login,
        "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n501 5.7.0 authentication cancelled\r\n"
    );
    let first = "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=";
    let scram = converse(&mut driver, &[first]);
    let server_first = "cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlphSjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=";
    assert_eq!(scram, format!("334 {server_first}\r\n"));
    assert_eq!(
        converse(&mut driver, &["*", "AUTH PLAIN"]).lines().last(),
        Some("334 ")
    );
}

#[test]
fn each_failure_has_its_reply_and_leaves_the_session_ready() {
    let check = |script: &str, code: &str| {
        let script = format!("EHLO x\n{script}NOOP\n");
        check_loopback(&script, &format!("220 250 {code} 250"))
    };
    let rejections = check(&format!("AUTH PLAIN {WRONG}\n"), "535");
    let [
        Rejection::Authentication {
            mechanism,
            name,
            why,
        },
    ] = rejections.as_slice()
    else {
        panic!("{rejections:?}");
    };
    assert_eq!((*mechanism, *why), (Mechanism::Plain, Fault::Wrong));
    assert_eq!(name.as_ref().map(|name| name.as_str()), Some("tim"));
    let unknown = "AUTH LOGIN bm9ib2R5\ndGFuc3RhYWZ0YW5zdGFhZg==\n"; // nobody has that name
    check(unknown, "334 535");
    check(&format!("AUTH PLAIN {AWAY}\n"), "454");
    check("AUTH SCRAM-SHA-256 biwsbj1hd2F5LHI9YWJj\n", "454"); // n,,n=away,r=abc
    check("AUTH PLAIN =\n", "501"); // an empty response
    check("AUTH PLAIN !\n", "501");
    check("AUTH PLAIN\nAHRpbQB\n", "334 501"); // without its padding
    check("AUTH PLAIN\n*\n", "334 501");
    check("AUTH LOGIN\n*\n", "334 501");
    check("AUTH LOGIN dGlt\n\n", "334 501"); // no password
    check("AUTH CRAM-MD5\n", "504");
    check("AUTH SCRAM-SHA-256-PLUS\n", "504");
    check(
        "AUTH SCRAM-SHA-256 cD10bHMtZXhwb3J0ZXIsLG49dXNlcixyPWFiYw==\n",
        "535",
    ); // a channel binding
    check("AUTH\n", "501");
    check("AUTH PLAIN a b\n", "501");
}

#[test]
fn auth_has_its_time() {
    let check = |script: String, expected: &str| drop(check_loopback(&script, expected));
    check(format!("AUTH PLAIN {TIM}\n"), "220 503"); // before EHLO
    check(format!("HELO x\nAUTH PLAIN {TIM}\n"), "220 250 503");
    check(
        format!("EHLO x\nMAIL FROM:<>\nAUTH PLAIN {TIM}\n"),
        "220 250 250 503",
    );
    check(
        format!("EHLO x\nAUTH PLAIN {TIM}\nAUTH PLAIN {TIM}\n"),
        "220 250 235 503",
    );
}

#[test]
fn a_password_is_not_asked_for_in_clear() {
    let stage = Stage::new();
    let driver = check(
        &stage,
        &format!("EHLO x\nAUTH PLAIN {TIM}\nAUTH LOGIN\n"),
        "220 250 538 538",
    );
    assert!(matches!(
        driver.rejections.as_slice(),
        [Rejection::AuthInClear, Rejection::AuthInClear]
    ));
    let mut tls = stage.driver();
    let auth = format!("AUTH PLAIN {TIM}");
    converse(&mut tls, &["EHLO x", "STARTTLS", "EHLO x", &auth]);
    assert!(tls.session.client().identity.is_some());
}

#[test]
fn a_user_may_relay() {
    let mut stage = Stage::loopback();
    stage.relays = false;
    let rcpt = "MAIL FROM:<>\nRCPT TO:<a@example.com>\n";
    let script = format!("EHLO x\n{rcpt}RSET\nAUTH PLAIN {TIM}\n{rcpt}");
    check(&stage, &script, "220 250 250 550 250 235 250 250");
    let script = format!("EHLO x\nAUTH PLAIN {WRONG}\n{rcpt}");
    check(&stage, &script, "220 250 535 250 550");
}

#[test]
fn guessing_ends_the_session() {
    let guess = format!("AUTH PLAIN {WRONG}\n");
    let script = format!("EHLO x\n{guess}{guess}{guess}NOOP\n");
    let rejections = check_loopback(&script, "220 250 535 535 535 421");
    assert!(matches!(
        rejections.last(),
        Some(Rejection::Limit(Limit::AuthFailures))
    ));
    let away = format!("AUTH PLAIN {AWAY}\n").repeat(3); // nobody guesses here
    check_loopback(&format!("EHLO x\n{away}NOOP\n"), "220 250 454 454 454 250");
}

#[test]
fn responses_have_a_length_of_their_own() {
    let long = |length: usize| "A".repeat(length);
    let check = |line: String, codes: &str| {
        let mut driver = Stage::loopback().driver();
        driver.hear(format!("EHLO x\r\nAUTH PLAIN\r\n{line}\r\nNOOP\r\n").as_bytes());
        assert_eq!(driver.take_codes(), format!("220 250 334 {codes} 250"));
    };
    check(long(12_284), "501"); // read, and no response of PLAIN
    check(long(12_288), "500");
    let mut driver = Stage::loopback().driver();
    driver.hear(format!("EHLO x\r\nAUTH PLAIN {}\r\nNOOP\r\n", long(8000)).as_bytes());
    assert_eq!(driver.take_codes(), "220 250 501 250");
}

#[test]
fn passwords_are_shown_nowhere() {
    for script in [
        format!("EHLO x\r\nAUTH PLAIN {TIM}"),
        format!("EHLO x\r\nAUTH PLAIN {TIM}\r\n"),
        format!("EHLO x\r\nAUTH PLAIN {WRONG}\r\n"),
        "EHLO x\r\nAUTH LOGIN dGlt\r\ndGFuc3RhYWZ0".to_owned(),
    ] {
        let mut session = Stage::loopback().driver().session;
        session.handle_input(script.as_bytes());
        let mut shown = format!("{session:?}");
        while let Some(event) = session.poll_event() {
            shown.push_str(&format!("{event:?}"));
        }
        for secret in ["tanstaaf", "wrong", "dGFuc3Rh", TIM, WRONG] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
