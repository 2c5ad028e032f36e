//! A storm: reloads one after the other, keys that come and go, and mail that passes meanwhile. Each message leaves as one
//! policy says that was in force between its acceptance and its departure, every signature verifies, and nothing is lost.
//!
//! `cargo xtask storm` lets it blow for 30 seconds.

mod timeline;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge_tests::client;
use edge_tests::environment;
use edge_tests::judges::{self, Judge, Verdict};
use edge_tests::mock_mta::{Arrived, PATIENCE};
use edge_tests::setup::{Key, PRIMARY, Setup};
use edge_tests::world::World;
use jiff::Timestamp;
use timeline::{Policy, Timeline};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
/// The time between two reloads.
const PACE: Duration = Duration::from_millis(20);

#[tokio::test]
async fn each_message_leaves_under_one_policy_that_was_in_force() {
    let seconds = environment::storm_seconds();
    let keys = ["k0", "k1", "k2"];
    let first = Policy::new(2, &["k0"]);
    let mut setup = Setup::notes(&first.notes());
    for selector in keys {
        setup = setup.key(PRIMARY, selector, "Ed25519");
    }
    let timeline = Arc::new(Mutex::new(Timeline::new(first, &keys)));
    let world = World::start(setup).await;
    let calm = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let (calm, timeline) = (Arc::clone(&calm), Arc::clone(&timeline));
            tokio::spawn(send(number, world.edge.address(), calm, timeline))
        })
        .collect();
    let watch = watch_arrivals(&world, &timeline);
    let turnover = turn_over_keys(&world, &calm, &timeline);
    let reloads = async {
        reload(&world, seconds, &timeline).await;
        calm.store(true, Ordering::Relaxed);
    };
    tokio::join!(reloads, turnover);
    let mut sent = 0;
    for client in clients {
        sent += client.await.unwrap();
    }
    all_settled(&world, sent).await;
    watch.abort();

    let arrived = world.partner.arrived();
    let reported = world.internal.arrived().len();
    println!(
        "{sent} messages sent, {} arrived, {reported} reported",
        arrived.len()
    );
    assert!(sent > 20, "only {sent} messages passed through the storm");
    assert_eq!(
        arrived.len() + reported,
        sent,
        "each arrived or was reported, once"
    );
    assert_eq!(world.edge.log.matching("reload_failed", &[]).len(), 0);
    let reloaded = world.edge.log.matching("reloaded", &[]);
    assert!(reloaded.len() > 20, "{} reloads", reloaded.len());
    let mut timeline = timeline.lock().unwrap().clone();
    timeline.reloaded = reloaded.iter().map(written_at).collect();
    let verdicts = judged(&world, &arrived).await;
    let mut kinds = BTreeSet::new();
    for (arrived, verdicts) in arrived.iter().zip(verdicts) {
        let failed = verdicts.iter().find(|verdict| !verdict.passed());
        assert!(failed.is_none(), "{failed:#?}");
        let selectors: Vec<String> = verdicts
            .iter()
            .map(|verdict| verdict.selector.clone())
            .collect();
        timeline.check(&subject(arrived), &selectors);
        kinds.insert(selectors);
    }
    assert!(
        kinds.len() > 3,
        "the policies changed while mail passed: {kinds:?}"
    );
}

/// Sends mail until it is calm, and gives the number of messages.
async fn send(
    client: usize,
    edge: SocketAddr,
    calm: Arc<AtomicBool>,
    timeline: Arc<Mutex<Timeline>>,
) -> usize {
    let mut sent = 0;
    while !calm.load(Ordering::Relaxed) {
        let subject = format!("{client}-{sent}");
        timeline.lock().unwrap().sent(&subject);
        let message =
            format!("From: {FROM}\r\nTo: {TO}\r\nSubject: {subject}\r\n\r\nthrough the storm\r\n");
        client::submit(edge, FROM, &[TO], message.as_bytes()).await;
        sent += 1;
    }
    sent
}

