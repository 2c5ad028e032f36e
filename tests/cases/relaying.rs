//! Who may send through the edge, and what it takes from them.

use edge_tests::client::{self, RawClient};
use edge_tests::messages;
use edge_tests::setup::{PRIMARY, Setup};
use edge_tests::world::{Stage, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

#[tokio::test]
async fn a_client_that_is_not_listed_reaches_the_postmaster_and_nobody_else() {
    let setup = Setup::signing("2", "s1").with("router", "relay_networks", "[\"192.0.2.0/24\"]");
    let world = World::start(setup).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("EHLO stranger.example", 250).await;
    client.expect("MAIL FROM:<x@stranger.example>", 250).await;
    for recipient in [TO, "bob@renovations.com", "client@[127.0.0.3]"] {
        let reply = client.command(&format!("RCPT TO:<{recipient}>")).await;
        assert!((500..600).contains(&reply.code), "{recipient}: {reply:?}");
    }
    client.expect("DATA", 503).await;
    for postmaster in ["postmaster", "Postmaster@renovations.com"] {
        client.expect(&format!("RCPT TO:<{postmaster}>"), 250).await;
    }
    client.expect("DATA", 354).await;
    let message = messages::plain("x@stranger.example", "postmaster@renovations.com");
    client.write(&[&message[..], b".\r\n"].concat()).await;
    assert_eq!(client.reply().await.code, 250);
    let arrived = world.internal.arrival(1).await;
    for to in arrived.to() {
        assert!(
            to.eq_ignore_ascii_case("postmaster@renovations.com"),
            "{to}"
        );
    }
    assert_eq!(world.partner.transcripts().len(), 0);
}

#[tokio::test]
async fn a_refusal_is_logged_with_the_client() {
    let setup = Setup::signing("2", "s1").with("router", "relay_networks", "[\"192.0.2.0/24\"]");
    let world = World::start(setup).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("EHLO stranger.example", 250).await;
    client.expect("MAIL FROM:<x@stranger.example>", 250).await;
    let reply = client.expect(&format!("RCPT TO:<{TO}>"), 550).await;
    assert!(reply.text().starts_with("5.7.1 "), "{reply:?}");
    let client = [("client", "127.0.0.1")];
    world.edge.log.event("rejected", &client).await;
}

#[tokio::test]
async fn an_open_relay_does_not_start() {
    for networks in [
        "[\"0.0.0.0/0\"]",
        "[\"::/0\"]",
        "[\"127.0.0.0/8\", \"0.0.0.0/1\", \"128.0.0.0/1\"]",
    ] {
        let stage = Stage::set(Setup::default().with("router", "relay_networks", networks)).await;
        let (status, log) = stage.home.start_refused().await;
        assert_eq!(status.code(), Some(78), "{networks}: {}", log.text());
        assert!(log.text().contains("relay_networks"), "{}", log.text());
    }
}

#[tokio::test]
async fn an_unknown_setting_is_refused_with_the_nearest_known_one() {
    let stage = Stage::set(Setup::default().with("smtp", "max_recipient", "5")).await;
    let (status, log) = stage.home.start_refused().await;
    assert_eq!(status.code(), Some(78), "{}", log.text());
    for expected in ["smtp-edge.toml", "max_recipient", "max_recipients"] {
        assert!(log.text().contains(expected), "{}", log.text());
    }
}

#[tokio::test]
async fn what_is_announced_is_what_is_done() {
    let world =
        World::start(Setup::signing("2", "s1").with("smtp", "max_message_size", "\"64KiB\"")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    let hello = client.expect("EHLO c.renovations.com", 250).await;
    let expected = [
        "edge.renovations.com",
        "PIPELINING",
        "SIZE 65536",
        "8BITMIME",
        "SMTPUTF8",
        "CHUNKING",
        "ENHANCEDSTATUSCODES",
        "LIMITS MAILMAX=1000 RCPTMAX=1000",
    ];
    assert_eq!(hello.lines, expected);
    client
        .expect(&format!("MAIL FROM:<{FROM}> SIZE=65537"), 552)
        .await;
    client.expect("VRFY rita", 252).await;
    client.expect("HELP", 214).await;
    client.expect("RSET", 250).await;
    client.expect("QUIT", 221).await;

    let big = messages::with_from(FROM, TO, &"a line of text\r\n".repeat(5000));
    let reply = client::submit_bytes(world.edge.address(), FROM, TO, &big).await;
    assert_eq!(reply.code, 552, "{reply:?}");
    let small = messages::with_from(FROM, TO, &"a line of text\r\n".repeat(3000));
    world.send(FROM, &[TO], &small).await;
    assert_eq!(world.partner.arrival(1).await.body().len(), 48_000);
}

#[tokio::test]
async fn sloppy_clients_are_understood() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("helo printer", 250).await;
    client.expect(&format!("mail from: {FROM}"), 250).await;
    client.expect(&format!("Rcpt To: <{TO}>"), 250).await;
    client.expect("data", 354).await;
    // Neither Date nor Message-ID, lines that end in LF, and a blind copy.
    client
        .write(b"From: rita@renovations.com\nBcc: boss@renovations.com\nSubject: scan\n\nhere\n\r\n.\r\n")
        .await;
    let accepted = client.reply().await;
    assert_eq!(accepted.code, 250, "{accepted:?}");
    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.values("Date").len(), 1, "{}", arrived.text());
    assert_eq!(arrived.values("Message-ID").len(), 1, "{}", arrived.text());
    assert_eq!(arrived.values("Bcc").len(), 0, "{}", arrived.text());
    let received = arrived.values("Received").join(" ");
    for expected in [
        "from printer",
        "[127.0.0.1]",
        "by edge.renovations.com with SMTP",
        &format!("for <{TO}>"),
    ] {
        assert!(received.contains(expected), "{expected}: {received}");
    }
    let key = format!("s1._domainkey.{PRIMARY}");
    world.assert_signed(&arrived, &[&key]).await;
}

#[tokio::test]
async fn a_message_that_circles_is_stopped() {
    let world = World::start(Setup::signing("2", "s1").with("smtp", "max_received", "5")).await;
    let hops = "Received: from a by b; Tue, 24 Nov 2026 09:00:00 +0000\r\n".repeat(6);
    let message = [hops.as_bytes(), &messages::plain(FROM, TO)].concat();
    let reply = client::submit_bytes(world.edge.address(), FROM, TO, &message).await;
    assert_eq!(reply.code, 554, "{reply:?}");
    assert!(reply.text().starts_with("5.4.6 "), "{reply:?}");
}
