//! Signatures are verified before they leave: by the key's own record, and by what is published.

use edge_tests::admin::{self, Metrics};
use edge_tests::messages;
use edge_tests::setup::{PRIMARY, Setup};
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

fn setup(settings: &[(&str, &str)]) -> Setup {
    let setup = Setup::signing("2", "s1").with("admin", "listen", "\"127.0.0.1:0\"");
    settings.iter().fold(setup, |setup, (key, value)| {
        setup.with("signing", key, value)
    })
}

async fn send(world: &World) -> String {
    world.send(FROM, &[TO], &messages::plain(FROM, TO)).await
}

/// How many signatures were found so.
async fn found(world: &World, result: &str) -> f64 {
    let metrics = Metrics::read(admin::address(&world.edge).await).await;
    metrics.value("smtp_edge_self_checks_total", &[("result", result)])
}

/// Publishes another key under the name of the one that signs.
fn publish_another(world: &World) {
    let other = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="; // RFC 8463 §A.2
    world.dns.change(|zone| {
        zone.remove(KEY).txt(KEY, other);
    });
}

#[tokio::test]
async fn the_first_message_and_one_in_so_many_are_verified() {
    let world = World::start(setup(&[("self_check_one_in", "4")])).await;
    for sent in 1..=8 {
        send(&world).await;
        world.partner.arrival(sent).await;
    }
    assert_eq!(found(&world, "passed").await, 3.0); // the first, the fourth and the eighth
    world.edge.reload().await;
    send(&world).await;
    assert_eq!(found(&world, "passed").await, 4.0); // the first under other settings
}

#[tokio::test]
async fn checks_that_are_off_ask_nobody() {
    let world = World::start(setup(&[("self_check", "\"off\"")])).await;
    publish_another(&world);
    send(&world).await;
    world.partner.arrival(1).await;
    assert_eq!(found(&world, "passed").await, 0.0);
    let asked = world.dns.asked();
    assert!(
        !asked.iter().any(|(name, _)| name.contains("_domainkey")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_published_record_of_another_key_is_said_and_the_mail_goes() {
    let world = World::start(setup(&[("self_check", "\"all\"")])).await;
    publish_another(&world);
    let id = send(&world).await;
    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.values("DKIM-Signature").len(), 1);
    let class = world.logged(&id, "signing_failed", "class").await;
    assert_eq!(class, "published_key_mismatch");
    assert_eq!(found(&world, "published_mismatch").await, 1.0);
}

#[tokio::test]
async fn mail_waits_until_the_record_is_published_where_the_policy_says_so() {
    let setting = ("on_failure", "{ published_key_mismatch = \"defer\" }");
    let world = World::start(setup(&[setting])).await;
    world.dns.change(|zone| {
        zone.remove(KEY);
    });
    let id = send(&world).await;
    let class = world.logged(&id, "signing_deferred", "class").await;
    assert_eq!(class, "published_key_mismatch");
    assert_eq!(world.partner.arrived().len(), 0);
    let keymgmt = world.home.keymgmt();
    let shown = keymgmt
        .ok(&["export", "DKIM", "DNS", PRIMARY, "s1", "again.txt"])
        .await;
    let record = std::fs::read_to_string(world.home.data().join("again.txt")).expect(&shown);
    world.dns.change(|zone| {
        zone.txt(KEY, record.trim());
    });
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
    let about = [("queue_id", id.as_str()), ("occasion", "deferred")];
    world.edge.log.event("signing_replayed", &about).await;
}

#[tokio::test]
async fn a_dns_that_fails_holds_nothing_up() {
    let world = World::start(setup(&[("self_check", "\"all\"")])).await;
    world.dns.change(|zone| {
        zone.fail(KEY);
    });
    send(&world).await;
    world.dns.change(|zone| {
        zone.recover(KEY);
    });
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
    assert_eq!(found(&world, "unanswered").await, 1.0);
}
