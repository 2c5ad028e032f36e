//! Nothing that a client says becomes a command, a header field, a line of the log or a line of a report of its own.

use edge_tests::client::RawClient;
use edge_tests::log::field;
use edge_tests::messages;
use edge_tests::mock_mta::{Behaviour, Step};
use edge_tests::setup::Setup;
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

/// What must be refused, before `MAIL`, and behind a `MAIL` that was taken.
const REFUSED: [&str; 7] = [
    "EHLO a\rX-Injected: 1",
    "EHLO a\0b",
    "EHLO a(b)\tc",
    "EHLO \u{1b}[2J",
    "MAIL FROM:<\"a\\\rX-Injected: 1\"@renovations.com>",
    "MAIL FROM:<\"a\0b\"@renovations.com>",
    "MAIL FROM:<rita@renovations.com> ENVID=a+0D+0AX-Injected:+201",
];
const REFUSED_RECIPIENTS: [&str; 5] = [
    "RCPT TO:<\"a\rRCPT TO:<x\"@partner.test>",
    "RCPT TO:<\"a\\\u{7}\"@partner.test>",
    "RCPT TO:<client@partner.test\r.example>",
    "RCPT TO:<client@partner.test> ORCPT=rfc822;a+0D+0ARCPT+20TO:<x@partner.test>",
    "RCPT TO:<client@partner.test> ORCPT=rfc822;a+00b@partner.test",
];

/// What is taken, since it is what it says: its signs must be carried as signs.
const TAKEN: [&str; 3] = [
    "RCPT TO:<\"a> SIZE=1 <b\"@partner.test>",
    "RCPT TO:<\"a\\\"b, ceo\"@partner.test>",
    "RCPT TO:<client@partner.test> ORCPT=rfc822;a+2Bb+3D@partner.test",
];

#[tokio::test]
async fn what_a_client_says_stays_a_word() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    for line in REFUSED {
        let reply = client.command(line).await;
        assert!((500..600).contains(&reply.code), "{line:?}: {reply:?}");
        assert!(!reply.lines.concat().contains("Injected"), "{reply:?}");
    }
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("EHLO client.renovations.com", 250).await;
    client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
    for line in REFUSED_RECIPIENTS {
        let reply = client.command(line).await;
        assert!((500..600).contains(&reply.code), "{line:?}: {reply:?}");
    }
    for line in TAKEN {
        client.expect(line, 250).await;
    }
    client.expect("DATA", 354).await;
    client
        .write(b"X-Kept: a\rX-Injected: 1\r\nSubject: a\nX-Kept: 2\r\n")
        .await;
    client.write(&messages::plain(FROM, TO)).await;
    client.expect(".", 250).await;

    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.values("X-Injected").len(), 0, "{}", arrived.text());
    assert_eq!(arrived.recipients.len(), TAKEN.len());
    let commands = world.partner.transcripts().concat();
    let verbs = [
        "EHLO ",
        "STARTTLS",
        "MAIL FROM:<",
        "RCPT TO:<",
        "DATA",
        "RSET",
        "QUIT",
    ];
    for command in &commands {
        assert!(!command.contains(|c: char| c.is_control()), "{command:?}");
        assert!(
            verbs.iter().any(|verb| command.starts_with(verb)),
            "{command:?}"
        );
    }
    let rcpts = commands.iter().filter(|line| line.starts_with("RCPT "));
    assert_eq!(rcpts.count(), TAKEN.len(), "{commands:?}");
    let log = world.edge.stop().await;
    for event in log.events() {
        assert!(event.get("raw").is_none(), "{event}");
        let told = field(&event, "message");
        assert!(!told.contains("Injected"), "{event}");
    }
}

#[tokio::test]
async fn an_address_that_looks_like_lines_is_one_line_of_a_report() {
    let world = World::start(Setup::signing("2", "s1")).await;
    world.partner.behave(Behaviour {
        rcpt: Step::reply("550 5.1.1 no such user"),
        ..Behaviour::default()
    });
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("EHLO client.renovations.com", 250).await;
    client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
    for line in TAKEN {
        client.expect(line, 250).await;
    }
    client.expect("DATA", 354).await;
    client.write(&messages::plain(FROM, TO)).await;
    client.expect(".", 250).await;
    let report = world.report().await;
    let text = report.text();
    assert_eq!(
        text.matches("\r\nFinal-Recipient:").count(),
        TAKEN.len(),
        "{text}"
    );
    let recipient = "\r\nFinal-Recipient: rfc822; \"a> SIZE=1 <b\"@partner.test\r\n";
    assert!(text.contains(recipient), "{text}");
}
