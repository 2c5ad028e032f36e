//! Mail that waits in the queue leaves as the settings and keys say that are in force when it leaves, and is signed again for
//! that where it must be and nowhere else.

use edge_tests::edge::STORE_FILE;
use edge_tests::messages;
use edge_tests::mock_mta::{Arrived, Behaviour, Step};
use edge_tests::setup::{ALIAS, Key, PRIMARY, Setup};
use edge_tests::world::{PARTNER_MX, Stage, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const S1: &str = "s1._domainkey.renovations.com";
const S2: &str = "s2._domainkey.renovations.com";

fn notes(mode: &str, selectors: &str) -> String {
    format!("RouterDKIMSigning={mode}\nDKIM_KEY_{PRIMARY}={selectors}\n")
}

fn two_keys(mode: &str, selectors: &str) -> Setup {
    Setup::notes(&notes(mode, selectors))
        .key(PRIMARY, "s1", "Ed25519")
        .key(PRIMARY, "s2", "Ed25519")
}

fn busy() -> Behaviour {
    Behaviour {
        mail: Step::reply("451 4.3.0 try later"),
        ..Behaviour::default()
    }
}

/// A world with a message that was accepted and could not be delivered.
async fn waiting(setup: Setup) -> (World, String) {
    let world = World::start(setup).await;
    world.partner.behave(busy());
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    world.edge.log.event("deferred", &[("queue_id", &id)]).await;
    (world, id)
}

/// Puts another notes.ini in force.
async fn reload(world: &mut World, notes: String) {
    world.home.change(|setup| setup.notes = notes);
    world.edge.reload().await;
}

/// The next hop takes mail again, and the message arrives.
async fn arrives(world: &World) -> std::sync::Arc<Arrived> {
    world.partner.behave(Behaviour::default());
    world.partner.arrival(1).await
}

/// Requires that the step was run again on that occasion, and on no other.
async fn replayed(world: &World, id: &str, occasion: &str) {
    world.settled(id).await;
    let replays = world
        .edge
        .log
        .matching("signing_replayed", &[("queue_id", id)]);
    let occasions: Vec<&str> = replays
        .iter()
        .filter_map(|event| event["occasion"].as_str())
        .collect();
    assert_eq!(occasions, [occasion]);
}

#[tokio::test]
async fn other_selectors_are_in_force() {
    let (mut world, id) = waiting(two_keys("2", "s1")).await;
    reload(&mut world, notes("2", "s2")).await;
    let arrived = arrives(&world).await;
    world.assert_signed(&arrived, &[S2]).await;
    replayed(&world, &id, "policy_changed").await;
}

#[tokio::test]
async fn signing_was_turned_off_and_on() {
    let (mut world, id) = waiting(two_keys("2", "s1")).await;
    reload(&mut world, notes("0", "s1")).await;
    arrives(&world).await.assert_unsigned();
    replayed(&world, &id, "policy_changed").await;

    let (mut world, id) = waiting(two_keys("0", "s1")).await;
    reload(&mut world, notes("2", "s1")).await;
    let arrived = arrives(&world).await;
    world.assert_signed(&arrived, &[S1]).await;
    replayed(&world, &id, "policy_changed").await;
}

#[tokio::test]
async fn the_domain_has_lost_its_entry_and_has_it_again() {
    let none = "RouterDKIMSigning=2\n";
    let (mut world, id) = waiting(two_keys("2", "s1")).await;
    reload(&mut world, none.to_owned()).await;
    arrives(&world).await.assert_unsigned();
    replayed(&world, &id, "policy_changed").await;

    let (mut world, id) = waiting(Setup::notes(none).key(PRIMARY, "s1", "Ed25519")).await;
    reload(&mut world, notes("2", "s1")).await;
    let arrived = arrives(&world).await;
    world.assert_signed(&arrived, &[S1]).await;
    replayed(&world, &id, "policy_changed").await;
}

#[tokio::test]
async fn a_key_that_signed_was_revoked() {
    let (world, id) = waiting(two_keys("1", "s1,s2")).await;
    let keymgmt = world.home.keymgmt();
    keymgmt.ok(&["revoke", "DKIM", PRIMARY, "s1"]).await;
    world.edge.log.event("keyring_swapped", &[]).await;
    let arrived = arrives(&world).await;
    world.assert_signed(&arrived, &[S2]).await;
    replayed(&world, &id, "keys_changed").await;

    let (world, id) = waiting(two_keys("2", "s1,s2")).await;
    let keymgmt = world.home.keymgmt();
    keymgmt.ok(&["revoke", "DKIM", PRIMARY, "s1"]).await;
    world.edge.log.event("keyring_swapped", &[]).await;
    let report = world.report().await;
    assert!(report.text().contains("Status: 5.3.5"), "{}", report.text());
    replayed(&world, &id, "keys_changed").await;
    assert_eq!(world.partner.arrived().len(), 0);
}

#[tokio::test]
async fn a_key_that_signed_was_replaced_by_another_of_its_name() {
    // It is gone for a moment.
    let setting = "{ key_missing = \"defer\" }";
    let (world, id) =
        waiting(Setup::signing("2", "s1").with("signing", "on_failure", setting)).await;
    let keymgmt = world.home.keymgmt();
    keymgmt.ok(&["delete", "DKIM", PRIMARY, "s1"]).await;
    let key = Key {
        domain: PRIMARY.into(),
        selector: "s1".into(),
        algorithm: "Ed25519".into(),
    };
    world.home.create_key(&key, &world.dns).await;
    let both = [("changed", S1), ("unusable", "0")];
    world.edge.log.event("keyring_swapped", &both).await;
    let arrived = arrives(&world).await;
    world.assert_signed(&arrived, &[S1]).await;
    world.settled(&id).await;
}

#[tokio::test]
async fn a_recipient_is_no_longer_internal() {
    let world = World::start(Setup::signing("2", "s1")).await;
    world.internal.behave(busy());
    let to = format!("owner@{ALIAS}");
    let id = world.send(FROM, &[&to], &messages::plain(FROM, &to)).await;
    world.edge.log.event("deferred", &[("queue_id", &id)]).await;
    world.dns.change(|zone| {
        let host = format!("mx.{ALIAS}");
        zone.mx(ALIAS, 10, &host).address(&host, PARTNER_MX);
    });
    let mut world = world;
    world.home.change(|setup| {
        setup.set("router", "internal_domains", &format!("[{PRIMARY:?}]"));
    });
    world.edge.reload().await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[S1]).await;
    replayed(&world, &id, "new_copy").await;
}

