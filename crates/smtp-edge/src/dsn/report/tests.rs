//! Reports as mail-parser reads them.

use mail_parser::{MessageParser, MimeHeaders as _};

use super::*;
use crate::deliver::outcome::local_fault;
use crate::envelope::ReversePath;
use crate::signing::state::{FaultClass, SigningFault};
use crate::spool::sample;

const CONTEXT: Context<'static> = Context {
    hostname: "edge.renovations.com",
    postmaster: "postmaster@renovations.com",
    give_up_after: Duration::from_secs(5 * 86_400),
    now: SystemTime::UNIX_EPOCH,
    action: Action::Failed,
};

fn context() -> Context<'static> {
    Context {
        now: sample::accepted() + Duration::from_secs(3600),
        ..CONTEXT
    }
}

fn message() -> Message {
    let mut message = sample::message(1);
    message.envelope.recipients = vec![
        "unknown@example.net".parse().unwrap(),
        "unsigned@example.org".parse().unwrap(),
        "slow@example.com".parse().unwrap(),
        "fine@example.com".parse().unwrap(),
    ];
    message.content = b"From: samantha@renovations.com\r\nMessage-ID: <1@renovations.com>\r\nSubject: hi\r\n\r\nbody\r\n".to_vec();
    message
}

fn remote_fault(status: &str, text: &str) -> Fault {
    Fault {
        status: status.into(),
        remote: Some("mx.example.net [192.0.2.25]:25".into()),
        text: text.into(),
    }
}

fn sender() -> Mailbox {
    "samantha@renovations.com".parse().unwrap()
}

