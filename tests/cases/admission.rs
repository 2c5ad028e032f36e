//! How much a client may have, and what becomes of it and of others when it wants more.

use std::net::SocketAddr;
use std::time::Duration;

use edge_tests::admin::{self, Metrics};
use edge_tests::client::{self, RawClient};
use edge_tests::messages;
use edge_tests::mock_mta::PATIENCE;
use edge_tests::setup::Setup;
use edge_tests::world::{Stage, World};
use rustix::process::Resource;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

/// An edge for which this machine is a client like any other.
fn bounded() -> Setup {
    Setup::signing("2", "s1").with("smtp", "unlimited_clients", "[]")
}

/// The first reply on a new connection.
async fn first_reply(edge: SocketAddr) -> (RawClient, client::Reply) {
    let mut client = RawClient::open(edge).await;
    let reply = client.reply().await;
    (client, reply)
}

/// Connects until the edge greets.
async fn greeted(edge: SocketAddr) -> RawClient {
    let connecting = async {
        loop {
            let (client, reply) = first_reply(edge).await;
            if reply.code == 220 {
                return client;
            }
        }
    };
    timeout(PATIENCE, connecting)
        .await
        .expect("a greeting in time")
}

async fn assert_turned_away(edge: SocketAddr, status: &str) {
    let (mut client, reply) = first_reply(edge).await;
    assert_eq!(reply.code, 421, "{reply:?}");
    assert!(reply.text().starts_with(status), "{reply:?}");
    assert_eq!(client.next_reply().await, None);
}

#[tokio::test]
async fn a_client_has_so_many_connections_and_no_more() {
    let world = World::start(bounded().with("smtp", "max_connections_per_client", "2")).await;
    let edge = world.edge.address();
    let mut first = RawClient::connect(edge).await;
    let second = RawClient::connect(edge).await;
    assert_turned_away(edge, "4.7.0 ").await;
    first.expect("NOOP", 250).await;
    drop(second);
    greeted(edge).await;
    let reason = [("client", "127.0.0.1"), ("reason", "client_full")];
    world.edge.log.event("turned_away", &reason).await;
}

#[tokio::test]
async fn all_clients_together_have_so_many_connections_and_no_more() {
    let setup = Setup::signing("2", "s1").with("smtp", "max_connections", "2");
    let world = World::start(setup).await;
    let edge = world.edge.address();
    let first = RawClient::connect(edge).await;
    let _second = RawClient::connect(edge).await;
    assert_turned_away(edge, "4.3.2 ").await;
    drop(first);
    greeted(edge).await;
}

#[tokio::test]
async fn a_client_opens_connections_at_its_rate() {
    let world = World::start(bounded().with("smtp", "connection_rate", "\"3/1h\"")).await;
    let edge = world.edge.address();
    for _ in 0..3 {
        RawClient::connect(edge).await.expect("QUIT", 221).await;
    }
    assert_turned_away(edge, "4.7.0 ").await;
    let reason = [("client", "127.0.0.1"), ("reason", "client_rate")];
    world.edge.log.event("turned_away", &reason).await;
}

#[tokio::test]
async fn a_client_sends_messages_at_its_rate() {
    let world = World::start(bounded().with("smtp", "message_rate", "\"2/1h\"")).await;
    for _ in 0..2 {
        world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    }
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("EHLO client.renovations.com", 250).await;
    let reply = client.expect(&format!("MAIL FROM:<{FROM}>"), 451).await;
    assert!(reply.text().starts_with("4.7.0 "), "{reply:?}");
    client.expect("QUIT", 221).await;
}

