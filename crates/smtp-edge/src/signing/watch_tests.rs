//! One look after another at a store that changes, and a policy that changes meanwhile.

use std::path::Path;
use std::time::SystemTime;

use common_config::notes_ini::NotesIni;
use router_config::{RouterConfig, RouterSettings, SigningSettings};

use super::*;
use crate::clock::Clock;
use crate::queue;
use crate::signing::keyring::tests::{S1, S2, Store, name};
use crate::signing::self_check::tests::no_dns;
use crate::signing::state::FaultClass;

/// A policy under which renovations.com has this selector, with its keys.
async fn policy(selector: &str, store: &Store) -> InForce {
    let in_force = InForce::load(router(selector), store.source.clone());
    in_force.await.unwrap()
}

fn router(selector: &str) -> Arc<RouterConfig> {
    let notes = format!("RouterDKIMSigning=2\nDKIM_KEY_renovations.com={selector}\n");
    let notes = NotesIni::parse(Path::new("notes.ini"), notes.as_bytes()).unwrap();
    let settings: RouterSettings = serde_json::from_str(
        r#"{"internal_domains": ["internal.example"], "internal_next_hop": "127.0.0.1:25",
            "postmaster": "postmaster@internal.example"}"#,
    )
    .unwrap();
    let router = RouterConfig::load(&settings, &SigningSettings::default(), notes.entries());
    Arc::new(router.unwrap())
}

/// A step under the policy that names s1, and its watch after a first look.
async fn watched(store: &Store) -> (Arc<SigningStep>, KeyringWatch) {
    let step = SigningStep::new(policy("s1", store).await, no_dns(), Clock::system());
    let step = Arc::new(step);
    let (handle, _) = queue::channel();
    let mut watch = KeyringWatch::new(Arc::clone(&step), handle);
    watch.look().await;
    (step, watch)
}

async fn revoke(store: &Store, key: &str) {
    let revoked = store.store.revoke(&name(key), SystemTime::UNIX_EPOCH).await;
    revoked.unwrap();
}

#[tokio::test]
async fn the_set_is_exchanged_whole_and_only_for_keys_that_the_policy_names() {
    let store = Store::new().await;
    store.insert_good(S1).await;
    let (step, mut watch) = watched(&store).await;
    let first = step.in_force();
    store.insert_good(S2).await;
    watch.look().await;
    assert!(Arc::ptr_eq(&first, &step.in_force()), "s2 is not named");
    revoke(&store, S1).await;
    assert!(Arc::ptr_eq(&first, &step.in_force()), "nobody has looked");
    watch.look().await;
    assert!(step.in_force().keyring.key(&name(S1)).is_err());
    assert!(
        first.keyring.key(&name(S1)).is_ok(),
        "who holds the old set keeps it"
    );
}

#[tokio::test]
async fn a_reload_that_comes_meanwhile_wins() {
    let store = Store::new().await;
    store.insert_good(S1).await;
    store.insert_good(S2).await;
    let (step, mut watch) = watched(&store).await;
    let read_under = step.in_force();
    step.replace(policy("s2", &store).await);
    let late = Arc::new(policy("s1", &store).await);
    assert!(!step.swap(&read_under, late));
    let reloaded = step.in_force();
    assert!(reloaded.keyring.key(&name(S2)).is_ok());

    // And the watch goes on under the policy that the reload brought.
    revoke(&store, S1).await;
    watch.look().await;
    assert!(
        Arc::ptr_eq(&reloaded, &step.in_force()),
        "s1 is no longer named"
    );
    revoke(&store, S2).await;
    watch.look().await;
    assert!(step.in_force().keyring.key(&name(S2)).is_err());
}

#[tokio::test]
async fn a_change_between_a_reload_and_the_look_after_it_is_not_missed() {
    let store = Store::new().await;
    store.insert_good(S1).await;
    let (step, mut watch) = watched(&store).await;
    // The reload reads its keys, the key is revoked, the watch sees that, and only then the reload comes into force.
    let stale = policy("s1", &store).await;
    revoke(&store, S1).await;
    watch.look().await;
    step.replace(stale);
    watch.look().await;
    assert!(step.in_force().keyring.key(&name(S1)).is_err());
}

#[tokio::test]
async fn a_reload_believes_no_older_copy_of_the_store_and_a_restart_does() {
    let store = Store::new().await;
    store.insert_good(S1).await;
    store.insert_good(S2).await;
    let (step, mut watch) = watched(&store).await;
    let backup = std::fs::read(&store.source.store).unwrap();
    revoke(&store, S1).await;
    revoke(&store, S2).await; // which the policy does not name: only the watch has seen it
    watch.look().await;
    std::fs::write(&store.source.store, backup).unwrap();
    let check = |in_force: &InForce, key: &str, expected: Option<FaultClass>| {
        let fault = in_force.keyring.key(&name(key)).err();
        assert_eq!(fault.map(|fault| fault.class), expected, "{key}");
    };
    let reload = async |selector, source| {
        let in_force = step.in_force();
        in_force
            .succeeded_by(router(selector), source)
            .await
            .unwrap()
    };
    let source = || store.source.clone();
    check(
        &reload("s1", source()).await,
        S1,
        Some(FaultClass::KeyRevoked),
    );
    check(
        &reload("s2", source()).await,
        S2,
        Some(FaultClass::StoreAway),
    );
    // Under another path it is no other store.
    let mut elsewhere = source();
    elsewhere.store.set_extension("copy");
    std::fs::copy(&store.source.store, &elsewhere.store).unwrap();
    check(
        &reload("s1", elsewhere).await,
        S1,
        Some(FaultClass::StoreAway),
    );
    // What starts anew has seen nothing.
    check(&policy("s1", &store).await, S1, None);
}
