//! One attempt at one host, against scripts of what the host says.

use std::net::SocketAddr;

use router_config::ProfileName;

use super::*;
use crate::deliver::copy::Copy;
use crate::deliver::fake::{Close, Encrypt, Hear, HearData, Host, Step, greet, say, script, take};
use crate::deliver::outcome::Taken;
use crate::deliver::route::{Audience, Hop, Route};
use crate::envelope::{Needs, ReversePath};
use crate::spool::message::Message;
use crate::spool::sample;

/// A message of ASCII from one mailbox to so many others.
fn message(recipients: usize) -> Message {
    let mut message = sample::message(1);
    message.envelope.needs = Needs::default();
    message.envelope.recipients = (0..recipients)
        .map(|number| format!("user{number}@example.net").parse().unwrap())
        .collect();
    message.trace = b"Received: here\r\n".to_vec();
    message.content = b"Subject: test\r\n\r\n.dot\r\nend\r\n".to_vec();
    message.state = sample::fresh(recipients);
    message
}

fn manner(tls: TlsMode) -> Manner {
    Manner {
        hostname: "edge.renovations.com".into(),
        timeouts: Timeouts {
            connect: Duration::from_secs(20),
            command: Duration::from_secs(20),
            data: Duration::from_secs(20),
        },
        tls,
        connector: connect::connector().unwrap(),
    }
}

async fn attempt_with(
    message: &Message,
    audience: Audience,
    manner: &Manner,
    host: &Host,
) -> Vec<(usize, Ending)> {
    let route = Route {
        hop: Hop::Exchangers("example.net".parse().unwrap()),
        audience,
        recipients: (0..message.envelope.recipients.len()).collect(),
    };
    let copy = Copy::new(message, b"DKIM-Signature: s\r\n", &route);
    let attempt = Attempt {
        target: &Target {
            host: "mx.example.net".into(),
            address: host.address,
        },
        copy: &copy,
        recipients: &copy.recipients,
        manner,
        took: &|| Duration::from_secs(1),
    };
    attempt.run().await
}

async fn attempt(message: &Message, scripts: Vec<Vec<Step>>) -> (Vec<String>, Vec<String>) {
    let host = Host::play(scripts).await;
    let endings = attempt_with(
        message,
        Audience::External(ProfileName::default()),
        &manner(TlsMode::Opportunistic),
        &host,
    )
    .await;
    let address = host.address;
    let shown = endings
        .iter()
        .map(|(_, ending)| shown(ending, address))
        .collect();
    (shown, host.heard().await)
}

/// An ending in one line.
fn shown(ending: &Ending, host: SocketAddr) -> String {
    let line = match ending {
        Ending::Settled(Outcome::Delivered(Taken { reply, tls, .. })) if *tls => {
            format!("delivered, encrypted: {reply}")
        }
        Ending::Settled(Outcome::Delivered(Taken { reply, .. })) => format!("delivered: {reply}"),
        Ending::Settled(Outcome::Later(fault) | Outcome::Unreachable(fault)) => {
            format!("later: {}", told(fault))
        }
        Ending::Settled(Outcome::Failed(fault)) => format!("failed: {}", told(fault)),
        Ending::NextHost(fault) => format!("next host: {}", told(fault)),
    };
    line.replace(
        &format!("mx.example.net [{}]:{}", host.ip(), host.port()),
        "MX",
    )
}

fn told(fault: &Fault) -> String {
    match &fault.remote {
        Some(remote) => format!("{} by {remote}: {}", fault.status, fault.text),
        None => format!("{} {}", fault.status, fault.text),
    }
}