#[tokio::test]
async fn messages_hold_no_more_memory_than_they_may() {
    let setup = Setup::signing("2", "s1").with("smtp", "max_receiving_memory", "\"256KiB\"");
    let world = World::start(setup).await;
    let edge = world.edge.address();
    // One message that does not end holds most of it …
    let message = messages::with_from(FROM, TO, &"a line of text\r\n".repeat(13_000));
    let mut slow = chunk(edge, &message).await;
    assert_eq!(slow.reply().await.code, 250);
    let big = messages::with_from(FROM, TO, &"a line of text\r\n".repeat(5_000));
    let refused = client::submit_bytes(edge, FROM, TO, &big).await;
    assert_eq!(refused.code, 452, "{refused:?}");
    assert!(refused.text().starts_with("4.3.1 "), "{refused:?}");
    // … by BDAT as well, after which RSET leads on.
    let mut other = chunk(edge, &big).await;
    assert_eq!(other.reply().await.code, 452);
    other.expect("RSET", 250).await;
    // Small ones pass, and all is free again when the slow one has ended.
    world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    slow.expect("BDAT 0 LAST", 250).await;
    let reply = client::submit_bytes(edge, FROM, TO, &big).await;
    assert_eq!(reply.code, 250, "{reply:?}");
}

/// A client that has sent a chunk, which is not the last.
async fn chunk(edge: SocketAddr, octets: &[u8]) -> RawClient {
    let mut client = RawClient::connect(edge).await;
    client.expect("EHLO client.renovations.com", 250).await;
    client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
    client.expect(&format!("RCPT TO:<{TO}>"), 250).await;
    client
        .write(format!("BDAT {}\r\n", octets.len()).as_bytes())
        .await;
    client.write(octets).await;
    client
}

#[tokio::test]
async fn one_client_holds_half_of_the_memory() {
    let world = World::start(bounded().with("smtp", "max_receiving_memory", "\"64KiB\"")).await;
    let message = messages::with_from(FROM, TO, &"a line of text\r\n".repeat(2_500));
    let reply = client::submit_bytes(world.edge.address(), FROM, TO, &message).await;
    assert_eq!(reply.code, 452, "{reply:?}");
    let message = messages::with_from(FROM, TO, &"a line of text\r\n".repeat(1_500));
    let reply = client::submit_bytes(world.edge.address(), FROM, TO, &message).await;
    assert_eq!(reply.code, 250, "{reply:?}");
}

#[tokio::test]
async fn without_a_descriptor_clients_are_told_so_and_the_server_recovers_by_itself() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let edge = world.edge.address();
    let before = world.edge.limit(Resource::Nofile, Some(64));
    let mut clients = Vec::new();
    let mut turned_away = 0;
    while turned_away < 20 {
        let (client, reply) = first_reply(edge).await;
        match reply.code {
            421 => {
                assert!(reply.text().starts_with("4.3.2 "), "{reply:?}");
                turned_away += 1;
            }
            // Among the refusals as well: a descriptor may be free that was needed elsewhere for a moment.
            _ => clients.push(client),
        }
        assert!(clients.len() < 64, "no descriptor is missed");
    }
    // Those who are there are served, for a message that needs no descriptor more than there are.
    clients[0].expect("NOOP", 250).await;
    let reason = [("reason", "descriptors")];
    world.edge.log.nth(20, "turned_away", &reason).await;
    drop(clients);
    greeted(edge).await;
    world.edge.limit(Resource::Nofile, before);
    world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    world.partner.arrival(1).await;
}

#[tokio::test]
async fn a_disk_that_takes_no_more_refuses_mail_for_now_and_no_longer_than_that() {
    let stage = Stage::set(Setup::signing("2", "s1")).await;
    // Python starts it with SIGXFSZ ignored, so that a file over the limit fails as one on a full disk does.
    let edge = stage.home.start_by(stage.home.command_behind("")).await;
    let before = edge.limit(Resource::Fsize, Some(16));
    for _ in 0..2 {
        let reply =
            client::submit_bytes(edge.address(), FROM, TO, &messages::plain(FROM, TO)).await;
        assert_eq!(reply.code, 452, "{reply:?}");
        assert!(reply.text().starts_with("4.3.1 "), "{reply:?}");
    }
    edge.limit(Resource::Fsize, before);
    edge.log.event("spool_works", &[]).await;
    client::submit(edge.address(), FROM, &[TO], &messages::plain(FROM, TO)).await;
    stage.partner.arrival(1).await;
    assert_eq!(edge.log.matching("accepted", &[]).len(), 1);
    edge.stop().await;
}