#[tokio::test]
async fn a_signature_is_about_to_expire() {
    let setup = Setup::signing("2", "s1").with("signing", "expire_after", "\"4s\"");
    let (world, id) = waiting(setup).await;
    let about = [("queue_id", id.as_str()), ("occasion", "stale")];
    world.edge.log.event("signing_replayed", &about).await;
    let arrived = arrives(&world).await;
    world.assert_signed(&arrived, &[S1]).await;
}

#[tokio::test]
async fn a_reload_that_changes_nothing_signs_nothing_again() {
    let (mut world, id) = waiting(two_keys("2", "s1")).await;
    let same = format!("{}; the same\n", notes("2", "s1"));
    reload(&mut world, same).await;
    let keymgmt = world.home.keymgmt();
    keymgmt.ok(&["revoke", "DKIM", PRIMARY, "s2"]).await;
    let arrived = arrives(&world).await;
    world.assert_signed(&arrived, &[S1]).await;
    world.settled(&id).await;
    assert_eq!(world.edge.log.matching("signing_replayed", &[]).len(), 0);
    assert_eq!(world.edge.log.matching("signed", &[]).len(), 1);
}

#[tokio::test]
async fn a_store_that_is_away_takes_no_signature_from_mail_that_has_it() {
    let (world, id) = waiting(Setup::signing("2", "s1")).await;
    let (stage, _): (Stage, _) = world.stop().await;
    stage.home.take_away(STORE_FILE);
    stage.partner.behave(Behaviour::default());
    let world = stage.start().await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[S1]).await;
    world.settled(&id).await;
    assert_eq!(world.edge.log.matching("signing_replayed", &[]).len(), 0);
}
