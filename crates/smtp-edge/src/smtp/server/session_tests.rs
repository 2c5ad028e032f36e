//! The session against scripts of commands, cut at every octet, and against random command sequences.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::{Received, Verdict};
use super::*;

fn settings() -> Arc<SessionSettings> {
    Arc::new(SessionSettings {
        hostname: "edge.example".into(),
        limits: Limits {
            message_size: 1000,
            recipients: 3,
            messages: 10,
            line_length: 512,
            errors: 5,
            idle_commands: 10,
            unrecognized: 5,
            auth_failures: 3,
            discarded: 5000,
        },
        postmaster: "pm@internal.example".parse().unwrap(),
        starttls: false,
        auth: false,
        xclient_from: Arc::new([]),
    })
}

/// Whether the client may relay, whoever it is.
struct Always(bool);

impl Policy for Always {
    fn may_relay(&self, _: &Client) -> bool {
        self.0
    }

    fn may_begin(&self, _: &Client) -> bool {
        true
    }
}

fn session(settings: Arc<SessionSettings>, may_relay: bool) -> Session {
    let client = Client::direct("192.0.2.1".parse().unwrap());
    Session::new(settings, client, Arc::new(Always(may_relay)))
}

/// Feeds `input` in the given pieces, refusing every message with 451 so that no spool is needed. Returns the first
/// word of each reply line and the messages.
fn run(may_relay: bool, pieces: &[&[u8]]) -> (Vec<String>, Vec<Received>) {
    let mut session = session(settings(), may_relay);
    let mut messages = Vec::new();
    let mut output = session.take_output();
    for piece in pieces {
        session.handle_input(piece);
        while let Some(event) = session.poll_event() {
            if let Event::Message(message) = event {
                messages.push(*message);
                session.handle_verdict(Verdict::Refused(replies::storage_unavailable()));
            }
        }
        output.extend(session.take_output());
    }
    let text = String::from_utf8(output).unwrap();
    assert!(text.is_empty() || text.ends_with("\r\n"));
    let codes = text
        .lines()
        .filter(|line| line.as_bytes()[3] == b' ')
        .map(|line| line[..3].to_owned());
    (codes.collect(), messages)
}

fn check(may_relay: bool, script: &str, expected: &str) -> Vec<Received> {
    let script = script.replace('\n', "\r\n").into_bytes();
    let (codes, messages) = run(may_relay, &[&script]);
    assert_eq!(codes.join(" "), expected);
    for split in 0..script.len() {
        let (first, second) = script.split_at(split);
        let (codes, _) = run(may_relay, &[first, second]);
        assert_eq!(codes.join(" "), expected, "cut at {split}");
    }
    messages
}

#[test]
fn a_message_is_handed_over_with_its_envelope() {
    let script = "EHLO client.example\nMAIL FROM:<a@example.com>\nRCPT TO:<b@example.net>\nRCPT TO:<c@example.net>\n\
                  RCPT TO:<b@example.net>\nDATA\nSubject: x\n\n..dot\n.\nQUIT\n";
    let messages = check(true, script, "220 250 250 250 250 250 354 452 221");
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(message.reverse_path.to_string(), "<a@example.com>");
    assert_eq!(message.recipients.len(), 2); // the third was the first again
    assert_eq!(message.content, b"Subject: x\r\n\r\n.dot\r\n");
    assert!(message.extended);
}

#[test]
fn commands_out_of_order_are_refused() {
    check(true, "MAIL FROM:<>\n", "220 503");
    check(true, "HELO x\nRCPT TO:<a@example.com>\n", "220 250 503");
    check(true, "HELO x\nMAIL FROM:<>\nDATA\n", "220 250 250 503");
    check(
        true,
        "HELO x\nMAIL FROM:<>\nMAIL FROM:<>\n",
        "220 250 250 503",
    );
    check(
        true,
        "HELO x\nMAIL FROM:<>\nRSET\nRCPT TO:<a@example.com>\n",
        "220 250 250 250 503",
    );
    check(
        true,
        "HELO x\nMAIL FROM:<>\nEHLO x\nRCPT TO:<a@example.com>\n",
        "220 250 250 250 503",
    );
    check(
        true,
        "NOOP\nVRFY a\nHELP\nRSET\nQUIT\nNOOP\n",
        "220 250 252 214 250 221",
    );
}