#[tokio::test]
async fn what_leaves_is_signatures_trace_and_content_with_stuffed_dots() {
    let (endings, heard) = attempt(
        &message(1),
        vec![script(&[&greet(&["SIZE 1000"]), &take()])],
    )
    .await;
    assert_eq!(endings, ["delivered: 250 2.0.0 taken"]);
    let expected = "EHLO edge.renovations.com\r\n\
        MAIL FROM:<samantha@renovations.com> SIZE=63\r\n\
        RCPT TO:<user0@example.net>\r\n\
        DATA\r\n\
        DKIM-Signature: s\r\nReceived: here\r\nSubject: test\r\n\r\n..dot\r\nend\r\n.\r\n\
        QUIT\r\n";
    assert_eq!(heard, [expected]);
}

#[tokio::test]
async fn an_internal_copy_carries_no_signature() {
    let mut message = message(1);
    message.envelope.reverse_path = ReversePath::Null;
    message.trace = b".Odd: but possible\r\n".to_vec();
    let host = Host::play(vec![script(&[&greet(&[]), &take()])]).await;
    attempt_with(&message, Audience::Internal, &manner(TlsMode::Off), &host).await;
    let heard = host.heard().await.remove(0);
    assert!(heard.contains("MAIL FROM:<>\r\n"), "{heard}");
    assert!(
        heard.contains("DATA\r\n..Odd: but possible\r\nSubject: test\r\n"),
        "{heard}"
    );
}

#[tokio::test]
async fn what_the_message_needs_is_announced_or_refused() {
    let mut eight_bit = message(1);
    eight_bit.envelope.needs.eight_bit = true;
    let mut utf8 = message(1);
    utf8.envelope.needs = Needs {
        eight_bit: true,
        smtputf8: true,
    };
    utf8.content = "Subject: \u{fc}\r\n\r\n".into();
    let check = async |message: &Message, extensions: &[&str], expected: &str| {
        let scripts = vec![script(&[&greet(extensions), &take()])];
        let (endings, heard) = attempt(message, scripts).await;
        assert_eq!(endings, ["delivered: 250 2.0.0 taken"]);
        assert!(heard[0].contains(expected), "{expected} in {heard:?}");
    };
    check(
        &message(1),
        &["8BITMIME", "SMTPUTF8"],
        "MAIL FROM:<samantha@renovations.com>\r\n",
    )
    .await;
    check(
        &eight_bit,
        &["8BITMIME"],
        "<samantha@renovations.com> BODY=8BITMIME\r\n",
    )
    .await;
    check(
        &utf8,
        &["8bitmime", "smtputf8"],
        " BODY=8BITMIME SMTPUTF8\r\n",
    )
    .await;

    let refuse = async |message: &Message, extensions: &[&str], expected: &str| {
        let (endings, heard) = attempt(message, vec![greet(extensions)]).await;
        assert_eq!(endings, [expected]);
        assert!(!heard[0].contains("MAIL"), "{heard:?}");
    };
    let why =
        "failed: 5.6.3 mx.example.net does not offer 8BITMIME, which the message's content needs";
    refuse(&eight_bit, &[], why).await;
    let why = "failed: 5.6.7 mx.example.net does not offer SMTPUTF8, which the message's addresses or header need";
    refuse(&utf8, &["8BITMIME"], why).await;
    let why = "failed: 5.3.4 the message has 63 octets and mx.example.net takes at most 62";
    refuse(&message(1), &["SIZE 62"], why).await;
}

#[tokio::test]
async fn a_message_of_ascii_addresses_on_this_way_needs_no_smtputf8() {
    let mut message = message(1);
    // Another recipient, on another way, is why the message as a whole needs it.
    message.envelope.needs.smtputf8 = true;
    let (endings, _) = attempt(&message, vec![script(&[&greet(&[]), &take()])]).await;
    assert_eq!(endings, ["delivered: 250 2.0.0 taken"]);
}

