//! Who a message is from, and how that question cannot be deceived.

use proptest::prelude::*;

use super::*;

fn check(from: &str, expected: Result<&str, IdentityError>) {
    let found = signing_identity(&[from.as_bytes()], &[]);
    assert_eq!(
        found.as_ref().map(DomainName::as_str),
        expected.as_ref().copied(),
        "{from:?}"
    );
}

fn malformed(source: AddressFault) -> Result<&'static str, IdentityError> {
    Err(IdentityError::From { source })
}

#[test]
fn one_mailbox_gives_its_domain() {
    check(" alice@acme.com", Ok("acme.com"));
    check(" <alice@ACME.com>\r\n", Ok("acme.com"));
    check(" Alice Example <alice@acme.com>", Ok("acme.com"));
    check(" Alice Q. Example\r\n <alice@acme.com>", Ok("acme.com"));
    check("\"Example, Alice\" <alice@acme.com>", Ok("acme.com"));
    check("=?utf-8?Q?M=C3=BCller=2C_A?= <a@acme.com>", Ok("acme.com"));
    check("=?utf-8?B?YUBldmlsLmNvbQ==?= <a@acme.com>", Ok("acme.com"));
    check(
        "Müller <müller@bücher.example>",
        Ok("xn--bcher-kva.example"),
    );
    check("a@xn--bcher-kva.example", Ok("xn--bcher-kva.example"));
    check("a . b @ acme . com", Ok("acme.com"));
    check("\"a@b\"@acme.com", Ok("acme.com"));
    check("<@relay.net,@other.net:a@acme.com>", Ok("acme.com"));
    check(", ,alice@acme.com,", Ok("acme.com"));
    check("a..b.@acme.com", Ok("acme.com"));
    check("alice@acme.com <alice@acme.com>", Ok("acme.com"));
}

#[test]
fn comments_and_quotes_hold_no_address() {
    check("alice@acme.com (a@evil.com)", Ok("acme.com"));
    check("(a@evil.com) alice@acme.com", Ok("acme.com"));
    check("alice(\\) (nested) @evil.com)@acme.com", Ok("acme.com"));
    check("alice@(evil.com)acme.com", Ok("acme.com"));
    check("\"a@evil.com\" <alice@acme.com>", Ok("acme.com"));
    check("\"<a@evil.com>\" <alice@acme.com>", Ok("acme.com"));
    check("\"\\\" <a@evil.com>\" <alice@acme.com>", Ok("acme.com"));
    check(
        "\"a@evil.com,\" (b@evil.com) <alice@acme.com> (c@evil.com)",
        Ok("acme.com"),
    );
}

#[test]
fn groups_hold_mailboxes() {
    check("Sales: alice@acme.com;", Ok("acme.com"));
    check("Sales: Alice <alice@acme.com>; (comment)", Ok("acme.com"));
    check("\"Sales, EU\": alice@acme.com;,", Ok("acme.com"));
    check("Undisclosed recipients:;", Err(IdentityError::NoMailbox));
    check("Sales: alice@acme.com", malformed(AddressFault::Group));
    check("alice@acme.com;", malformed(AddressFault::Group));
    check("a: b: c@acme.com;", malformed(AddressFault::Group));
    check("a@acme.com: b@acme.com;", malformed(AddressFault::Group));
    check("Sales: alice@acme.com; bob", malformed(AddressFault::Group));
}

#[test]
fn what_can_be_read_in_two_ways_has_no_identity() {
    check(
        "a@evil.com <alice@acme.com>",
        malformed(AddressFault::Address),
    );
    check("a@b@acme.com", malformed(AddressFault::Address));
    check(
        "<a@evil.com> <alice@acme.com>",
        malformed(AddressFault::Angle),
    );
    check(
        "<a@evil.com> alice@acme.com",
        malformed(AddressFault::Angle),
    );
    check("<<a@acme.com>>", malformed(AddressFault::Angle));
    check("<a@acme.com", malformed(AddressFault::Angle));
    check("a@acme.com>", malformed(AddressFault::Angle));
    check(
        "Example, Alice <alice@acme.com>",
        malformed(AddressFault::Address),
    );
    check("alice b@acme.com", malformed(AddressFault::Address));
    check("a@acme.com evil.com", malformed(AddressFault::Address));
    check("alice", malformed(AddressFault::Address));
    check("@acme.com", malformed(AddressFault::Address));
    check("alice@", malformed(AddressFault::Address));
    check("<>", malformed(AddressFault::Address));
    check("a@\"acme.com\"", malformed(AddressFault::Address));
    check("(a@acme.com", malformed(AddressFault::Comment));
    check("\"a@acme.com", malformed(AddressFault::Quote));
    check("a@[192.0.2.1", malformed(AddressFault::Bracket));
    check(
        "a)@acme.com",
        malformed(AddressFault::Character { byte: b')' }),
    );
    check(
        "a\\@acme.com",
        malformed(AddressFault::Character { byte: b'\\' }),
    );
    check(
        "a\0@acme.com",
        malformed(AddressFault::Character { byte: 0 }),
    );
}

