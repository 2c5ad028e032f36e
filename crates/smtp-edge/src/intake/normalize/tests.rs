//! Normal form, row by row. Whole messages that are re-encoded are in `testdata/normalize/`.

use super::*;
use crate::intake::form::{DuplicateFields, Missing, SecondFrom};

fn with(form: &MessageSettings, content: &str) -> Result<Normalized, Malformed> {
    let rules = Rules {
        form,
        max_fields: 5,
        sender: &ReversePath::Mailbox("rita@renovations.com".parse().unwrap()),
    };
    let notes = DataNotes::of(content.as_bytes());
    normalize(content.as_bytes().to_vec(), notes, &rules)
}

fn check(content: &str, expected: &str) {
    check_with(&MessageSettings::default(), content, expected);
}

fn check_with(form: &MessageSettings, content: &str, expected: &str) {
    let normalized = with(form, content).unwrap();
    assert_eq!(String::from_utf8_lossy(&normalized.content), expected);
    let (header, body) = (normalized.header(), normalized.body());
    assert_eq!(
        [header, b"\r\n", body].concat(),
        normalized.content,
        "header, empty line and body are the whole"
    );
}

#[test]
fn a_well_formed_message_stays_as_it_is() {
    check("A: b\r\n\r\nbody\r\n", "A: b\r\n\r\nbody\r\n");
    check("A: b\r\n c\r\nD: e\r\n\r\n", "A: b\r\n c\r\nD: e\r\n\r\n");
    check("A: b\r\n\r\n\r\nA: x\r\n", "A: b\r\n\r\n\r\nA: x\r\n");
    check("\r\nbody\r\n", "\r\nbody\r\n"); // no header at all
}

#[test]
fn line_ends_become_crlf() {
    check("A: b\nC: d\n\nbody\n", "A: b\r\nC: d\r\n\r\nbody\r\n");
    check("A: b\r\n\r\none\rtwo\r\n", "A: b\r\n\r\none two\r\n");
    check("A: b\r\n\r\none\r\r\n", "A: b\r\n\r\none \r\n");
}

#[test]
fn what_is_no_header_becomes_the_body() {
    check("hello\r\n", "\r\nhello\r\n");
    check(
        "A: b\r\nhello\r\n\r\nC: d\r\n",
        "A: b\r\n\r\nhello\r\n\r\nC: d\r\n",
    );
    check("A: b\r\n", "A: b\r\n\r\n");
    check(" folded first\r\n", "\r\n folded first\r\n");
    check("A\u{c}: b\r\n", "\r\nA\u{c}: b\r\n"); // a form feed is no blank
    check("", "\r\n");
}

#[test]
fn fields_that_must_not_travel_are_taken_out() {
    check(
        "A: b\r\nbcc: x@y,\r\n z@y\r\nReturn-Path: <a@b>\r\nC: d\r\n\r\nBcc: in the body\r\n",
        "A: b\r\nC: d\r\n\r\nBcc: in the body\r\n",
    );
    check("Bcc: x\r\n\r\n", "\r\n");
    check("Bcc: x\r\nhello\r\n", "\r\nhello\r\n");
}

#[test]
fn blanks_before_a_colon_are_taken_out() {
    check(
        "A : b\r\n c \t: d\r\nE\t :f\r\n\r\nG : h\r\n",
        "A: b\r\n c \t: d\r\nE:f\r\n\r\nG : h\r\n",
    );
    check("bcc : x@y\r\nA: b\r\n\r\n", "A: b\r\n\r\n");
}

fn refused(form: &MessageSettings, content: &str, why: Malformed) {
    assert_eq!(with(form, content), Err(why), "{content:?}");
}

#[test]
fn what_cannot_or_must_not_be_mended_is_refused() {
    let mut form = MessageSettings::default();
    refused(&form, "A: b\0\r\n", Malformed::Nul);
    refused(
        &form,
        &"A: b\r\n".repeat(6),
        Malformed::TooManyFields { limit: 5 },
    );
    form.bare_line_ends = BareLineEnds::Refuse;
    for bare in ["A: b\n", "A: b\r\n\r\na\rb\r\n", "A: b\r\n\r\na\r\r\n"] {
        refused(&form, bare, Malformed::BareLineEnds);
    }
    check_with(&form, "A: b\r\n", "A: b\r\n\r\n");
}

#[test]
fn what_was_mended_is_told() {
    let told = |content: &str| with(&MessageSettings::default(), content).unwrap().mendings;
    let long = "word ".repeat(200);
    assert_eq!(told("A: b\r\n\r\nc\r\n"), []);
    assert_eq!(told("A: b\n"), [Mending::BareLineEnds]);
    assert_eq!(told(&format!("A: {long}\r\n")), [Mending::Folded]);
    assert_eq!(told("A: b\r\n\r\n\u{fc}\r\n"), [Mending::Reencoded]);
    let all = format!("To: a\nTo: a\nA: {long}\n\n{long}\n");
    let form = MessageSettings {
        missing_from: Missing::Add,
        ..MessageSettings::default()
    };
    assert_eq!(with(&form, &all).unwrap().mendings, Mending::ALL);
}