#[tokio::test]
async fn disconnect_at_each_stage() {
    let steps = script(&[&greet(&[]), &take()]);
    let lost = "4.4.2 MX: the host closed the connection";
    // The script is cut after so many steps, that is, where we wait for the host's next words.
    let check = async |length: usize, expected: String| {
        let cut = script(&[&steps[..length], &[Close]]);
        let (endings, _) = attempt(&message(1), vec![cut]).await;
        let ending = endings[0].replace(
            "the connection broke: Connection reset by peer (os error 104)",
            "the host closed the connection",
        );
        assert_eq!(ending, expected, "after {length} steps");
    };
    check(0, format!("next host: {lost}")).await; // instead of a greeting
    check(2, format!("next host: {lost}")).await; // EHLO
    check(4, format!("next host: {lost}")).await; // MAIL
    check(6, format!("next host: {lost}")).await; // RCPT
    check(8, format!("next host: {lost}")).await; // DATA
    // After the final dot it may have been taken: no other host is tried now.
    check(10, format!("later: {lost}")).await;
}

#[tokio::test]
async fn refusals_at_each_stage() {
    let steps = script(&[&greet(&[]), &take()]);
    // The step of that number is replaced by the reply.
    let check = async |place: usize, reply: &str, expected: &str| {
        let cut = script(&[&steps[..place], &[say(&format!("{reply}\r\n"))]]);
        let (endings, _) = attempt(&message(1), vec![cut]).await;
        assert_eq!(endings, [expected], "{reply} at step {place}");
    };
    check(0, "421 busy", "next host: 4.0.0 by MX: 421 busy").await;
    check(
        0,
        "554 5.7.1 go away",
        "next host: 4.0.0 by MX: 554 5.7.1 go away",
    )
    .await;
    check(
        2,
        "421 4.3.2 closing",
        "next host: 4.3.2 by MX: 421 4.3.2 closing",
    )
    .await;
    check(2, "450 later", "next host: 4.0.0 by MX: 450 later").await;
    check(4, "421 closing", "next host: 4.0.0 by MX: 421 closing").await;
    check(
        4,
        "451 4.7.1 greylisted",
        "later: 4.7.1 by MX: 451 4.7.1 greylisted",
    )
    .await;
    check(
        4,
        "550 5.7.1 blocked",
        "failed: 5.7.1 by MX: 550 5.7.1 blocked",
    )
    .await;
    check(6, "421 closing", "next host: 4.0.0 by MX: 421 closing").await;
    check(6, "450 4.2.1 busy", "later: 4.2.1 by MX: 450 4.2.1 busy").await;
    check(
        6,
        "550 5.1.1 unknown",
        "failed: 5.1.1 by MX: 550 5.1.1 unknown",
    )
    .await;
    check(
        6,
        "550-5.1.1 no\r\n550 5.1.1 such user",
        "failed: 5.1.1 by MX: 550 5.1.1 no 5.1.1 such user",
    )
    .await;
    check(8, "421 closing", "next host: 4.0.0 by MX: 421 closing").await;
    check(8, "451 no room", "later: 4.0.0 by MX: 451 no room").await;
    check(8, "554 5.5.1 no", "failed: 5.5.1 by MX: 554 5.5.1 no").await;
    check(10, "421 closing", "later: 4.0.0 by MX: 421 closing").await;
    check(10, "451 4.3.0 disk", "later: 4.3.0 by MX: 451 4.3.0 disk").await;
    check(10, "550 5.7.1 spam", "failed: 5.7.1 by MX: 550 5.7.1 spam").await;
    check(10, "354 what", "later: 4.0.0 by MX: 354 what").await;
}

#[tokio::test]
async fn a_host_that_does_not_know_ehlo_is_told_helo() {
    let steps = [
        say("220 old\r\n"),
        Hear("EHLO edge.renovations.com\r\n"),
        say("502 what\r\n"),
        Hear("HELO edge.renovations.com\r\n"),
        say("250 old\r\n"),
    ];
    let (endings, heard) = attempt(&message(1), vec![script(&[&steps, &take()])]).await;
    assert_eq!(endings, ["delivered: 250 2.0.0 taken"]);
    assert!(
        heard[0].contains("MAIL FROM:<samantha@renovations.com>\r\n"),
        "{heard:?}"
    );
}