/// Notes when each message has arrived, at the latest.
fn watch_arrivals(world: &World, timeline: &Arc<Mutex<Timeline>>) -> tokio::task::JoinHandle<()> {
    let (partner, timeline) = (world.partner.watch(), Arc::clone(timeline));
    tokio::spawn(async move {
        let mut partner = partner;
        let mut seen = 0;
        while partner.changed().await.is_ok() {
            let arrived = partner.borrow_and_update().clone();
            for message in arrived.iter().skip(seen) {
                timeline.lock().unwrap().arrived(&subject(message));
            }
            seen = arrived.len();
        }
    })
}

/// Writes another notes.ini at each beat, and has it read.
async fn reload(world: &World, seconds: u64, timeline: &Mutex<Timeline>) {
    let mut pace = tokio::time::interval(PACE);
    let beats = u128::from(seconds) * 1000 / PACE.as_millis();
    for beat in 0..usize::try_from(beats).unwrap() {
        pace.tick().await;
        let policy = timeline.lock().unwrap().next_policy(beat);
        // Noted before it is written: it is not in force earlier.
        world.home.write_notes(&policy.notes());
        world.edge.hang_up();
    }
}

/// Makes keys and revokes others, until it is calm. Every third is revoked while policies still name it.
async fn turn_over_keys(world: &World, calm: &AtomicBool, timeline: &Mutex<Timeline>) {
    let keymgmt = world.home.keymgmt();
    let mut number = 3;
    while !calm.load(Ordering::Relaxed) {
        let key = Key {
            domain: PRIMARY.into(),
            selector: format!("k{number}"),
            algorithm: "Ed25519".into(),
        };
        timeline.lock().unwrap().creating(&key.selector);
        world.home.create_key(&key, &world.dns).await;
        timeline.lock().unwrap().created(&key.selector);
        let oldest = format!("k{}", number - 3);
        if number % 3 != 0 {
            timeline.lock().unwrap().retire(&oldest);
        }
        timeline.lock().unwrap().revoking(&oldest);
        keymgmt.ok(&["revoke", "DKIM", PRIMARY, &oldest]).await;
        timeline.lock().unwrap().revoked(&oldest);
        number += 1;
    }
}

/// Waits until each message has arrived or was reported.
async fn all_settled(world: &World, sent: usize) {
    let mut partner = world.partner.watch();
    let mut internal = world.internal.watch();
    let settled = async {
        while world.partner.arrived().len() + world.internal.arrived().len() < sent {
            tokio::select! {
                changed = partner.changed() => changed.unwrap(),
                changed = internal.changed() => changed.unwrap(),
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, settled).await;
    let (arrived, reported) = (
        world.partner.arrived().len(),
        world.internal.arrived().len(),
    );
    assert!(
        waited.is_ok(),
        "{sent} sent, {arrived} arrived, {reported} reported"
    );
}

/// What each judge says of each message: mail-auth of all, the others of some.
async fn judged(world: &World, arrived: &[Arc<Arrived>]) -> Vec<Vec<Verdict>> {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = arrived
        .iter()
        .enumerate()
        .map(|(number, arrived)| {
            let file = folder.path().join(number.to_string());
            std::fs::write(&file, &arrived.data).unwrap();
            file
        })
        .collect();
    let some: Vec<_> = files
        .iter()
        .step_by(files.len() / 50 + 1)
        .cloned()
        .collect();
    for verdicts in judges::judge_files(&Judge::ALL, world.dns.address(), &some).await {
        let failed = verdicts.iter().find(|verdict| !verdict.passed());
        assert!(failed.is_none(), "{failed:#?}");
    }
    judges::judge_files(&[Judge::MailAuth], world.dns.address(), &files).await
}

fn subject(arrived: &Arrived) -> String {
    arrived.values("Subject").concat().trim().to_owned()
}

fn written_at(event: &serde_json::Value) -> Timestamp {
    event["timestamp"].as_str().unwrap().parse().unwrap()
}