#[test]
fn a_message_without_a_field_that_it_must_have_goes_the_way_of_the_settings() {
    let mut form = MessageSettings::default();
    check("Sender: a@b\r\n\r\nc\r\n", "Sender: a@b\r\n\r\nc\r\n");
    form.missing_from = Missing::Add;
    let added = "Sender: a@b\r\nFrom: <rita@renovations.com>\r\n\r\nc\r\n";
    check_with(&form, "Sender: a@b\r\n\r\nc\r\n", added);
    check_with(&form, "c\r\n", "From: <rita@renovations.com>\r\n\r\nc\r\n");
    check_with(&form, "FROM: x\r\n\r\n", "FROM: x\r\n\r\n");
    form.missing_from = Missing::Refuse;
    refused(&form, "Sender: a@b\r\n", Malformed::Missing("From"));
    form.missing_date = Missing::Refuse;
    refused(&form, "From: a\r\n", Malformed::Missing("Date"));
    form.missing_message_id = Missing::Refuse;
    refused(
        &form,
        "From: a\r\nDate: b\r\n",
        Malformed::Missing("Message-ID"),
    );
    let whole = "From: a\r\nDate: b\r\nMessage-Id: c\r\n\r\n";
    check_with(&form, whole, whole);
}

#[test]
fn a_null_sender_is_nobody_to_be_from() {
    let form = MessageSettings {
        missing_from: Missing::Add,
        ..MessageSettings::default()
    };
    let rules = Rules {
        form: &form,
        max_fields: 5,
        sender: &ReversePath::Null,
    };
    let message = normalize(b"To: a\r\n\r\n".to_vec(), DataNotes::default(), &rules).unwrap();
    assert_eq!(message.content, b"To: a\r\n\r\n");
}

#[test]
fn fields_that_may_stand_once_go_the_way_of_the_settings() {
    let mut form = MessageSettings::default();
    let twice = "From: a\r\nfrom: a\r\n\r\n";
    refused(&form, twice, Malformed::Repeated("From"));
    form.second_from = SecondFrom::Pass;
    check_with(&form, twice, twice);

    let repeated = "To: a\r\nX: c\r\nto: a\r\nTo: b\r\nX: c\r\n\r\nTo: a\r\n";
    check(repeated, "To: a\r\nX: c\r\nTo: b\r\nX: c\r\n\r\nTo: a\r\n");
    let folded = "Subject: a b\r\nSubject: a\r\n b\r\n\r\n"; // not the same, octet for octet
    check(folded, folded);
    let signed = "DKIM-Signature: x\r\nTo: a\r\nTo: a\r\n\r\n"; // both may be signed
    check(signed, signed);
    form.duplicate_fields = DuplicateFields::Pass;
    check_with(&form, repeated, repeated);
    form.duplicate_fields = DuplicateFields::Refuse;
    refused(&form, repeated, Malformed::Repeated("To"));
    refused(&form, folded, Malformed::Repeated("Subject"));
}

#[test]
fn long_lines_go_the_way_of_the_settings() {
    let word = "x".repeat(999);
    let mut form = MessageSettings::default();
    let header = format!("A: {word}{word}\r\n\r\n{word}\r\n");
    let sealed = format!("Content-Type: message/rfc822\r\n\r\n{word}\r\n");
    refused(&form, &header, Malformed::LongHeaderLine);
    refused(&form, &sealed, Malformed::LongLine);
    form.long_lines = LongLines::MendOrPass;
    assert_eq!(
        with(&form, &header).unwrap().mendings,
        [Mending::Folded, Mending::Reencoded]
    );
    check_with(&form, &sealed, &sealed);
    form.long_lines = LongLines::Pass;
    check_with(&form, &header, &header);
}

#[test]
fn eight_bit_text_goes_the_way_of_the_settings() {
    let message = "A: b\r\n\r\n\u{fc}\r\n";
    assert!(
        !with(&MessageSettings::default(), message)
            .unwrap()
            .eight_bit
    );
    let form = MessageSettings {
        eight_bit: EightBit::Pass,
        ..MessageSettings::default()
    };
    check_with(&form, message, message);
    assert!(with(&form, message).unwrap().eight_bit);
    // A long line has to be encoded all the same, and a field stays what it was.
    let long = "\u{fc}".repeat(500);
    assert!(
        !with(&form, &format!("A: b\r\n\r\n{long}\r\n"))
            .unwrap()
            .eight_bit
    );
    let message = with(&form, &format!("A: \u{fc}\r\n\r\n{long}\r\n")).unwrap();
    assert!(message.eight_bit && message.body().is_ascii());
    // What is 8-bit in a field that must not travel is gone with it.
    assert!(!with(&form, "Bcc: \u{fc}\r\n\r\n").unwrap().eight_bit);
}

#[test]
fn a_report_is_never_refused_for_its_form() {
    let form = MessageSettings {
        bare_line_ends: BareLineEnds::Refuse,
        missing_date: Missing::Refuse,
        missing_message_id: Missing::Refuse,
        missing_from: Missing::Refuse,
        duplicate_fields: DuplicateFields::Refuse,
        ..MessageSettings::default()
    };
    let long = "x".repeat(1000);
    let content = format!("To: a\nTo: b\nFrom: c\nFrom: c\nA:{long}\n");
    assert!(with(&form, &content).is_err());
    assert!(with(&form.for_reports(), &content).is_ok());
    assert!(with(&form.for_reports(), "To: a\r\n").is_ok());
}

#[test]
fn values_are_found_in_any_case() {
    let message = Normalized::parse(b"from: a\r\nTo: x\r\nFROM: b\r\n c\r\n\r\n".to_vec());
    let values: Vec<_> = message.values("From").collect();
    assert_eq!(values, [&b" a\r\n"[..], b" b\r\n c\r\n"]);
}