#[test]
fn an_address_needs_a_domain_that_can_have_keys() {
    check("", Err(IdentityError::NoMailbox));
    check("(nobody)", Err(IdentityError::NoMailbox));
    check("a@[192.0.2.1]", Err(IdentityError::Literal));
    for from in [
        "a@192.0.2.1",
        "a@-acme.com",
        "a@acme..com",
        "a@under_score.com",
        "a@acme.com!evil",
    ] {
        let found = signing_identity(&[from.as_bytes()], &[]);
        assert!(
            matches!(found, Err(IdentityError::Domain { .. })),
            "{from}: {found:?}"
        );
    }
    let latin1 = signing_identity(&[b"a@m\xfcller.example"], &[]);
    assert_eq!(
        latin1,
        Err(IdentityError::From {
            source: AddressFault::NotUtf8
        })
    );
}

#[test]
fn there_is_one_from_field() {
    assert_eq!(signing_identity(&[], &[]), Err(IdentityError::NoFrom));
    let twice = signing_identity(&[b"a@acme.com", b"a@acme.com"], &[]);
    assert_eq!(twice, Err(IdentityError::SeveralFrom { count: 2 }));
}

#[test]
fn of_several_authors_the_sender_decides() {
    let identity = |sender: &[&[u8]]| signing_identity(&[b"a@acme.com, B <b@acme.net>"], sender);
    assert_eq!(identity(&[b" b@ACME.net"]).unwrap().as_str(), "acme.net");
    assert_eq!(
        identity(&[b"\"x@evil.com\" <secretary@acme.com>"])
            .unwrap()
            .as_str(),
        "acme.com"
    );
    assert_eq!(identity(&[]), Err(IdentityError::NoSender { authors: 2 }));
    assert_eq!(
        identity(&[b"b@acme.net", b"a@acme.com"]),
        Err(IdentityError::SeveralSenders { count: 2 })
    );
    assert_eq!(
        identity(&[b"a@acme.com, b@acme.net"]),
        Err(IdentityError::SeveralSenders { count: 2 })
    );
    let sender = "evil.com".parse().unwrap();
    assert_eq!(
        identity(&[b"a@evil.com"]),
        Err(IdentityError::SenderElsewhere { sender })
    );
    let source = AddressFault::Address;
    assert_eq!(
        identity(&[b"nobody"]),
        Err(IdentityError::Sender { source })
    );
    // A single author needs no sender, and is not overruled by one.
    let one = signing_identity(&[b"a@acme.com"], &[b"x@evil.com"]);
    assert_eq!(one.unwrap().as_str(), "acme.com");
}

proptest! {
    #[test]
    fn no_field_makes_it_panic(from: Vec<u8>, sender: Vec<u8>) {
        let _ = signing_identity(&[&from], &[&sender]);
    }

    #[test]
    fn no_display_name_or_comment_changes_the_domain(
        quoted in "[ -~]{0,30}", comment in "[ -~]{0,30}", words in "([a-z0-9=?_]{1,8} ?){0,4}",
    ) {
        let quoted = quoted.replace(['\\', '"'], "");
        let comment = comment.replace(['\\', '(', ')'], "");
        let from = format!("({comment}) \"{quoted}\" {words} ({comment})<alice({comment})@acme.com>({comment})\r\n");
        let found = signing_identity(&[from.as_bytes()], &[]).unwrap();
        prop_assert_eq!(found.as_str(), "acme.com");
    }
}