#[test]
fn only_listed_networks_relay_but_everybody_reaches_the_postmaster() {
    check(
        false,
        "HELO x\nMAIL FROM:<>\nRCPT TO:<a@example.com>\n",
        "220 250 250 550",
    );
    check(
        false,
        "HELO x\nMAIL FROM:<>\nRCPT TO:<postmaster>\n",
        "220 250 250 250",
    );
    check(
        false,
        "HELO x\nMAIL FROM:<>\nRCPT TO:<PM@Internal.example>\n",
        "220 250 250 250",
    );
}

#[test]
fn limits_are_kept() {
    let rcpt = |n: u32| format!("RCPT TO:<user{n}@example.com>\n");
    let script = format!(
        "HELO x\nMAIL FROM:<>\n{}{}{}{}",
        rcpt(1),
        rcpt(2),
        rcpt(3),
        rcpt(4)
    );
    check(true, &script, "220 250 250 250 250 250 452");
    check(true, "X\nX\nX\nX\nX\nNOOP\n", "220 500 500 500 500 500 421");
    check(true, "EHLO x\nMAIL FROM:<> SIZE=1001\n", "220 250 552");
    let long = "y".repeat(1200);
    let script = format!("HELO x\nMAIL FROM:<>\nRCPT TO:<a@example.com>\nDATA\n{long}\n.\nNOOP\n");
    let script = script.replace('\n', "\r\n");
    let (codes, messages) = run(true, &[script.as_bytes()]);
    assert_eq!(codes.join(" "), "220 250 250 250 354 552 250");
    assert!(messages.is_empty());
}

#[test]
fn another_protocol_closes_the_session() {
    check(true, "GET / HTTP/1.1\nHost: x\n\n", "220 521");
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Reference {
    Hello,
    Mail,
    Rcpt,
    Data,
}

proptest! {
    /// A reference of four states says which commands succeed; the session must agree on every sequence.
    #[test]
    fn random_sequences_agree_with_the_reference(choices in proptest::collection::vec(0_u8..7, 0..12)) {
        let mut unlimited = (*settings()).clone();
        unlimited.limits.errors = u32::MAX;
        let mut session = session(Arc::new(unlimited), true);
        session.take_output();
        let mut state = Reference::Hello;
        for choice in choices {
            let (line, next): (&[u8], Option<Reference>) = match choice {
                0 => (b"EHLO x\r\n", Some(Reference::Mail)),
                1 => (b"MAIL FROM:<a@example.com>\r\n", (state == Reference::Mail).then_some(Reference::Rcpt)),
                2 => (
                    b"RCPT TO:<b@example.com>\r\n",
                    matches!(state, Reference::Rcpt | Reference::Data).then_some(Reference::Data),
                ),
                3 => (b"DATA\r\n", (state == Reference::Data).then_some(Reference::Mail)),
                4 => (b"RSET\r\n", Some(if state == Reference::Hello { state } else { Reference::Mail })),
                5 => (b"NOOP\r\n", Some(state)),
                _ => (b"EXPN x\r\n", None),
            };
            session.handle_input(line);
            let output = session.take_output();
            prop_assert_eq!(output[0] < b'4', next.is_some(), "{:?} in {:?}", String::from_utf8_lossy(line), state);
            if matches!(session.state, State::AwaitingData(..)) {
                session.handle_input(b"text\r\n.\r\n");
                while let Some(event) = session.poll_event() {
                    prop_assert!(matches!(event, Event::Message(_)));
                    session.handle_verdict(Verdict::Refused(replies::storage_unavailable()));
                }
                session.take_output();
            }
            while session.poll_event().is_some() {}
            state = next.unwrap_or(state);
        }
    }
}
