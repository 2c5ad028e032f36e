//! Reloads one after the other while mail passes: each message leaves under one policy, and nothing is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use edge_tests::client;
use edge_tests::judges::{self, Judge};
use edge_tests::messages;
use edge_tests::setup::{PRIMARY, Setup};
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

/// The policies that follow one another: which selectors sign.
const POLICIES: [&str; 3] = ["s1", "s2", "s1,s2"];

#[tokio::test]
async fn each_message_leaves_under_one_policy_that_was_in_force() {
    let notes = |selectors: &str| format!("RouterDKIMSigning=2\nDKIM_KEY_{PRIMARY}={selectors}\n");
    let setup = Setup::notes(&notes(POLICIES[0]))
        .key(PRIMARY, "s1", "Ed25519")
        .key(PRIMARY, "s2", "RSA 2048");
    let mut world = World::start(setup).await;
    let calm = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (calm, address) = (Arc::clone(&calm), world.edge.address());
            tokio::spawn(async move {
                let mut sent = 0;
                while !calm.load(Ordering::Relaxed) {
                    client::submit(address, FROM, &[TO], &messages::plain(FROM, TO)).await;
                    sent += 1;
                }
                sent
            })
        })
        .collect();
    // The storm is made of reloads at a pace, and so has a clock of its own.
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    for number in 0..250 {
        pace.tick().await;
        world
            .home
            .change(|setup| setup.notes = notes(POLICIES[number % POLICIES.len()]));
        world.edge.hang_up();
    }
    calm.store(true, Ordering::Relaxed);
    let mut sent = 0;
    for client in clients {
        sent += client.await.unwrap();
    }
    assert!(sent > 20, "only {sent} messages passed through the storm");

    let arrived = world.partner.arrivals(sent).await;
    assert_eq!(arrived.len(), sent, "each arrived once");
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, arrived) in arrived.iter().enumerate() {
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, &arrived.data).unwrap();
        files.push(file);
    }
    let mut seen = BTreeSet::new();
    for verdicts in judges::judge_files(&[Judge::MailAuth], world.dns.address(), &files).await {
        assert!(
            verdicts.iter().all(judges::Verdict::passed),
            "{verdicts:#?}"
        );
        let mut selectors: Vec<&str> = verdicts.iter().map(|verdict| &*verdict.selector).collect();
        selectors.sort_unstable();
        seen.insert(selectors.join(","));
    }
    let policies: BTreeSet<String> = POLICIES.map(str::to_owned).into();
    assert!(seen.is_subset(&policies), "{seen:?}");
    assert!(
        seen.len() > 1,
        "the policies changed while mail passed: {seen:?}"
    );
    assert_eq!(world.internal.transcripts().len(), 0, "nothing is reported");
    assert_eq!(world.edge.log.matching("reload_failed", &[]).len(), 0);
    assert!(world.edge.log.matching("reloaded", &[]).len() > 20);
}
