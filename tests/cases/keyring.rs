//! Changes of the credential store while the edge runs: they come into force without a signal, and no message is lost.

use std::cell::Cell;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use edge_tests::edge::{NEK_FILE, STORE_FILE};
use edge_tests::judges::{Judge, judge_files};
use edge_tests::log::field;
use edge_tests::messages;
use edge_tests::mock_mta::Arrived;
use edge_tests::setup::{Key, PRIMARY, Setup};
use edge_tests::world::{Stage, World};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::key_failures::alter;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

fn key(selector: &str) -> Key {
    Key {
        domain: PRIMARY.into(),
        selector: selector.into(),
        algorithm: "Ed25519".into(),
    }
}

async fn send(world: &World) -> String {
    world.send(FROM, &[TO], &messages::plain(FROM, TO)).await
}

/// Waits for the `count`th swap, and requires that it was about the one key.
async fn swapped(world: &World, count: usize) {
    let event = world.edge.log.nth(count, "keyring_swapped", &[]).await;
    assert_eq!(field(&event, "changed"), KEY);
}

async fn keymgmt(world: &World, verb: &str, selector: &str) {
    let keymgmt = world.home.keymgmt();
    keymgmt.ok(&[verb, "DKIM", PRIMARY, selector]).await;
}

#[tokio::test]
async fn a_created_key_signs_without_a_signal() {
    let world = World::start(Setup::keyless("2", "s1")).await;
    let before = send(&world).await;
    let class = world.logged(&before, "signing_failed", "class").await;
    assert_eq!(class, "key_missing");
    world.report().await;
    // A key that the settings do not name is nothing to them.
    world.home.create_key(&key("other"), &world.dns).await;
    world.home.create_key(&key("s1"), &world.dns).await;
    swapped(&world, 1).await;
    send(&world).await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
    assert_eq!(world.edge.log.matching("keyring_swapped", &[]).len(), 1);
}

