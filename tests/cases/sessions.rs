//! What clients may say beyond plain SMTP, from the socket to the next hop.

use edge_tests::client::RawClient;
use edge_tests::messages;
use edge_tests::setup::Setup;
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

#[tokio::test]
async fn a_message_in_chunks_arrives_as_it_was_sent_and_signed() {
    let world = World::start(Setup::signing("2", "s1")).await;
    // Dots that DATA would have doubled, and what would be commands between two chunks.
    let body = ".\r\n..\r\n.a\r\nQUIT\r\nMAIL FROM:<x@renovations.com>\r\n";
    let message = messages::with_from(FROM, TO, body);
    for size in [1, 7, message.len()] {
        let mut octets = format!(
            "EHLO c.renovations.com\r\nMAIL FROM:<{FROM}> BODY=8BITMIME\r\nRCPT TO:<{TO}>\r\n"
        )
        .into_bytes();
        let chunks = message.chunks(size);
        for chunk in chunks.clone() {
            octets.extend(format!("BDAT {}\r\n", chunk.len()).into_bytes());
            octets.extend(chunk);
        }
        octets.extend(b"BDAT 0 LAST\r\nQUIT\r\n");
        let before = world.partner.arrived().len();
        let mut client = RawClient::connect(world.edge.address()).await;
        client.write(&octets).await;
        let mut codes = Vec::new();
        while let Some(reply) = client.next_reply().await {
            codes.push(reply.code);
        }
        let expected = [vec![250; 3 + chunks.len() + 1], vec![221]].concat();
        assert_eq!(codes, expected, "chunks of {size}");
        let arrived = world.partner.arrival(before + 1).await;
        assert_eq!(arrived.body(), body.as_bytes(), "{}", arrived.text());
        world.assert_signed(&arrived, &[KEY]).await;
    }
}

#[tokio::test]
async fn what_a_refused_chunk_holds_is_neither_obeyed_nor_sent() {
    let setup = Setup::signing("2", "s1").with("smtp", "max_message_size", "1000");
    let world = World::start(setup).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("EHLO c.renovations.com", 250).await;
    client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
    client.expect(&format!("RCPT TO:<{TO}>"), 250).await;
    let smuggled = format!(
        "RSET\r\nMAIL FROM:<ceo@renovations.com>\r\nRCPT TO:<{TO}>\r\nDATA\r\n\r\nsmuggled\r\n.\r\n"
    );
    let chunk = smuggled.repeat(15);
    assert!(chunk.len() > 1000);
    client
        .write(format!("BDAT {} LAST\r\n{chunk}", chunk.len()).as_bytes())
        .await;
    assert_eq!(client.reply().await.code, 552);
    client.expect("BDAT 0 LAST", 503).await;
    client.expect("NOOP", 250).await;
    client.expect("QUIT", 221).await;
    world.edge.stop().await;
    assert_eq!(world.partner.transcripts().len(), 0);
}

#[tokio::test]
async fn a_client_behind_a_proxy_has_its_own_rights_and_its_own_received_field() {
    let setup = Setup::signing("2", "s1")
        .with("listen", "xclient_from", "[\"127.0.0.1\"]")
        .with(
            "router",
            "relay_networks",
            "[\"127.0.0.1\", \"192.0.2.0/24\"]",
        );
    let world = World::start(setup).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    for (address, code) in [("127.0.0.1", 550), ("203.0.113.5", 550), ("192.0.2.7", 250)] {
        let xclient =
            format!("XCLIENT ADDR={address} NAME=app.renovations.com HELO=app PROTO=ESMTP");
        client.expect(&xclient, 220).await;
        client.expect("EHLO proxy.renovations.com", 250).await;
        client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
        client.expect(&format!("RCPT TO:<{TO}>"), code).await;
        if code == 250 {
            client.expect("DATA", 354).await;
            client.write(&messages::plain(FROM, TO)).await;
            client.expect(".", 250).await;
        } else {
            client.expect("RSET", 250).await;
        }
    }
    let arrived = world.partner.arrival(1).await;
    let text = arrived.text();
    assert!(
        text.contains(
            "from app (app.renovations.com [192.0.2.7])\r\n\tby edge.renovations.com with ESMTP"
        ),
        "{text}"
    );
    let refused = [("client", "203.0.113.5")];
    world.edge.log.event("rejected", &refused).await;
}

#[tokio::test]
async fn nobody_else_names_clients() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    let offered = client.expect("EHLO c.renovations.com", 250).await;
    assert!(
        !offered.lines.iter().any(|line| line.starts_with("XCLIENT")),
        "{offered:?}"
    );
    client.expect("XCLIENT ADDR=192.0.2.7", 550).await;
}

#[tokio::test]
async fn a_message_that_must_go_under_tls_is_not_taken_in_clear() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("EHLO c.renovations.com", 250).await;
    client
        .expect(&format!("MAIL FROM:<{FROM}> REQUIRETLS"), 250)
        .await;
    client.expect(&format!("RCPT TO:<{TO}>"), 250).await;
    client.expect("DATA", 354).await;
    client.write(&messages::plain(FROM, TO)).await;
    let reply = client.expect(".", 550).await;
    assert!(reply.text().starts_with("5.7.30 "), "{reply:?}");
    world.edge.stop().await;
    assert_eq!(world.partner.transcripts().len(), 0);
}
