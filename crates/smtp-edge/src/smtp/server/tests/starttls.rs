//! STARTTLS (RFC 3207): nothing of what was said in clear outlives it, and nothing in clear follows it.

use super::driver::{Stage, converse, tls};
use crate::smtp::server::{Event, Rejection};

#[test]
fn what_was_said_in_clear_is_forgotten() {
    let mut driver = Stage::loopback().driver();
    let auth = "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm";
    converse(
        &mut driver,
        &["EHLO first", auth, "MAIL FROM:<a@example.com>", "STARTTLS"],
    );
    assert_eq!(driver.session.client().tls, Some(tls().facts));
    assert_eq!(driver.session.client().identity, None);
    let replies = converse(&mut driver, &["RCPT TO:<b@example.net>", "MAIL FROM:<>"]);
    assert_eq!(
        replies,
        "503 5.5.1 say MAIL first\r\n503 5.5.1 say EHLO first\r\n"
    );
    let message = [
        "EHLO second",
        "MAIL FROM:<>",
        "RCPT TO:<b@example.net>",
        "DATA",
        ".",
    ];
    converse(&mut driver, &message);
    assert_eq!(&*driver.messages[0].helo, "second");
    assert_eq!(driver.messages[0].client.tls, Some(tls().facts));
}

#[test]
fn octets_behind_starttls_close_the_session_wherever_they_are_cut() {
    let script = b"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<>\r\n";
    let end = b"EHLO x\r\nSTARTTLS\r\n".len();
    for cut in (1..script.len()).filter(|cut| *cut != end) {
        let (first, second) = script.split_at(cut);
        let mut session = Stage::new().driver().session;
        session.handle_input(first);
        session.handle_input(second);
        let events: Vec<Event> = std::iter::from_fn(|| session.poll_event()).collect();
        let refused = matches!(
            events.as_slice(),
            [Event::Rejected {
                why: Rejection::BehindStartTls,
                ..
            }]
        );
        assert!(refused, "cut at {cut}: {events:?}");
        assert!(session.is_closed(), "cut at {cut}");
        let output = String::from_utf8(session.take_output()).unwrap();
        assert!(
            output.ends_with("421 4.7.0 edge.example takes nothing in clear behind STARTTLS\r\n")
        );
        assert!(!output.contains("220 2.0.0"), "cut at {cut}: {output}");
    }
    // Cut at the very end of the command, the rest comes while the handshake is awaited.
    let mut session = Stage::new().driver().session;
    session.handle_input(&script[..end]);
    assert!(matches!(session.poll_event(), Some(Event::StartTls)));
    assert!(!session.is_closed());
    session.handle_input(&script[end..]);
    assert!(session.is_closed());
    session.handle_tls_started(tls());
    assert!(session.is_closed());
}

#[test]
fn a_verdict_brings_no_way_round() {
    let mut session = Stage::new().driver().session;
    let message = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n.\r\n";
    session.handle_input(&[&message[..], b"STARTTLS\r\nNOOP\r\n"].concat());
    let Some(Event::Message(_)) = session.poll_event() else {
        panic!("the message comes first");
    };
    let refused = crate::smtp::replies::storage_unavailable();
    session.handle_verdict(crate::smtp::server::Verdict::Refused(refused));
    assert!(session.is_closed());
}

#[test]
fn starttls_has_its_time() {
    let check = |stage: &Stage, lines: &[&str], expected: &str| {
        let mut driver = stage.driver();
        for line in lines {
            driver.hear(format!("{line}\r\n").as_bytes());
        }
        assert_eq!(driver.take_codes(), expected, "{lines:?}");
    };
    let stage = Stage::new();
    check(&stage, &["STARTTLS"], "220 503");
    check(&stage, &["EHLO x", "STARTTLS x"], "220 250 501");
    check(&stage, &["HELO x", "STARTTLS", "NOOP"], "220 250 220 250");
    check(
        &stage,
        &["EHLO x", "STARTTLS", "EHLO x", "STARTTLS"],
        "220 250 220 250 503",
    );
    let mut without = Stage::new();
    without.settings.starttls = false;
    check(&without, &["EHLO x", "STARTTLS"], "220 250 502");
    let mut implicit = Stage::new();
    implicit.client = implicit.client.with_tls(tls());
    check(
        &implicit,
        &["EHLO x", "STARTTLS", "AUTH LOGIN"],
        "220 250 503 334",
    );
}

#[test]
fn tls_wins_no_second_chances() {
    let mut driver = Stage::new().driver();
    let before = ["EHLO x", "X", "X", "X", "STARTTLS", "EHLO x", "X", "X"];
    let replies = converse(&mut driver, &before);
    assert!(
        replies.ends_with("421 4.7.0 edge.example saw too many unknown commands\r\n"),
        "{replies}"
    );
}
