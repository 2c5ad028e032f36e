//! Changes of messages that dkim-core signed, each with what it does to the signature; dkim-core's verifier is asked as well.

use dkim_core::{Canonicalization, Limits, SignatureParams, SigningKey, sign, verify};

use super::*;

const MESSAGE: &str = "To: b@example.org\r\nSubject: Lunch\r\nFrom: a@example.com\r\n\r\nAt  noon?\r\nBring\t bread.\r\n\r\nJo\r\n";

fn key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[9; 32]).unwrap()
}

fn signed(canonicalization: Canonicalization) -> String {
    let params = SignatureParams::new("example.com".parse().unwrap(), "sel".parse().unwrap())
        .canonicalization(canonicalization, canonicalization);
    let field = sign(MESSAGE.as_bytes(), &[(params, key())])
        .unwrap()
        .remove(0)
        .text;
    String::from_utf8(field).unwrap() + MESSAGE
}

fn parts(message: &str) -> (HeaderBlock<'_>, &[u8]) {
    let (header, start) = HeaderBlock::parse(message.as_bytes()).unwrap();
    (header, &message.as_bytes()[start..])
}

fn compare(sent: &str, received: &str) -> Comparison {
    let (sent, received) = (parts(sent), parts(received));
    let coverage = Coverage::read(sent.0.named("DKIM-Signature").next().unwrap()).unwrap();
    let of = |(header, body)| Parts { header, body };
    Comparison::new(
        &coverage,
        of((&sent.0, sent.1)),
        Parts {
            header: &received.0,
            body: received.1,
        },
    )
}

/// What a change is called: `Subject changed`, `2..3 -> 2..3`, `forgiven 1`.
fn shown(comparison: &Comparison) -> String {
    let mut shown = Vec::new();
    if comparison.signature != SignatureField::Kept {
        shown.push(format!("signature {:?}", comparison.signature));
    }
    for field in &comparison.fields {
        shown.push(format!("{} {:?}", field.name, field.change));
    }
    for line in &comparison.lines {
        shown.push(format!("{:?} -> {:?}", line.sent, line.received));
    }
    for line in &comparison.forgiven_lines {
        shown.push(format!("forgiven {line}"));
    }
    shown.join(", ")
}

#[track_caller]
fn check(canonicalization: Canonicalization, from: &str, to: &str, expected: &str) {
    let sent = signed(canonicalization);
    let received = sent.replacen(from, to, 1);
    assert!(from == to || sent != received, "{from} is in the message");
    let comparison = compare(&sent, &received);
    assert_eq!(shown(&comparison), expected, "{from} to {to}");
    // The verifier must come to the same verdict.
    let lookup = |_: &_| Ok(vec![key().record().to_value()]);
    let verified = verify(received.as_bytes(), lookup, 0, &Limits::default());
    let passes = verified
        .first()
        .is_some_and(|verification| verification.result.is_pass());
    assert_eq!(comparison.survives(), passes, "{from} to {to}");
}

#[test]
fn what_relaxed_forgives_and_what_breaks_it() {
    let check = |from, to, expected| check(Canonicalization::Relaxed, from, to, expected);
    check("To:", "To:", "");
    check("Subject: Lunch", "SUBJECT:\r\n  Lunch ", "Subject Forgiven");
    check("Subject: Lunch", "Subject: [list] Lunch", "Subject Changed");
    check("Subject: Lunch\r\n", "", "Subject Missing");
    check(
        "To: b@example.org\r\n",
        "To: b@example.org\r\nCc: c@example.org\r\n",
        "Cc Added",
    );
    // A field that is not signed, above and below.
    check("To: b", "Received: x\r\nTo: b", "");
    // Of two the last is the one that was signed.
    check(
        "Subject: Lunch",
        "Subject: Other\r\nSubject: Lunch",
        "Subject Added",
    );
    check("At  noon?", "At noon? ", "forgiven 1");
    check("Jo\r\n", "Jo\r\n\r\n \r\n", "forgiven 5");
    check("At  noon?", "At one?", "1..2 -> 1..2");
    check("Bring\t bread.\r\n", "", "2..3 -> 2..2");
    check("Jo\r\n", "Jo\r\n--\r\nlist\r\n", "5..5 -> 5..7");
    check("\r\n\r\nJo", "\r\nJo", "3..4 -> 3..3");
}

#[test]
fn what_breaks_simple() {
    let check = |from, to, expected| check(Canonicalization::Simple, from, to, expected);
    check("Subject: Lunch", "Subject:  Lunch", "Subject Changed");
    check("At  noon?", "At noon?", "1..2 -> 1..2");
    check("Jo\r\n", "Jo\r\n\r\n", "forgiven 5");
}

#[test]
fn the_signature_itself_may_suffer() {
    let check = |from, to, expected| check(Canonicalization::Relaxed, from, to, expected);
    check("d=example.com;", "d=example.com; ", "");
    check("v=1;", "v=1; x=1;", "signature Altered");
    check("s=sel;", "s=other;", "signature Missing");
    let sent = signed(Canonicalization::Relaxed);
    let comparison = compare(&sent, MESSAGE);
    assert_eq!(shown(&comparison), "signature Missing");
    assert!(!comparison.survives());
}

#[test]
fn behind_the_length_nothing_is_covered() {
    let sent = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=e.com; s=s; h=From; l=5; bh=AAAA; b=AAAA\r\nFrom: a@e.com\r\n\r\none\r\ntwo\r\n";
    let longer = compare(sent, &sent.replace("two", "three"));
    assert!(longer.survives() && longer.changed_behind_length);
    let changed = compare(sent, &sent.replace("one", "One"));
    assert_eq!(shown(&changed), "1..2 -> 1..2");
    let shorter = compare(sent, &sent.replace("one\r\ntwo\r\n", "on\r\n"));
    assert!(!shorter.survives());
}

#[test]
fn nothing_that_a_terminal_obeys_is_shown() {
    assert_eq!(printable(b"a\x1b[31m\tb\r\n"), "a\\u{1b}[31m\\tb");
}
