//! Commands in and out of their order, and as sloppily as clients write them.

use super::driver::{Stage, check, converse};
use crate::envelope::ReversePath;
use crate::smtp::dsn_params::Return;
use crate::smtp::server::Rejection;

#[test]
fn a_message_is_handed_over_with_its_envelope() {
    let script = "EHLO client.example\nMAIL FROM:<a@example.com>\nRCPT TO:<b@example.net>\nRCPT TO:<c@example.net>\n\
                  RCPT TO:<b@example.net>\nDATA\nSubject: x\n\n..dot\n.\nQUIT\n";
    let driver = check(&Stage::new(), script, "220 250 250 250 250 250 354 250 221");
    let [message] = driver.messages.as_slice() else {
        panic!("{:?}", driver.messages);
    };
    assert_eq!(message.reverse_path.to_string(), "<a@example.com>");
    assert_eq!(message.recipients.len(), 2); // the third was the first again
    assert_eq!(message.content, b"Subject: x\r\n\r\n.dot\r\n");
    assert_eq!((&*message.helo, message.extended), ("client.example", true));
    assert!(driver.session.is_closed());
}

#[test]
fn commands_out_of_order_are_refused() {
    let check = |script: &str, expected: &str| check(&Stage::new(), script, expected);
    check("MAIL FROM:<>\n", "220 503");
    check("HELO x\nRCPT TO:<a@example.com>\n", "220 250 503");
    check("HELO x\nDATA\n", "220 250 503");
    check("HELO x\nMAIL FROM:<>\nDATA\n", "220 250 250 503");
    check("HELO x\nMAIL FROM:<>\nMAIL FROM:<>\n", "220 250 250 503");
    let reset = "HELO x\nMAIL FROM:<>\nRSET\nRCPT TO:<a@example.com>\n";
    check(reset, "220 250 250 250 503");
    let hello = "HELO x\nMAIL FROM:<>\nEHLO x\nRCPT TO:<a@example.com>\n";
    check(hello, "220 250 250 250 503");
    let any_time = "NOOP\nNOOP x y\nVRFY a\nHELP\nHELP MAIL\nRSET\nQUIT\nNOOP\n";
    check(any_time, "220 250 250 252 214 214 250 221");
    check("EXPN staff\nTURN\nETRN x\nVRFY\n", "220 502 502 502 501");
}

#[test]
fn sloppy_clients_are_understood() {
    let stage = Stage::new();
    for script in [
        "helo x\nmail from:<a@example.com>\nrcpt to:<b@example.net>\ndata\n",
        "EHLO x \nMAIL FROM: <a@example.com> \nRCPT TO: <b@example.net>  \nDATA \n",
        "EHLO x\nMAIL FROM:a@example.com\nRCPT TO:b@example.net\nDATA\n",
        "EHLO x\nMAIL FROM: a@example.com SIZE=5\nRCPT TO : b@example.net\nDATA\n",
        "EHLO\tx\nMAIL\tFROM:\t<a@example.com>\nRCPT TO:< b@example.net >\nDATA\n",
        "EHLO x\nMAIL FROM:<@r1.example,@r2.example:a@example.com>\nRCPT TO:<@r1.example:b@example.net>\nDATA\n",
        "HELO x\nMAIL FROM:<a@example.com> BODY=8BITMIME SIZE=5\nRCPT TO:<b@example.net>\nDATA\n", // parameters after HELO
    ] {
        let whole = format!("{script}x\n.\n");
        let driver = check(&stage, &whole, "220 250 250 250 354 250");
        let message = &driver.messages[0];
        assert_eq!(
            message.reverse_path.to_string(),
            "<a@example.com>",
            "{script}"
        );
        assert_eq!(message.recipients[0].mailbox.to_string(), "b@example.net");
    }
}

#[test]
fn framing_is_not_sloppy() {
    let mut driver = Stage::new().driver();
    driver.hear(b"EHLO x\r\nNOOP\nNOOP\r\r\nNO\rOP\r\nNOOP\r\n");
    assert_eq!(driver.take_codes(), "220 250 500 500 500 250");
}

