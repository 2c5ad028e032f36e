//! Messages that nobody can be sent a report about (RFC 5321 §4.5.5): signed, refused at once, or dropped with a log line.

use edge_tests::client;
use edge_tests::edge::STORE_FILE;
use edge_tests::messages;
use edge_tests::mock_mta::{Behaviour, Step};
use edge_tests::setup::Setup;
use edge_tests::world::{Stage, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

#[tokio::test]
async fn it_is_signed_by_its_from_field() {
    let world = World::start(Setup::signing("2", "s1")).await;
    world.send("", &[TO], &messages::plain(FROM, TO)).await;
    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.from, "");
    world
        .assert_signed(&arrived, &["s1._domainkey.renovations.com"])
        .await;
}

#[tokio::test]
async fn it_is_refused_while_the_client_listens_if_its_key_is_gone() {
    let world = World::start(Setup::keyless("2", "s1")).await;
    let message = messages::plain(FROM, TO);
    let reply = client::submit_bytes(world.edge.address(), "", TO, &message).await;
    assert_eq!(reply.code, 550, "{reply:?}");
    assert!(reply.text().starts_with("5.7.0 "), "{reply:?}");
    world.edge.stop().await;
    assert_eq!(world.internal.transcripts().len(), 0, "no report");
    assert_eq!(world.partner.transcripts().len(), 0);
}

#[tokio::test]
async fn it_is_put_off_while_the_client_listens_if_the_store_is_away() {
    let stage = Stage::set(Setup::signing("2", "s1")).await;
    stage.home.take_away(STORE_FILE);
    let world = stage.start().await;
    let message = messages::plain(FROM, TO);
    let reply = client::submit_bytes(world.edge.address(), "", TO, &message).await;
    assert_eq!(reply.code, 451, "{reply:?}");
    assert!(reply.text().starts_with("4.3.5 "), "{reply:?}");
}

#[tokio::test]
async fn best_effort_sends_it_unsigned() {
    let world = World::start(Setup::keyless("1", "s1")).await;
    world.send("", &[TO], &messages::plain(FROM, TO)).await;
    let arrived = world.partner.arrival(1).await;
    arrived.assert_unsigned();
}

#[tokio::test]
async fn its_failure_is_logged_and_never_reported() {
    let world = World::start(Setup::signing("2", "s1")).await;
    world.partner.behave(Behaviour {
        rcpt: Step::reply("550 5.1.1 nobody here"),
        ..Behaviour::default()
    });
    let id = world.send("", &[TO], &messages::plain(FROM, TO)).await;
    assert_eq!(world.logged(&id, "failed", "status").await, "5.1.1");
    assert_eq!(world.logged(&id, "reported", "report").await, "");
    world.settled(&id).await;
    world.edge.stop().await;
    assert_eq!(world.internal.transcripts().len(), 0);
}
