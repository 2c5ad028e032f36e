//! Where mail lies between its 250 and its end: both kinds of spool, the change between them, damage, and two servers on one.

use std::fs;
use std::os::unix::fs::FileExt as _;

use edge_tests::administrator;
use edge_tests::messages;
use edge_tests::mock_mta::{Behaviour, Step};
use edge_tests::setup::Setup;
use edge_tests::world::{Stage, World};

const FROM: &str = "samantha@renovations.com";
const TO: &str = "client@partner.test";

/// A world with a message in a spool of that kind, which could not be delivered.
async fn with_mail_in(kind: &str) -> (World, String) {
    let setup = Setup::signing("2", "s1").with("spool", "kind", &format!("{kind:?}"));
    World::start_with_mail(setup, FROM, TO).await
}

/// Starts the edge again with a spool of that kind, and requires the one message, once.
async fn delivered_from(mut stage: Stage, kind: &str, id: &str) {
    stage.home.change(|setup| {
        setup.set("spool", "kind", &format!("{kind:?}"));
    });
    stage.partner.behave(Behaviour::default());
    let world = stage.start().await;
    let recovered = [("messages", "1")];
    world.edge.log.event("recovered", &recovered).await;
    world.partner.arrival(1).await;
    world.settled(id).await;
    let (stage, _) = world.kill().await;
    assert_eq!(stage.partner.arrived().len(), 1);
    let world = stage.start().await;
    let recovered = [("messages", "0")];
    world.edge.log.event("recovered", &recovered).await;
}

#[tokio::test]
async fn a_kill_with_mail_in_a_spool_of_files() {
    let (world, id) = with_mail_in("files").await;
    let (stage, _) = world.kill().await;
    delivered_from(stage, "files", &id).await;
}

#[tokio::test]
async fn mail_in_files_is_brought_over_to_the_log() {
    let (world, id) = with_mail_in("files").await;
    let (stage, _) = world.kill().await;
    delivered_from(stage, "log", &id).await;
}

#[tokio::test]
async fn mail_in_the_log_is_brought_over_to_files() {
    let (world, id) = with_mail_in("log").await;
    let (stage, _) = world.stop().await;
    delivered_from(stage, "files", &id).await;
}

#[tokio::test]
async fn damage_to_the_log_is_named_and_kept() {
    let (world, id) = with_mail_in("log").await;
    let (stage, _) = world.stop().await;
    let spool = stage.home.data().join("spool");
    // In the trace that the message's record holds.
    let wanted = format!("ESMTP id {id}");
    let mut struck = 0;
    for file in fs::read_dir(spool.join("log")).unwrap() {
        let path = file.unwrap().path();
        let octets = fs::read(&path).unwrap();
        let mut windows = octets.windows(wanted.len());
        if let Some(at) = windows.position(|window| window == wanted.as_bytes()) {
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.write_all_at(b"#", at as u64).unwrap();
            struck += 1;
        }
    }
    assert_eq!(struck, 1, "the record is in the log once");
    let world = stage.start().await;
    let damaged = world.edge.log.event("spool_record_damaged", &[]).await;
    let copy = edge_tests::log::field(&damaged, "record");
    assert!(copy.contains(&id), "{copy}");
    assert!(fs::read(&copy).unwrap().len() >= 4096);
    let recovered = [("messages", "0")];
    world.edge.log.event("recovered", &recovered).await;
}

#[tokio::test]
async fn a_message_that_may_have_been_delivered_is_held_for_a_person() {
    let world = administrator::with_socket(Setup::signing("2", "s1")).await;
    world.partner.behave(Behaviour {
        mail: Step::reply("451 4.3.0 try later"),
        ..Behaviour::default()
    });
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let about = [("queue_id", id.as_str())];
    world.edge.log.event("deferred", &about).await;
    let (stage, _) = world.stop().await;
    // The state that was recorded last, after its name and its length.
    let state = b"EDGES";
    let mut struck = 0;
    for file in fs::read_dir(stage.home.data().join("spool/log")).unwrap() {
        let path = file.unwrap().path();
        let octets = fs::read(&path).unwrap();
        let mut windows = octets.windows(state.len());
        if let Some(at) = windows.rposition(|window| window == state) {
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            let octet = octets[at + 30] ^ 1;
            file.write_all_at(&[octet], at as u64 + 30).unwrap();
            struck += 1;
        }
    }
    assert_eq!(struck, 1, "the states are in one segment");
    stage.partner.behave(Behaviour::default());
    let world = stage.start().await;
    world.edge.log.event("spool_held", &about).await;
    let shown = administrator::ends_with(&world.home, 0, &["queue", "show", &id]).await;
    assert!(
        shown.contains("held for      damage to the spool"),
        "{shown}"
    );
    // What is drained is all that is not held.
    administrator::ends_with(&world.home, 0, &["queue", "drain"]).await;
    assert_eq!(world.partner.arrived().len(), 0);
    administrator::ends_with(&world.home, 0, &["queue", "release", &id]).await;
    world.partner.arrival(1).await;
    world.settled(&id).await;
}

#[tokio::test]
async fn a_second_server_on_one_spool_does_not_start() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let (status, log) = world.home.start_refused().await;
    assert_eq!(status.code(), Some(1));
    assert!(
        log.text().contains("another smtp-edge uses the spool"),
        "{}",
        log.text()
    );
}

#[tokio::test]
async fn a_large_message_is_kept_apart_and_gone_when_it_is_delivered() {
    let setup = Setup::signing("2", "s1").with("spool", "large_message", "\"16KiB\"");
    let world = World::start(setup).await;
    world.partner.behave(Behaviour {
        mail: Step::reply("451 4.3.0 try later"),
        ..Behaviour::default()
    });
    let mut message = messages::plain(FROM, TO);
    for _ in 0..1000 {
        message.extend_from_slice(b"Forty-two octets of prose in every line.\r\n");
    }
    let id = world.send(FROM, &[TO], &message).await;
    let about = [("queue_id", id.as_str())];
    world.edge.log.event("deferred", &about).await;
    let (stage, _) = world.kill().await;
    let large = stage.home.data().join("spool/large").join(&id);
    assert!(fs::metadata(&large).unwrap().len() > 42_000);
    stage.partner.behave(Behaviour::default());
    let world = stage.start().await;
    let arrived = world.partner.arrival(1).await;
    assert!(arrived.data.len() > 42_000);
    world.settled(&id).await;
    assert!(!large.exists());
}