#[tokio::test]
async fn each_recipient_has_its_own_outcome() {
    let steps = [
        Hear("MAIL"),
        say("250 ok\r\n"),
        Hear("RCPT TO:<user0@example.net>"),
        say("550 5.1.1 unknown\r\n"),
        Hear("RCPT TO:<user1@example.net>"),
        say("250 ok\r\n"),
        Hear("RCPT TO:<user2@example.net>"),
        say("450 busy\r\n"),
        Hear("RCPT TO:<user3@example.net>"),
        say("251 forwarded\r\n"),
        Hear("DATA"),
        say("354 go\r\n"),
        HearData,
        say("250 taken\r\n"),
    ];
    let (endings, _) = attempt(&message(4), vec![script(&[&greet(&[]), &steps])]).await;
    let expected = [
        "failed: 5.1.1 by MX: 550 5.1.1 unknown",
        "delivered: 250 taken",
        "later: 4.0.0 by MX: 450 busy",
        "delivered: 250 taken",
    ];
    assert_eq!(endings, expected);
}

#[tokio::test]
async fn pipelined_commands_are_sent_before_their_replies() {
    let steps = [
        Hear("MAIL"),
        Hear("RCPT TO:<user0@example.net>"),
        Hear("RCPT TO:<user1@example.net>"),
        say("250 ok\r\n550 5.1.1 unknown\r\n"),
        say("250 ok\r\n"),
        Hear("DATA"),
        say("354 go\r\n"),
        HearData,
        say("250 taken\r\n"),
    ];
    let (endings, _) = attempt(
        &message(2),
        vec![script(&[&greet(&["PIPELINING"]), &steps])],
    )
    .await;
    assert_eq!(
        endings,
        [
            "failed: 5.1.1 by MX: 550 5.1.1 unknown",
            "delivered: 250 taken"
        ]
    );
}

#[tokio::test]
async fn when_mail_is_refused_the_replies_to_its_pipelined_recipients_say_nothing() {
    let steps = [
        Hear("MAIL"),
        Hear("RCPT"),
        Hear("RCPT"),
        say("451 4.7.1 later\r\n503 5.5.1 no MAIL\r\n503 5.5.1 no MAIL\r\n"),
        Hear("QUIT"),
    ];
    let (endings, _) = attempt(
        &message(2),
        vec![script(&[&greet(&["PIPELINING"]), &steps])],
    )
    .await;
    assert_eq!(endings, ["later: 4.7.1 by MX: 451 4.7.1 later"; 2]);
}

#[tokio::test]
async fn a_421_in_a_window_leaves_what_was_settled_settled() {
    let steps = [
        Hear("MAIL"),
        Hear("RCPT"),
        Hear("RCPT"),
        Hear("RCPT"),
        say("250 ok\r\n550 5.1.1 unknown\r\n250 ok\r\n421 closing\r\n"),
        Close,
    ];
    let (endings, _) = attempt(
        &message(3),
        vec![script(&[&greet(&["PIPELINING"]), &steps])],
    )
    .await;
    let closing = "next host: 4.0.0 by MX: 421 closing";
    assert_eq!(
        endings,
        ["failed: 5.1.1 by MX: 550 5.1.1 unknown", closing, closing]
    );
}

#[tokio::test]
async fn more_recipients_than_a_transaction_takes_go_in_several() {
    let mut steps = greet(&[]);
    for count in [MOST_RECIPIENTS, 20] {
        steps.extend([Hear("MAIL"), say("250 ok\r\n")]);
        for _ in 0..count {
            steps.extend([Hear("RCPT"), say("250 ok\r\n")]);
        }
        steps.extend([
            Hear("DATA"),
            say("354 go\r\n"),
            HearData,
            say("250 taken\r\n"),
        ]);
    }
    let (endings, _) = attempt(&message(MOST_RECIPIENTS + 20), vec![steps]).await;
    assert_eq!(endings, vec!["delivered: 250 taken"; MOST_RECIPIENTS + 20]);
}

