//! XCLIENT, and clients for whom a proxy speaks: they have what the proxy says of them, and nothing of the proxy's own.

use super::driver::{Stage, check, converse, tls};
use crate::smtp::server::{Client, Rejection};

const RCPT: [&str; 3] = ["EHLO x", "MAIL FROM:<>", "RCPT TO:<a@example.com>"];

fn last_code(replies: &str) -> &str {
    let last = replies.lines().last();
    last.and_then(|line| line.get(..3)).unwrap_or_default()
}

/// After XCLIENT with these attributes, whether the client may relay and whether AUTH is offered.
fn check_rights(attributes: &str, relays: bool, auth: bool) {
    for proxy in ["192.0.2.9", "127.0.0.1"] {
        let mut driver = Stage::proxy(proxy).driver();
        let xclient = format!("XCLIENT {attributes}");
        let replies = converse(&mut driver, &["EHLO proxy", &xclient]);
        assert!(
            replies.ends_with("\r\n220 edge.example ESMTP\r\n"),
            "{replies}"
        );
        let replies = converse(&mut driver, &RCPT);
        assert_eq!(
            replies.contains("\r\n250-AUTH ") || replies.contains("250 AUTH "),
            auth,
            "{replies}"
        );
        let expected = if relays { "250" } else { "550" };
        assert_eq!(
            last_code(&replies),
            expected,
            "{proxy} {attributes}: {replies}"
        );
    }
}

#[test]
fn the_client_has_the_rights_of_its_own_address() {
    check_rights("ADDR=192.0.2.50", true, false);
    check_rights("ADDR=192.0.2.99", false, false);
    check_rights("ADDR=127.0.0.1", false, false); // no loopback trust, neither for relaying nor for passwords
    check_rights("ADDR=IPV6:::1", false, false);
    check_rights("ADDR=IPV6:::ffff:127.0.0.1", false, false);
    check_rights("ADDR=[UNAVAILABLE]", false, false);
    check_rights("NAME=c.example HELO=c.example PORT=1", false, false); // what is not said is not the proxy's
    check_rights("ADDR=192.0.2.99 LOGIN=tim", true, false);
    check_rights("ADDR=192.0.2.99 LOGIN=[UNAVAILABLE]", false, false);
}

#[test]
fn what_the_proxy_has_proved_is_not_its_clients() {
    let mut driver = Stage::proxy("127.0.0.1").driver();
    let auth = "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm";
    let in_clear = converse(&mut driver, &["EHLO proxy", auth, "STARTTLS"]);
    assert!(!in_clear.contains("250-AUTH "), "{in_clear}"); // it may pass on what came from afar
    assert!(in_clear.contains("\r\n538 "), "{in_clear}");
    converse(&mut driver, &["EHLO proxy", auth]);
    assert!(driver.session.client().identity.is_some());
    converse(&mut driver, &["XCLIENT ADDR=192.0.2.99"]);
    assert_eq!(driver.session.client().identity, None);
    assert_eq!(last_code(&converse(&mut driver, &RCPT)), "550");
}

#[test]
fn tls_after_xclient_keeps_the_client_and_forgets_what_was_said() {
    let mut driver = Stage::proxy("192.0.2.9").driver();
    let xclient = "XCLIENT ADDR=192.0.2.99 LOGIN=tim HELO=c.example";
    converse(&mut driver, &["EHLO proxy", xclient, "EHLO x", "STARTTLS"]);
    let client = driver.session.client();
    assert_eq!(client.address.to_string(), "192.0.2.99");
    assert_eq!(client.identity, None);
    assert_eq!(client.tls, Some(tls().facts));
    assert_eq!(last_code(&converse(&mut driver, &RCPT)), "550");
}

#[test]
fn what_the_client_said_to_its_proxy_stands_in_its_message() {
    let check = |attributes: &str, helo: &str, extended: bool| {
        let mut driver = Stage::proxy("192.0.2.9").driver();
        let xclient = format!("XCLIENT ADDR=192.0.2.50 NAME=c.example {attributes}");
        converse(&mut driver, &[&xclient]);
        converse(&mut driver, &RCPT);
        converse(&mut driver, &["DATA", "."]);
        let message = &driver.messages[0];
        assert_eq!(
            (&*message.helo, message.extended),
            (helo, extended),
            "{attributes}"
        );
        assert_eq!(message.client.name.as_deref(), Some("c.example"));
        assert_eq!(message.client.address.to_string(), "192.0.2.50");
    };
    check("HELO=printer PROTO=SMTP", "printer", false);
    check("HELO=printer PROTO=ESMTP", "printer", true);
    check("HELO=printer", "printer", true);
    check("HELO=[UNAVAILABLE]", "x", true);
}

#[test]
fn xclient_has_its_time_and_its_place() {
    let proxy = Stage::proxy("192.0.2.9");
    check(
        &proxy,
        "XCLIENT ADDR=192.0.2.50\nEHLO x\nXCLIENT ADDR=192.0.2.51\n",
        "220 220 250 220",
    );
    check(
        &proxy,
        "EHLO x\nMAIL FROM:<>\nXCLIENT ADDR=192.0.2.50\n",
        "220 250 250 503",
    );
    check(
        &proxy,
        "XCLIENT\nXCLIENT ADDR=x\nXCLIENT A=b\n",
        "220 501 501 501",
    );
    let driver = check(
        &Stage::new(),
        "EHLO x\nXCLIENT ADDR=192.0.2.50\n",
        "220 250 550",
    );
    assert!(matches!(driver.rejections.as_slice(), [Rejection::Xclient]));
    assert_eq!(driver.session.client().address.to_string(), "192.0.2.1");
}

#[test]
fn a_proxys_client_is_no_proxy() {
    // By the PROXY protocol, the client is another from the first octet.
    let mut stage = Stage::proxy("127.0.0.1");
    stage.client = Client::forwarded("127.0.0.1".parse().unwrap());
    check(&stage, "EHLO x\nXCLIENT ADDR=192.0.2.50\n", "220 250 550");
    check(&stage, "EHLO x\nAUTH LOGIN\n", "220 250 538");
    check(
        &stage,
        "EHLO x\nMAIL FROM:<>\nRCPT TO:<a@example.com>\n",
        "220 250 250 550",
    );
}