/// Sends octets one at a time, ten a second, until the edge answers.
async fn dribble(client: &mut RawClient, octets: &[u8]) -> client::Reply {
    for octet in octets.iter().cycle() {
        client.write(&[*octet]).await;
        if let Ok(reply) = timeout(Duration::from_millis(100), client.reply()).await {
            return reply;
        }
    }
    unreachable!("octets never end")
}

#[tokio::test]
async fn octets_that_drip_keep_no_connection() {
    let setup = Setup::signing("2", "s1")
        .with("smtp", "command_timeout", "\"1s\"")
        .with("smtp", "data_timeout", "\"1s\"");
    let world = World::start(setup).await;
    let edge = world.edge.address();
    let mut client = RawClient::connect(edge).await;
    let reply = timeout(PATIENCE, dribble(&mut client, b"NOOP ")).await;
    let reply = reply.expect("an end in time");
    assert_eq!(reply.code, 421, "{reply:?}");
    assert!(reply.text().starts_with("4.4.2 "), "{reply:?}");
    let mut client = RawClient::connect(edge).await;
    client.begin_data(FROM, TO).await;
    let reply = timeout(PATIENCE, dribble(&mut client, b"text ")).await;
    let reply = reply.expect("an end in time");
    assert_eq!(reply.code, 421, "{reply:?}");
    assert_eq!(world.edge.log.matching("accepted", &[]).len(), 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_keeps_no_connection() {
    let setup = Setup::signing("2", "s1")
        .with("smtp", "command_timeout", "\"1s\"")
        .with("smtp", "max_connections", "1")
        .with("smtp", "max_idle_commands", "4000000000");
    let world = World::start(setup).await;
    let edge = world.edge.address();
    let mut stream = RawClient::connect(edge).await.into_transport();
    let many = b"HELP\r\n".repeat(10_000);
    // The edge stops reading when it can write no more, and ends what does not go on.
    let writing = async { while stream.write_all(&many).await.is_ok() {} };
    timeout(PATIENCE, writing).await.expect("an end in time");
    greeted(edge).await;
}

#[tokio::test]
async fn http_is_turned_away_at_once_and_hears_nothing_of_what_it_said() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client
        .write(
            b"POST /echo HTTP/1.1\r\nHost: echo\r\n\r\nEHLO echo\r\nMAIL FROM:<echo@x.example>\r\n",
        )
        .await;
    let reply = client.reply().await;
    assert_eq!(reply.code, 521, "{reply:?}");
    assert!(!reply.text().contains("echo"), "{reply:?}");
    assert_eq!(client.next_reply().await, None);
}

#[tokio::test]
async fn what_is_counted_is_served() {
    let world = World::start(
        bounded()
            .with("smtp", "max_connections_per_client", "1")
            .with("admin", "listen", "\"127.0.0.1:0\""),
    )
    .await;
    let first = RawClient::connect(world.edge.address()).await;
    assert_turned_away(world.edge.address(), "4.7.0 ").await;
    let metrics = Metrics::read(admin::address(&world.edge).await).await;
    let turned_away = |reason| {
        let labels = [("reason", reason)];
        metrics.value("smtp_edge_turned_away_total", &labels)
    };
    assert_eq!(
        [turned_away("client_full"), turned_away("full")],
        [1.0, 0.0]
    );
    assert_eq!(metrics.value("smtp_edge_connections", &[]), 1.0);
    assert_eq!(metrics.value("smtp_edge_receiving_bytes", &[]), 0.0);
    drop(first);
}
