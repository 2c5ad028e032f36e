//! kill -9 of the edge under load, at moments of chance: every message that was answered 250 arrives or is reported, nothing
//! that was settled before a kill comes again, and what comes twice was on its way at a kill.
//!
//! A kill takes the process and leaves the page cache: this shows nothing of what has been synced. That is for the spool's own
//! tests, on a disk that loses power.
//!
//! `cargo xtask crash` kills it more often than `ci` has time for.

mod ledger;
mod load;

use std::sync::Arc;

use edge_tests::environment;
use edge_tests::mock_mta::{Behaviour, Step};
use edge_tests::setup::{PRIMARY, Setup};
use edge_tests::world::{Stage, World};
use ledger::Ledger;
use load::{Load, Progress};

/// Clients at once.
const CLIENTS: usize = 8;
/// Deliveries at once.
const CONCURRENCY: usize = 20;
/// The most events (250s and arrivals) between a start and its kill.
const LONGEST: usize = 60;

#[tokio::test]
async fn what_was_answered_before_a_kill_arrives_after_it_or_is_reported() {
    let kills = environment::crash_kills();
    let mut chance = fastrand::Rng::with_seed(20_261_126);
    let setup = Setup::signing("2", "s1").with("delivery", "concurrency", &CONCURRENCY.to_string());
    let mut stage = Stage::set(setup).await;
    stage
        .other
        .behave(exchanger(Step::reply("451 4.3.0 later")));
    let mut ledger = Ledger::default();
    let load = Arc::new(Load::default());
    for number in 0..kills {
        let world = stage.start().await;
        if number + 1 == kills {
            // So that what was put off all the time leaves under kills, too.
            world.other.behave(exchanger(Step::Accept));
        }
        let events = chance.usize(1..=LONGEST);
        let clients = load.begin(world.edge.address(), CLIENTS);
        Progress::of(&world, &load).events(events).await;
        let (killed, log) = world.kill().await;
        for client in clients {
            client.await.unwrap();
        }
        ledger.killed(&killed, &log);
        stage = killed;
    }
    stage.other.behave(exchanger(Step::Accept));
    let world = stage.start().await;
    let answered = load.answered();
    Progress::of(&world, &load)
        .until(|| ledger.missing(&answered, &world).is_empty())
        .await;
    let missing = ledger.missing(&answered, &world);
    assert!(missing.is_empty(), "lost: {missing:#?}");
    let summary = ledger.close(&answered, &world, CONCURRENCY);
    println!("{kills} kills: {summary}");
    println!(
        "figures: process killed under load | {kills} kills | {}",
        summary.figures()
    );
    assert!(answered.len() > 10 * usize::from(kills > 1), "{summary}");
    signed(&world).await;
}

/// It refuses one user, and does with another as it is told.
fn exchanger(later: Step) -> Behaviour {
    Behaviour {
        recipients: vec![
            (load::GONE.to_owned(), Step::reply("550 5.1.1 no such user")),
            (load::LATER.to_owned(), later),
        ],
        ..Behaviour::default()
    }
}

/// What leaves after all of this is signed as ever.
async fn signed(world: &World) {
    let last = world.partner.arrived().pop();
    let key = format!("s1._domainkey.{PRIMARY}");
    world.assert_signed(&last.unwrap(), &[&key]).await;
}
