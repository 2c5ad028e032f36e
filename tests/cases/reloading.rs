//! SIGHUP: what is new comes into force whole, and what is wrong changes nothing.

use edge_tests::edge::STORE_FILE;
use edge_tests::log::field;
use edge_tests::messages;
use edge_tests::setup::{Key, PRIMARY, Setup};
use edge_tests::world::{Stage, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

#[tokio::test]
async fn it_adds_a_domain_and_its_key() {
    let mut world = World::start(Setup::signing("2", "s1")).await;
    let from = "nina@new.example";
    world.send(from, &[TO], &messages::plain(from, TO)).await;
    let before = world.partner.arrival(1).await;
    world.assert_signed(&before, &[]).await;

    let key = Key {
        domain: "new.example".into(),
        selector: "n1".into(),
        algorithm: "RSA 2048".into(),
    };
    world.home.create_key(&key, &world.dns).await;
    world.home.change(|setup| {
        setup.notes.push_str("DKIM_KEY_new.example=n1\n");
    });
    assert_eq!(field(&world.edge.reload().await, "message"), "reloaded");
    for (number, (from, key)) in [(from, "n1._domainkey.new.example"), (FROM, KEY)]
        .iter()
        .enumerate()
    {
        world.send(from, &[TO], &messages::plain(from, TO)).await;
        let arrived = world.partner.arrival(number + 2).await;
        world.assert_signed(&arrived, &[key]).await;
    }
}

#[tokio::test]
async fn what_is_wrong_keeps_the_old_settings_and_says_why() {
    let mut world = World::start(Setup::signing("2", "s1")).await;
    let good = world.home.setup().clone();
    let wrong = [
        (good.notes.replace("Signing=2", "Signing=7"), "notes.ini:1"),
        (
            format!("{}DKIM_KEY_{PRIMARY}=s2\n", good.notes),
            "notes.ini:3",
        ),
        (format!("{}DKIM_KEY_x_y!=s2\n", good.notes), "notes.ini:3"),
    ];
    for (number, (notes, place)) in wrong.into_iter().enumerate() {
        world.home.change(|setup| setup.notes = notes);
        let event = world.edge.reload().await;
        assert_eq!(field(&event, "message"), "reload_failed");
        assert!(field(&event, "why").contains(place), "{event}");
        world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
        let arrived = world.partner.arrival(number + 1).await;
        world.assert_signed(&arrived, &[KEY]).await;
    }
    world.home.change(|setup| {
        *setup = good.clone();
        setup.set("router", "relay_networks", "[\"0.0.0.0/0\"]");
    });
    let event = world.edge.reload().await;
    assert_eq!(field(&event, "message"), "reload_failed");
    assert!(field(&event, "why").contains("relay_networks"), "{event}");
}

#[tokio::test]
async fn a_revoked_key_is_out_of_use() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let keymgmt = world.home.keymgmt();
    keymgmt.ok(&["revoke", "DKIM", PRIMARY, "s1"]).await;
    world.edge.reload().await;
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    assert_eq!(
        world.logged(&id, "signing_failed", "class").await,
        "key_revoked"
    );
    world.report().await;
    assert_eq!(world.partner.transcripts().len(), 0);
}

#[tokio::test]
async fn it_wakes_mail_that_waits_for_its_keys() {
    // The wait is so long that only the reload can be what ends it.
    let setup = Setup::signing("2", "s1")
        .with("delivery", "retry_first", "\"1h\"")
        .with("delivery", "retry_max", "\"1h\"");
    let stage = Stage::set(setup).await;
    stage.home.take_away(STORE_FILE);
    let world = stage.start().await;
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let about = [("queue_id", id.as_str())];
    world.edge.log.event("signing_deferred", &about).await;
    world.home.bring_back(STORE_FILE);
    world.edge.reload().await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
}

#[tokio::test]
async fn what_is_wrong_at_the_start_is_refused_with_the_place() {
    let mut stage = Stage::set(Setup::signing("2", "s1")).await;
    stage
        .home
        .change(|setup| setup.notes = "RouterDKIMSigning=2\nDKIM_KEY_a..b=s1\n".to_owned());
    let (status, log) = stage.home.start_refused().await;
    assert_eq!(status.code(), Some(78), "{}", log.text());
    assert!(log.text().contains("notes.ini:2"), "{}", log.text());
    let (status, printed) = stage.home.check().await;
    assert_eq!(status, Some(78), "{printed}");
    assert!(printed.contains("notes.ini:2"), "{printed}");
}

#[tokio::test]
async fn check_names_keys_that_cannot_sign_and_settings_that_are_not_meant() {
    let mut stage = Stage::set(Setup::signing("2", "s1")).await;
    let (status, printed) = stage.home.check().await;
    assert_eq!(status, Some(0), "{printed}");
    stage.home.change(|setup| {
        setup.notes = format!("RouterDKIMSigning=2\nDKIM_KEY_{PRIMARY}=s1,gone\n");
        setup.set("signing", "quiet", "true");
    });
    let (status, printed) = stage.home.check().await;
    assert_eq!(status, Some(78), "{printed}");
    assert!(
        printed.contains("gone._domainkey.renovations.com"),
        "{printed}"
    );
    assert!(printed.contains("signing.quiet"), "{printed}");
}
