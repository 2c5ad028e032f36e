//! SMTP smuggling: the data ends at CRLF.CRLF and nowhere else, and what leaves gives the next server no other end to see.

use edge_tests::client::RawClient;
use edge_tests::messages;
use edge_tests::setup::Setup;
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

const SMUGGLED: &str = "MAIL FROM:<ceo@renovations.com>\r\nRCPT TO:<client@partner.test>\r\nDATA\r\n\
                        From: ceo@renovations.com\r\n\r\nsmuggled\r\n";

/// Sends a message with a second one behind `mark`, and gives the code of the one reply that the data must get.
async fn send(world: &World, mark: &[u8]) -> u16 {
    let mut client = RawClient::connect(world.edge.address()).await;
    client.begin_data(FROM, TO).await;
    let message = messages::with_from(FROM, TO, "before");
    let data = [&message, mark, SMUGGLED.as_bytes(), b".\r\n"].concat();
    client.write(&data).await;
    let reply = client.reply().await;
    // Had the data ended at the mark, more replies would stand before this one.
    let noop = client.expect("NOOP", 250).await;
    assert_eq!(noop.text(), "2.0.0 OK");
    client.expect("QUIT", 221).await;
    reply.code
}

#[tokio::test]
async fn no_other_sequence_ends_the_data() {
    let marks: [&[u8]; 9] = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\r\n.\r\r\n",
        b"\r\r\n.\r\r\n",
        b"\r\n..\r\n",
    ];
    let world = World::start(Setup::signing("2", "s1")).await;
    for (number, mark) in marks.iter().enumerate() {
        assert_eq!(send(&world, mark).await, 250, "{mark:?}");
        let arrived = world.partner.arrival(number + 1).await;
        let text = arrived.text();
        assert!(text.contains("MAIL FROM:<ceo@"), "{mark:?}: {text}");
        assert_only_crlf(&arrived.data);
        world.assert_signed(&arrived, &[KEY]).await;
    }
    assert_eq!(world.partner.arrived().len(), marks.len());
}

#[tokio::test]
async fn nul_is_refused() {
    let world = World::start(Setup::signing("2", "s1")).await;
    for mark in [&b"\r\n\0.\r\n"[..], b"\r\n.\0\r\n"] {
        assert_eq!(send(&world, mark).await, 554, "{mark:?}");
    }
    world.edge.stop().await;
    assert_eq!(world.partner.transcripts().len(), 0);
}

#[tokio::test]
async fn dots_at_the_start_of_lines_arrive_as_they_were_sent() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let body = ".\r\n..\r\n.a\r\n\r\n.\r\n";
    let message = messages::with_from(FROM, TO, body);
    world.send(FROM, &[TO], &message).await;
    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.body(), body.as_bytes(), "{}", arrived.text());
    world.assert_signed(&arrived, &[KEY]).await;
}

#[tokio::test]
async fn commands_that_stand_behind_data_or_quit_are_not_mixed_up() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    let message = messages::plain(FROM, TO);
    let all = [
        format!("EHLO c.renovations.com\r\nMAIL FROM:<{FROM}>\r\nRCPT TO:<{TO}>\r\nDATA\r\n")
            .as_bytes(),
        &message,
        b".\r\nNOOP\r\nQUIT\r\nMAIL FROM:<late@renovations.com>\r\n",
    ]
    .concat();
    client.write(&all).await;
    let mut codes = Vec::new();
    while let Some(reply) = client.next_reply().await {
        codes.push(reply.code);
    }
    assert_eq!(codes, [250, 250, 250, 354, 250, 250, 221]);
    world.partner.arrival(1).await;
}

#[tokio::test]
async fn another_protocol_is_told_so_and_hears_nothing_of_itself() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client
        .write(b"POST /secret HTTP/1.1\r\nHost: renovations.com\r\n\r\nMAIL FROM:<a@renovations.com>\r\n")
        .await;
    let reply = client.reply().await;
    assert_eq!(reply.code, 521);
    assert!(!reply.text().contains("secret"), "{reply:?}");
    assert_eq!(client.next_reply().await, None);
}

fn assert_only_crlf(data: &[u8]) {
    let rest = String::from_utf8_lossy(data).replace("\r\n", "");
    assert!(!rest.contains(['\r', '\n']), "{rest:?}");
}