/// The report with the boundary, which is new each time, given a fixed name.
fn render_as_text(message: &Message, failures: &[(usize, Fault)], to: &Mailbox) -> String {
    let report = String::from_utf8(render(message, failures, to, &context())).unwrap();
    let boundary = report
        .split("boundary=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    report.replace(&boundary, "BOUNDARY")
}

/// What every report must be, whatever went into it.
fn check_form(report: &[u8]) {
    let text = String::from_utf8(report.to_vec()).unwrap();
    assert!(text.is_ascii(), "{text}");
    assert!(text.ends_with("\r\n"));
    assert!(
        !text.replace("\r\n", "").contains(['\r', '\n', '\0']),
        "{text:?}"
    );
    assert!(text.split("\r\n").all(|line| line.len() <= 998), "{text}");
    let parsed = MessageParser::default().parse(report).unwrap();
    let kind = parsed.content_type().unwrap();
    assert_eq!(
        (kind.ctype(), kind.subtype()),
        ("multipart", Some("report"))
    );
    assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
    let kinds: Vec<String> = parsed
        .parts
        .iter()
        .skip(1)
        .map(|part| {
            let kind = part.content_type().unwrap();
            format!("{}/{}", kind.ctype(), kind.subtype().unwrap())
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "text/plain",
            "message/delivery-status",
            "text/rfc822-headers"
        ]
    );
}

#[test]
fn a_report_of_three_failures() {
    let signing = SigningFault {
        class: FaultClass::KeyRevoked,
        domain: Some("renovations.com".parse().unwrap()),
        key: Some("12345._domainkey.renovations.com".parse().unwrap()),
    };
    let failures = [
        (0, remote_fault("5.1.1", "550 5.1.1 no such user")),
        (1, signing.recipient_fault()),
        (2, remote_fault("5.4.7", "451 4.3.0 come back later")),
    ];
    check_form(&render(&message(), &failures, &sender(), &context()));
    let report = render_as_text(&message(), &failures, &sender());
    let expected = include_str!("../../../testdata/dsn-three-failures.eml");
    assert_eq!(
        report.replace("\r\n", "\n"),
        expected,
        "testdata/dsn-three-failures.eml"
    );
}

#[test]
fn what_came_from_outside_can_neither_end_a_line_nor_begin_a_field() {
    let failures = [
        (
            0,
            remote_fault(
                "5.1.1\r\nX: y",
                "550 a\r\nFinal-Recipient: rfc822; b\r\n\r\nc\0\u{1b}[2J",
            ),
        ),
        (1, remote_fault("5.0.0", &"x".repeat(500))),
    ];
    let report = render(&message(), &failures, &sender(), &context());
    check_form(&report);
    let report = String::from_utf8(report).unwrap();
    assert_eq!(
        report.matches("\r\nFinal-Recipient:").count(),
        2,
        "{report}"
    );
    assert!(!report.contains("\r\nX: y"), "{report}");
}

#[test]
fn a_header_that_is_not_plain_text_is_encoded() {
    let check = |content: &[u8], reason: &str| {
        let mut message = message();
        message.content = content.to_vec();
        let report = render(
            &message,
            &[(0, remote_fault("5.1.1", "550 no"))],
            &sender(),
            &context(),
        );
        assert!(!reason.is_empty());
        check_form(&report);
    };
    check("Subject: \u{fc}ber\r\n\r\nbody\r\n".as_bytes(), "UTF-8");
    check(b"Subject: \xfcber\r\n\r\nbody\r\n", "Latin-1");
    check(
        &[b"Subject: ".as_slice(), &[b'x'; 2000], b"\r\n\r\n"].concat(),
        "a long line",
    );
    check(b"\r\nbody without a header\r\n", "no header");
    check(b"", "nothing");
    check(b"Subject: --BOUNDARY--\r\n\r\n", "a would-be boundary");
}

#[test]
fn a_long_header_is_cut_between_lines() {
    let mut message = message();
    message.trace = Vec::new();
    message.content = b"X-Line: 0123456789\r\n".repeat(10_000);
    let report = render(
        &message,
        &[(0, remote_fault("5.1.1", "550 no"))],
        &sender(),
        &context(),
    );
    check_form(&report);
    let report = String::from_utf8(report).unwrap();
    let lines = report.matches("X-Line: 0123456789\r\n").count();
    assert_eq!(lines, LONGEST_RETURNED / 20);
    assert_eq!(report.matches("X-Line").count(), lines);
}

#[test]
fn the_message_id_is_repeated_when_it_is_usual() {
    let check = |header: &str, expected: Option<&str>| {
        assert_eq!(message_id(header.as_bytes()), expected, "{header:?}");
    };
    check("Message-ID: <a@b>\r\n", Some("<a@b>"));
    check("Subject: x\r\nMESSAGE-id:<a@b>  \r\n", Some("<a@b>"));
    check("Message-ID: <a b@c>\r\n", None);
    check("Message-ID: <a@b> <c@d>\r\n", None);
    check("Message-ID:\r\n <folded@b>\r\n", None);
    check("Message-ID: <\u{fc}@b>\r\n", None);
    check(&format!("Message-ID: <{}@b>\r\n", "x".repeat(300)), None);
    check("X-Message-ID: <a@b>\r\n", None);
    check("", None);
}

#[test]
fn addresses_that_are_not_ascii_have_their_own_type() {
    let check = |address: &str, expected: &str| {
        assert_eq!(typed_address(&address.parse().unwrap()), expected);
    };
    check("user@example.net", "rfc822; user@example.net");
    check("\"a b\"@example.net", "rfc822; \"a b\"@example.net");
    check("m\u{fc}ller@example.net", "utf-8; m\\x{FC}ller@example.net");
    check(
        "\u{1f4e7}+x@example.net",
        "utf-8; \\x{1F4E7}\\x{2B}x@example.net",
    );
}

#[test]
fn a_sender_that_is_not_ascii_stands_in_to_as_it_is() {
    let to: Mailbox = "m\u{fc}ller@example.net".parse().unwrap();
    let mut message = message();
    message.envelope.reverse_path = ReversePath::Mailbox(to.clone());
    let report = render_as_text(&message, &[(0, remote_fault("5.1.1", "550 no"))], &to);
    assert!(
        report.contains("\r\nTo: <m\u{fc}ller@example.net>\r\n"),
        "{report}"
    );
}

#[test]
fn hosts_known_by_address_alone_are_named_as_literals() {
    let check = |remote: &str, expected: &str| {
        let fault = Fault {
            remote: Some(remote.into()),
            ..remote_fault("5.0.0", "550 no")
        };
        let report = render_as_text(&message(), &[(0, fault)], &sender());
        assert!(
            report.contains(&format!("\r\nRemote-MTA: dns; {expected}\r\n")),
            "{report}"
        );
    };
    check("mx.example.net [192.0.2.25]:25", "mx.example.net");
    check("192.0.2.25 [192.0.2.25]:25", "[192.0.2.25]");
    check("2001:db8::1 [2001:db8::1]:25", "[IPv6:2001:db8::1]");
}

#[test]
fn a_notice_of_a_delay_says_until_when_it_is_tried() {
    let recipients = [
        (2, remote_fault("4.3.0", "451 4.3.0 come back later")),
        (
            3,
            local_fault("4.4.1", "mx.example.com [192.0.2.9]:25: timed out"),
        ),
    ];
    let context = Context {
        action: Action::Delayed,
        now: sample::accepted() + Duration::from_secs(4 * 3600),
        ..CONTEXT
    };
    let notice = render(&message(), &recipients, &sender(), &context);
    check_form(&notice);
    let notice = String::from_utf8(notice).unwrap();
    let expected = "Original-Recipient: rfc822; slow@example.com\r\nFinal-Recipient: rfc822; slow@example.com\r\n\
        Action: delayed\r\nStatus: 4.3.0\r\nRemote-MTA: dns; mx.example.net\r\n\
        Diagnostic-Code: smtp; 451 4.3.0 come back later\r\nLast-Attempt-Date: Mon, 21 Sep 2026 18:13:20 +0000\r\n\
        Will-Retry-Until: Sat, 26 Sep 2026 14:13:20 +0000\r\n";
    assert!(notice.contains(expected), "{notice}");
    assert_eq!(notice.matches("\r\nWill-Retry-Until: ").count(), 2);
    assert!(
        notice.contains("\r\nSubject: Your message is delayed\r\n"),
        "{notice}"
    );
    assert!(
        notice.contains("\r\n    Tried until: Sat, 26 Sep 2026 14:13:20 +0000\r\n"),
        "{notice}"
    );
    assert!(!notice.contains("will not be tried again"), "{notice}");
}