#[tokio::test]
async fn a_transaction_that_came_to_nothing_is_reset_before_the_next() {
    let mut steps = greet(&[]);
    steps.extend([Hear("MAIL"), say("250 ok\r\n")]);
    for _ in 0..MOST_RECIPIENTS {
        steps.extend([Hear("RCPT"), say("550 no\r\n")]);
    }
    steps.extend([Hear("RSET"), say("250 ok\r\n")]);
    let (endings, _) = attempt(
        &message(MOST_RECIPIENTS + 1),
        vec![script(&[&steps, &take()])],
    )
    .await;
    assert_eq!(endings[0], "failed: 5.0.0 by MX: 550 no");
    assert_eq!(endings[MOST_RECIPIENTS], "delivered: 250 2.0.0 taken");
}

#[tokio::test]
async fn hostile_hosts_are_survived() {
    let check = async |steps: Vec<Step>, expected: &str| {
        let (endings, _) = attempt(&message(1), vec![steps]).await;
        assert_eq!(endings, [expected]);
    };
    let http = say("HTTP/1.1 400 Bad Request\r\n\r\n");
    check(
        vec![http],
        "next host: 4.4.2 MX: the host does not speak SMTP",
    )
    .await;
    let endless = Step::Say(vec![b'2'; 100_000]);
    check(
        vec![endless],
        "next host: 4.4.2 MX: the host's reply is longer than 65536 octets",
    )
    .await;
    let more = [Hear("MAIL"), say("250 ok\r\n250 ok\r\n250 ok\r\n")];
    let unasked = "next host: 4.4.2 MX: the host sent more than was asked for";
    check(script(&[&greet(&[]), &more]), unasked).await;
    let closing = [Hear("MAIL"), say("250 ok\r\n421 4.3.2 shutting down\r\n")];
    let expected = "next host: 4.3.2 by MX: 421 4.3.2 shutting down";
    check(script(&[&greet(&[]), &closing]), expected).await;
    let binary = [Hear("MAIL"), Step::Say(b"550 \x00\x1b[2J\xff\r\n".to_vec())];
    check(
        script(&[&greet(&[]), &binary]),
        "failed: 5.0.0 by MX: 550 ??[2J?",
    )
    .await;
}

#[tokio::test]
async fn a_promise_before_the_final_dot_is_no_delivery() {
    let early = [
        Hear("MAIL"),
        say("250 ok\r\n"),
        Hear("RCPT"),
        say("250 ok\r\n"),
        Hear("DATA"),
        say("354 go\r\n250 taken\r\n"),
        Close,
    ];
    let (endings, _) = attempt(&message(1), vec![script(&[&greet(&[]), &early])]).await;
    // The dot counts as sent once it is about to be written: this host is asked again later.
    assert_eq!(
        endings,
        ["later: 4.4.2 MX: the host sent more than was asked for"]
    );
}

#[tokio::test]
async fn a_silent_host_is_given_up() {
    let host = Host::play(vec![vec![]]).await;
    let mut manner = manner(TlsMode::Off);
    manner.timeouts.command = Duration::from_millis(50);
    let endings = attempt_with(
        &message(1),
        Audience::External(ProfileName::default()),
        &manner,
        &host,
    )
    .await;
    let ending = shown(&endings[0].1, host.address);
    assert_eq!(
        ending,
        "next host: 4.4.2 MX: the host did not answer in time"
    );
}

#[tokio::test]
async fn a_host_that_nobody_serves_is_passed_over() {
    let host = Host::closed().await;
    let address = host.address;
    let endings = attempt_with(
        &message(1),
        Audience::External(ProfileName::default()),
        &manner(TlsMode::Off),
        &host,
    )
    .await;
    let ending = shown(&endings[0].1, address);
    assert!(ending.starts_with("next host: 4.4.1 MX: "), "{ending}");
    assert!(ending.contains("refused"), "{ending}");
}