#[tokio::test]
async fn a_revoked_key_is_out_of_use_without_a_signal() {
    for (mode, consequence) in [("1", "sent_unsigned"), ("2", "not_sent")] {
        let world = World::start(Setup::signing(mode, "s1")).await;
        send(&world).await;
        let arrived = world.partner.arrival(1).await;
        world.assert_signed(&arrived, &[KEY]).await;
        keymgmt(&world, "revoke", "s1").await;
        swapped(&world, 1).await;
        let unusable = [("key", KEY), ("class", "key_revoked")];
        world.edge.log.event("key_unusable", &unusable).await;
        let id = send(&world).await;
        let about = [
            ("queue_id", id.as_str()),
            ("class", "key_revoked"),
            ("consequence", consequence),
        ];
        world.edge.log.event("signing_failed", &about).await;
        match mode {
            "1" => {
                world.partner.arrival(2).await.assert_unsigned();
            }
            _ => {
                world.report().await;
                world.settled(&id).await;
                assert_eq!(world.partner.arrived().len(), 1);
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_is_deleted_and_created_again_is_another_one() {
    let world = World::start(Setup::signing("2", "s1")).await;
    keymgmt(&world, "delete", "s1").await;
    swapped(&world, 1).await;
    let unusable = [("key", KEY), ("class", "key_missing")];
    world.edge.log.event("key_unusable", &unusable).await;
    world.home.create_key(&key("s1"), &world.dns).await;
    swapped(&world, 2).await;
    send(&world).await;
    // The zone has the new record alone.
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
}

#[tokio::test]
async fn a_line_that_is_altered_while_it_runs_is_found_out() {
    let world = World::start(Setup::signing("2", "s1")).await;
    alter(
        &world.home,
        "UPDATE dkim_key SET created_at = created_at + 1",
    )
    .await;
    swapped(&world, 1).await;
    let unusable = [("key", KEY), ("class", "key_unreadable")];
    world.edge.log.event("key_unusable", &unusable).await;
}

/// A message is deferred because `file` is away, and leaves when it is back; its own time would come in an hour.
async fn deferred_until_back(file: &str) {
    let setup = Setup::signing("2", "s1")
        .with("delivery", "retry_first", "\"1h\"")
        .with("delivery", "retry_max", "\"1h\"");
    let stage = Stage::set(setup).await;
    stage.home.take_away(file);
    let world = stage.start().await;
    world.edge.log.event("store_away", &[]).await;
    let id = send(&world).await;
    let about = [("queue_id", id.as_str())];
    world.edge.log.event("signing_deferred", &about).await;
    world.home.bring_back(file);
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
    world.edge.log.event("store_back", &[]).await;
    swapped(&world, 1).await;
    world.settled(&id).await;
}

#[tokio::test]
async fn a_deferred_message_leaves_as_soon_as_the_store_is_back() {
    deferred_until_back(STORE_FILE).await;
}

#[tokio::test]
async fn a_deferred_message_leaves_as_soon_as_the_nek_is_back() {
    deferred_until_back(NEK_FILE).await;
}

#[tokio::test]
async fn a_store_that_goes_away_takes_no_key_with_it() {
    let world = World::start(Setup::signing("2", "s1")).await;
    world.home.take_away(STORE_FILE);
    world.edge.log.event("store_away", &[]).await;
    send(&world).await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
    world.edge.reload().await;
    send(&world).await;
    let arrived = world.partner.arrival(2).await;
    world.assert_signed(&arrived, &[KEY]).await;
    world.home.bring_back(STORE_FILE);
    world.edge.log.event("store_back", &[]).await;
    keymgmt(&world, "revoke", "s1").await;
    swapped(&world, 1).await;
}

#[tokio::test]
async fn an_older_copy_of_the_store_brings_no_revoked_key_back() {
    let world = World::start(Setup::keyless("2", "s1")).await;
    // The swap shows that the store has been looked at; what changes in the midst of a look is seen at the next one.
    world.home.create_key(&key("s1"), &world.dns).await;
    swapped(&world, 1).await;
    let store = world.home.data().join(STORE_FILE);
    let backup = std::fs::read(&store).unwrap();
    keymgmt(&world, "revoke", "s1").await;
    swapped(&world, 2).await;
    std::fs::write(&store, backup).unwrap();
    let event = world.edge.log.event("store_away", &[]).await;
    assert!(field(&event, "why").contains("went back"), "{event}");
    let refused = async |world: &World| {
        let id = send(world).await;
        let class = world.logged(&id, "signing_failed", "class").await;
        assert_eq!(class, "key_revoked");
    };
    refused(&world).await;
    // Nor does a reload, which brings the settings alone.
    assert_eq!(field(&world.edge.reload().await, "message"), "reloaded");
    refused(&world).await;
    // A start has seen nothing: it takes a backup that was restored on purpose.
    let (stage, _) = world.stop().await;
    let world = stage.start().await;
    send(&world).await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
}

#[tokio::test]
async fn it_follows_a_reload_and_takes_no_settings_without_one() {
    let mut world = World::start(Setup::signing("2", "s0")).await;
    world.home.create_key(&key("s1"), &world.dns).await;
    world.home.change(|setup| {
        setup.notes = setup.notes.replace("s0", "s1");
    });
    assert_eq!(field(&world.edge.reload().await, "message"), "reloaded");
    // Half edited, as it were: a change of the store must not bring this into force.
    world.home.change(|setup| {
        setup.notes = setup.notes.replace("s1", "s0");
    });
    keymgmt(&world, "revoke", "s1").await;
    swapped(&world, 1).await;
    let id = send(&world).await;
    assert_eq!(world.logged(&id, "signing_failed", "key").await, KEY);
}

/// Keys come and go every 50 ms for 5 s; each message is signed with a key that was there, or reported.
#[tokio::test]
async fn a_storm_of_changes_loses_no_message() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let first = std::fs::read_to_string(world.home.data().join(format!("s1.{PRIMARY}.txt")));
    let mut records = vec![first.unwrap().trim_end().to_owned()];
    let over = Cell::new(false);
    let storm = async {
        let mut ticks = interval(Duration::from_millis(50));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            ticks.tick().await;
            keymgmt(&world, "revoke", "s1").await;
            ticks.tick().await;
            keymgmt(&world, "delete", "s1").await;
            records.push(world.home.create_unpublished(&key("s1")).await);
        }
        over.set(true);
    };
    // One before the storm, so that at least one is signed however slow the machine is.
    let first = messages::with_from(FROM, TO, "Message 0.\r\n");
    let first = world.send(FROM, &[TO], &first).await;
    world.partner.arrival(1).await;
    let sender = async {
        let mut ids = vec![first];
        while !over.get() {
            let body = format!("Message {}.\r\n", ids.len());
            let message = messages::with_from(FROM, TO, &body);
            ids.push(world.send(FROM, &[TO], &message).await);
        }
        ids
    };
    let ((), ids) = tokio::join!(storm, sender);
    for id in &ids {
        world.settled(id).await;
    }
    let arrived = world.partner.arrived();
    let log = &world.edge.log;
    let told = ids
        .iter()
        .map(|id| log.matching("reported", &[("queue_id", id)]).len());
    let reported: usize = told.sum();
    assert_eq!(arrived.len() + reported, ids.len(), "{}", log.text());
    // Each report is a message of its own, which the internal server gets.
    world.internal.arrivals(reported).await;
    let swaps = log.matching("keyring_swapped", &[]).len();
    println!(
        "{} messages: {} signed, {reported} reported; {} keys, {swaps} swaps",
        ids.len(),
        arrived.len(),
        records.len()
    );
    assert!(swaps >= 1 && !arrived.is_empty());
    assert_each_verifies(&world, arrived, &records).await;

    // Then it is calm, and the last key signs.
    let calm = records.last().unwrap();
    publish(&world, calm);
    let mut sent = world.partner.arrived().len();
    let arrived = loop {
        let id = send(&world).await;
        world.settled(&id).await;
        if world.partner.arrived().len() > sent {
            break world.partner.arrived()[sent].clone();
        }
        sent = world.partner.arrived().len();
    };
    world.assert_signed(&arrived, &[KEY]).await;
}

fn publish(world: &World, record: &str) {
    world.dns.change(|zone| {
        zone.remove(KEY).txt(KEY, record);
    });
}

/// Requires that each message verifies with one of the records, the world's judges being asked about the first and last.
async fn assert_each_verifies(world: &World, mut arrived: Vec<Arc<Arrived>>, records: &[String]) {
    arrived.sort_by_key(|arrived| number(arrived));
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut recent = 0;
    for (place, message) in arrived.iter().enumerate() {
        std::fs::write(file.path(), &message.data).unwrap();
        let mut found = None;
        // Later messages have later keys, so that the search seldom goes far.
        for shift in 0..records.len() {
            let candidate = (recent + shift) % records.len();
            publish(world, &records[candidate]);
            let files = [file.path().to_owned()];
            let verdicts = judge_files(&[Judge::MailAuth], world.dns.address(), &files).await;
            assert_eq!(verdicts[0].len(), 1, "one signature: {}", message.text());
            if verdicts[0][0].passed() {
                found = Some(candidate);
                break;
            }
        }
        recent = found.unwrap_or_else(|| panic!("no key made this: {}", message.text()));
        if place == 0 || place + 1 == arrived.len() {
            world.assert_signed(message, &[KEY]).await;
        }
    }
}

/// The number in the body of a message of the storm.
fn number(arrived: &Arrived) -> usize {
    let body = String::from_utf8_lossy(arrived.body());
    let digits: String = body.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[tokio::test]
async fn its_memory_is_no_other_programs_business() {
    let stage = Stage::set(Setup::signing("2", "s1")).await;
    let mut command = stage.home.command("run");
    // To root all files under /proc look like its own. With another group, those of a process that may be traced have it.
    if rustix::process::geteuid().is_root() {
        command.gid(65_534);
    }
    let edge = stage.home.start_by(command).await;
    let process = format!("/proc/{}", edge.process());
    let limits = std::fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"));
    let core: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(core, ["0", "0", "bytes"], "{limits}");
    // proc(5): a process that is not dumpable has files of root:root, whoever runs it.
    let environment = std::fs::metadata(format!("{process}/environ")).unwrap();
    assert_eq!((environment.uid(), environment.gid()), (0, 0));
    assert!(edge.log.matching("not_hardened", &[]).is_empty());
    edge.stop().await;
}
