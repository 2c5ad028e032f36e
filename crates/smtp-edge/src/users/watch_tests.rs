//! One look after another at a store whose users change.

use std::collections::HashMap;
use std::time::SystemTime;

use common_config::notes_ini::NotesIni;
use credstore::{ScramVerifier, Secret};
use router_config::{RouterConfig, RouterSettings, SigningSettings};

use super::*;
use crate::clock::Clock;
use crate::signing::in_force::InForce;
use crate::signing::keyring::Keyring;
use crate::signing::keyring::tests::Store;
use crate::signing::self_check::tests::no_dns;
use crate::smtp::sasl::{PasswordVerdict, Users};

/// A policy that names no key.
fn policy(source: KeySource) -> InForce {
    let settings: RouterSettings = serde_json::from_str(
        r#"{"internal_domains": ["internal.example"], "internal_next_hop": "127.0.0.1:25",
            "postmaster": "postmaster@internal.example"}"#,
    )
    .unwrap();
    let notes = NotesIni::parse("notes.ini".as_ref(), b"").unwrap();
    let router = RouterConfig::load(&settings, &SigningSettings::default(), notes.entries());
    let keyring = Keyring::of(HashMap::new());
    InForce::new(Arc::new(router.unwrap()), source, keyring).unwrap()
}

async fn watched(store: &Store) -> UserWatch {
    let step = SigningStep::new(policy(store.source.clone()), no_dns(), Clock::system());
    UserWatch::start(Arc::new(step)).await
}

fn secret(password: &str) -> Secret {
    Secret::new(password.as_bytes().to_vec())
}

async fn add(store: &Store, user: &str, password: &str) {
    let verifier = ScramVerifier::new(&secret(password)).unwrap();
    let name = user.parse().unwrap();
    let added = store
        .store
        .add_user(&name, &verifier, SystemTime::UNIX_EPOCH);
    added.await.unwrap();
}

/// Whether the user may come in with the password.
fn check(watch: &UserWatch, user: &str, password: &str, expected: bool) {
    let verdict = watch
        .directory()
        .check(&user.parse().unwrap(), &secret(password));
    assert_eq!(
        verdict == PasswordVerdict::Right,
        expected,
        "{user} {password}"
    );
}

#[tokio::test]
async fn users_come_and_go_with_the_store() {
    let store = Store::new().await;
    add(&store, "rita", "the first password").await;
    let mut watch = watched(&store).await;
    check(&watch, "rita", "the first password", true);
    add(&store, "tim", "another password").await;
    check(&watch, "tim", "another password", false); // nobody has looked
    watch.look().await;
    check(&watch, "tim", "another password", true);

    let verifier = ScramVerifier::new(&secret("the second password")).unwrap();
    let rita = "rita".parse().unwrap();
    let changed = store
        .store
        .set_password(&rita, &verifier, SystemTime::UNIX_EPOCH);
    changed.await.unwrap();
    store
        .store
        .delete_user(&"tim".parse().unwrap())
        .await
        .unwrap();
    watch.look().await;
    check(&watch, "rita", "the first password", false);
    check(&watch, "rita", "the second password", true);
    check(&watch, "tim", "another password", false);
    assert_eq!(watch.directory().in_force().len(), 1);
}

#[tokio::test]
async fn a_store_that_goes_away_takes_no_user_with_it() {
    let store = Store::new().await;
    add(&store, "rita", "the first password").await;
    let mut watch = watched(&store).await;
    std::fs::remove_file(&store.source.store).unwrap();
    watch.look().await;
    check(&watch, "rita", "the first password", true);
    assert!(
        watch.away.is_some(),
        "no key is named, so that it is said here"
    );
}

#[tokio::test]
async fn a_server_without_users_needs_no_store() {
    let store = Store::new().await;
    std::fs::remove_file(&store.source.store).unwrap();
    let watch = watched(&store).await;
    assert!(!watch.directory().are_there());
    assert_eq!(watch.away, None);
}

#[tokio::test]
async fn the_users_of_another_store_are_not_those_of_this_one() {
    let (one, other) = (Store::new().await, Store::new().await);
    add(&one, "rita", "the first password").await;
    add(&other, "tim", "another password").await;
    let mut watch = watched(&one).await;
    watch.signing.replace(policy(other.source.clone()));
    watch.look().await;
    check(&watch, "rita", "the first password", false);
    check(&watch, "tim", "another password", true);
    std::fs::remove_file(&one.source.store).unwrap();
    watch.signing.replace(policy(one.source.clone()));
    watch.look().await;
    assert!(!watch.directory().are_there());
}