fn start_tls(reply: &str) -> Vec<Step> {
    vec![Hear("STARTTLS\r\n"), say(reply)]
}

#[tokio::test]
async fn an_encrypted_session_begins_anew() {
    let steps = script(&[
        &greet(&["STARTTLS", "SIZE 10"]),
        &start_tls("220 go\r\n"),
        &[
            Encrypt,
            Hear("EHLO edge.renovations.com\r\n"),
            say("250 mx\r\n"),
        ],
        &take(),
    ]);
    // The limit that was announced in clear no longer counts, nor does the parameter.
    let (endings, heard) = attempt(&message(1), vec![steps]).await;
    assert_eq!(endings, ["delivered, encrypted: 250 2.0.0 taken"]);
    assert!(
        heard[0].contains("MAIL FROM:<samantha@renovations.com>\r\n"),
        "{heard:?}"
    );
}

#[tokio::test]
async fn starttls_injection_ends_the_session() {
    let steps = script(&[
        &greet(&["STARTTLS"]),
        &start_tls("220 go\r\n250 injected\r\n"),
    ]);
    let (endings, heard) = attempt(&message(1), vec![steps]).await;
    assert_eq!(
        endings,
        ["next host: 4.4.2 MX: the host sent more than was asked for"]
    );
    assert_eq!(heard, ["EHLO edge.renovations.com\r\nSTARTTLS\r\n"]);
}

#[tokio::test]
async fn a_failed_handshake_is_followed_by_a_session_in_clear() {
    let broken = script(&[
        &greet(&["STARTTLS"]),
        &start_tls("220 go\r\n"),
        &[Hear("\u{16}"), Close],
    ]);
    let noise = script(&[
        &greet(&["STARTTLS"]),
        &start_tls("220 go\r\n"),
        &[Step::Say(vec![b'!'; 50])],
    ]);
    for first in [broken, noise] {
        let clear = script(&[&greet(&["STARTTLS"]), &take()]);
        let (endings, heard) = attempt(&message(1), vec![first, clear]).await;
        assert_eq!(endings, ["delivered: 250 2.0.0 taken"]);
        assert!(!heard[1].contains("STARTTLS"), "{heard:?}");
    }
}

#[tokio::test]
async fn starttls_that_is_refused_or_not_wanted_leaves_the_session_in_clear() {
    for refusal in ["454 not now\r\n", "502 never\r\n"] {
        let steps = script(&[&greet(&["STARTTLS"]), &start_tls(refusal), &take()]);
        let (endings, _) = attempt(&message(1), vec![steps]).await;
        assert_eq!(endings, ["delivered: 250 2.0.0 taken"]);
    }
    let host = Host::play(vec![script(&[&greet(&["STARTTLS"]), &take()])]).await;
    let endings = attempt_with(
        &message(1),
        Audience::External(ProfileName::default()),
        &manner(TlsMode::Off),
        &host,
    )
    .await;
    assert_eq!(
        shown(&endings[0].1, host.address),
        "delivered: 250 2.0.0 taken"
    );
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_the_data_is_heard() {
    let mut message = message(1);
    message.content = [
        b"Subject: big\r\n\r\n".as_slice(),
        &b"0123456789\r\n".repeat(2_000_000),
    ]
    .concat();
    let steps = [
        Hear("MAIL"),
        say("250 ok\r\n"),
        Hear("RCPT"),
        say("250 ok\r\n"),
        Hear("DATA"),
        say("354 go\r\n"),
        Hear("DKIM-Signature"),
        say("552 5.3.4 too big\r\n"),
        Close,
    ];
    let (endings, _) = attempt(&message, vec![script(&[&greet(&[]), &steps])]).await;
    // Whether the words arrive before the reset is the network's affair; a delivery it is in neither case.
    let heard = endings[0] == "failed: 5.3.4 by MX: 552 5.3.4 too big";
    assert!(
        heard || endings[0].starts_with("next host: 4.4.2 MX: the connection broke"),
        "{endings:?}"
    );
}