#[test]
fn only_listed_networks_relay_but_everybody_reaches_the_postmaster() {
    let check = |rcpt: &str, code: &str| {
        let script = format!("HELO x\nMAIL FROM:<>\nRCPT TO:<{rcpt}>\n");
        check(&Stage::stranger(), &script, &format!("220 250 250 {code}"))
    };
    let driver = check("a@example.com", "550");
    assert!(matches!(
        driver.rejections.as_slice(),
        [Rejection::Relay { .. }]
    ));
    check("postmaster", "250");
    check("PostMaster", "250");
    check("PM@Internal.example", "250");
    check("PM@other.example", "550");
}

#[test]
fn what_mail_and_rcpt_say_besides_is_handed_over() {
    let script = "EHLO x\n\
                  MAIL FROM:<m\u{fc}@example.com> SMTPUTF8 RET=HDRS ENVID=a+2Bb AUTH=<> REQUIRETLS\n\
                  RCPT TO:<b@example.net> NOTIFY=FAILURE ORCPT=rfc822;c@example.net\nDATA\nx\n.\n";
    let driver = check(&Stage::new(), script, "220 250 250 250 354 250");
    let message = &driver.messages[0];
    let params = &message.params;
    assert!(params.smtputf8 && params.require_tls);
    assert_eq!(params.ret, Some(Return::Headers));
    assert_eq!(params.envelope_id.as_deref(), Some("a+b"));
    assert_eq!(params.auth, Some(ReversePath::Null));
    let recipient = &message.recipients[0];
    assert!(
        recipient
            .notify
            .is_some_and(|notify| notify.failure && !notify.success)
    );
    let original = recipient
        .original
        .as_ref()
        .map(|original| &*original.address);
    assert_eq!(original, Some("c@example.net"));
}

#[test]
fn ehlo_announces_what_is_true_now() {
    let announced = |stage: &Stage, lines: &[&str]| -> Vec<String> {
        let output = converse(&mut stage.driver(), lines);
        let (_, last) = output.rsplit_once("250-edge.example\r\n").unwrap();
        last.lines().map(|line| line[4..].to_owned()).collect()
    };
    let always = [
        "PIPELINING",
        "SIZE 1000",
        "8BITMIME",
        "SMTPUTF8",
        "CHUNKING",
        "ENHANCEDSTATUSCODES",
        "LIMITS MAILMAX=10 RCPTMAX=3",
    ];
    let check = |stage: &Stage, lines: &[&str], more: &[&str]| {
        assert_eq!(
            announced(stage, lines),
            [&always, more].concat(),
            "{lines:?}"
        );
    };
    let auth = "AUTH PLAIN LOGIN SCRAM-SHA-256";
    let xclient = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";
    check(&Stage::new(), &["EHLO x"], &["STARTTLS"]);
    check(&Stage::loopback(), &["EHLO x"], &["STARTTLS", auth]);
    check(&Stage::new(), &["EHLO x", "STARTTLS", "EHLO x"], &[auth]);
    let plain = "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm";
    let lines = ["EHLO x", "STARTTLS", "EHLO x", plain, "EHLO x"];
    check(&Stage::new(), &lines, &[]);
    check(
        &Stage::proxy("192.0.2.9"),
        &["EHLO x"],
        &["STARTTLS", xclient],
    );
    let mut bare = Stage::loopback();
    bare.settings.starttls = false;
    bare.settings.auth = false;
    check(&bare, &["EHLO x"], &[]);
    check(&bare, &["EHLO x", "STARTTLS", "AUTH PLAIN", "EHLO x"], &[]); // neither is obeyed
}

#[test]
fn another_protocol_closes_the_session() {
    let driver = check(&Stage::new(), "GET / HTTP/1.1\nHost: x\n\n", "220 521");
    assert!(driver.session.is_closed());
}

#[test]
fn a_refused_message_leaves_the_session_ready_for_the_next() {
    let message = "MAIL FROM:<a@example.com>\nRCPT TO:<b@example.net>\nDATA\n";
    let script =
        format!("HELO x\n{message}refuse\n.\nVRFY a\nRCPT TO:<c@example.net>\n{message}x\n.\n");
    let codes = "220 250 250 250 354 452 252 503 250 250 354 250";
    let driver = check(&Stage::new(), &script, codes);
    assert_eq!(driver.messages.len(), 2);
    assert_eq!(driver.messages[1].content, b"x\r\n");
}
