//! What a watch sees of a store that others change, replace, take away and bring back.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop there"
)]

mod common;

use std::fs::{Permissions, copy, remove_file, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Installation, day, name};
use credstore::{
    CredStore, CredStoreError, HeaderFault, KeyState, RowFault, SeenVersions, StoreWatch,
};
use sqlx::{Connection as _, Executor as _};

const ONE: &str = "12345._domainkey.renovations.com";
const TWO: &str = "a.b._domainkey.example.org";

/// A watch that has looked once, so that only changes from now on are news.
async fn watch(it: &Installation) -> StoreWatch {
    let mut watch = StoreWatch::new(it.path.clone(), it.neks.clone());
    assert!(watch.changed().await.unwrap(), "the first look is a change");
    assert!(!watch.changed().await.unwrap());
    watch
}

/// Requires that the next look sees a change, and the one after it none.
async fn assert_changed_once(watch: &mut StoreWatch, why: &str) {
    assert!(watch.changed().await.unwrap(), "{why}");
    assert!(!watch.changed().await.unwrap(), "{why}, told twice");
}

/// Moves a file within its folder, as a mount that comes and goes would.
fn rename(from: &Path, to: &Path) {
    std::fs::hard_link(from, to).unwrap();
    remove_file(from).unwrap();
}

#[tokio::test]
async fn each_change_by_another_is_seen_once() {
    let it = Installation::new().await;
    let mut watch = watch(&it).await;
    let writer = it.reopened().await;
    it.insert(ONE).await;
    assert_changed_once(&mut watch, "a key was put in").await;
    writer.revoke(&name(ONE), day(2)).await.unwrap();
    assert_changed_once(&mut watch, "it was revoked").await;
    let key = watch.store().unwrap().key(&name(ONE)).await.unwrap();
    assert_eq!(key.state(), KeyState::Revoked { at: day(2) });
    writer.delete(&name(ONE)).await.unwrap();
    it.insert(ONE).await;
    assert_changed_once(&mut watch, "it was deleted and created again").await;
    let key = watch.store().unwrap().key(&name(ONE)).await.unwrap();
    assert_eq!(key.generation(), 4);
}

#[tokio::test]
async fn readers_change_nothing() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    let mut watch = watch(&it).await;
    it.reopened().await.keys().await.unwrap();
    it.store.insert(common::key(ONE), day(2)).await.unwrap_err();
    assert!(!watch.changed().await.unwrap());
}

#[tokio::test]
async fn a_line_that_somebody_alters_behind_the_stores_back_is_a_change() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    it.insert(TWO).await;
    let mut watch = watch(&it).await;
    let mut intruder = it.intruder().await;
    intruder
        .execute("UPDATE dkim_key SET created_at = 0 WHERE selector = '12345'")
        .await
        .unwrap();
    assert_changed_once(&mut watch, "a line was altered").await;
    let names = [name(ONE), name(TWO), name("gone._domainkey.example.org")];
    let keys = watch.store().unwrap().keys_named(&names).await.unwrap();
    let [(_, one), (_, two), (third, gone)] = keys.as_slice() else {
        panic!("{keys:?}");
    };
    let altered = matches!(
        one,
        Err(CredStoreError::Tampered {
            fault: RowFault::Altered,
            ..
        })
    );
    assert!(altered, "{one:?}");
    assert_eq!(two.as_ref().unwrap().name(), &name(TWO));
    assert_eq!(third, &names[2]);
    assert!(
        matches!(gone, Err(CredStoreError::NotFound { .. })),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_header_that_somebody_alters_is_an_error_until_it_is_mended() {
    let it = Installation::new().await;
    let mut watch = watch(&it).await;
    let mut intruder = it.intruder().await;
    for _ in 0..2 {
        intruder
            .execute("UPDATE store SET version = version + 1")
            .await
            .unwrap();
        let error = watch.changed().await.unwrap_err();
        assert!(
            matches!(error, CredStoreError::StoreTampered { .. }),
            "{error}"
        );
        assert!(watch.store().is_none());
    }
    intruder
        .execute("UPDATE store SET version = version - 2")
        .await
        .unwrap();
    assert_changed_once(&mut watch, "the header is its own again").await;
}

#[tokio::test]
async fn a_store_that_was_away_is_there_again() {
    let it = Installation::new().await;
    let mut watch = watch(&it).await;
    let away = it.folder.path().join("away");
    rename(&it.path, &away);
    for _ in 0..2 {
        let error = watch.changed().await.unwrap_err();
        assert!(matches!(error, CredStoreError::Missing { .. }), "{error}");
    }
    rename(&away, &it.path);
    assert_changed_once(&mut watch, "the store is there again").await;
    set_permissions(&it.path, Permissions::from_mode(0o644)).unwrap();
    let error = watch.changed().await.unwrap_err();
    assert!(
        matches!(error, CredStoreError::Permissions { mode: 0o644, .. }),
        "{error}"
    );
    set_permissions(&it.path, Permissions::from_mode(0o600)).unwrap();
    assert_changed_once(&mut watch, "only its owner can read it again").await;
}

#[tokio::test]
async fn a_nek_that_was_away_is_there_again() {
    let it = Installation::new().await;
    let nek = it.neks.file(&"mail".parse().unwrap());
    let away = it.folder.path().join("away");
    rename(&nek, &away);
    let mut watch = StoreWatch::new(it.path.clone(), it.neks.clone());
    for _ in 0..2 {
        let error = watch.changed().await.unwrap_err();
        assert!(
            matches!(error, CredStoreError::NekMissing { .. }),
            "{error}"
        );
    }
    rename(&away, &nek);
    assert_changed_once(&mut watch, "the NEK is there again").await;
}

#[tokio::test]
async fn another_store_in_its_place_is_a_change() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    it.insert(TWO).await;
    let mut watch = watch(&it).await;
    // Another identity, so its lower version is no step back.
    remove_file(&it.path).unwrap();
    let nek = it.neks.open(&"mail".parse().unwrap()).unwrap();
    CredStore::create(&it.path, &nek).await.unwrap();
    assert_changed_once(&mut watch, "another store").await;
    assert!(watch.store().unwrap().keys().await.unwrap().is_empty());
}

/// Puts a copy from before the last change in place of the store, by `restore`.
async fn check_step_back(restore: impl FnOnce(&Path, &Path)) {
    let it = Installation::new().await;
    it.insert(ONE).await;
    let backup = it.folder.path().join("backup");
    copy(&it.path, &backup).unwrap();
    it.store.revoke(&name(ONE), day(2)).await.unwrap();
    let mut watch = watch(&it).await;
    it.intruder().await.close().await.unwrap();
    restore(&backup, &it.path);
    for _ in 0..2 {
        let error = watch.changed().await.unwrap_err();
        let went_back = matches!(
            error,
            CredStoreError::StoreTampered {
                fault: HeaderFault::WentBack { seen: 2, found: 1 },
                ..
            }
        );
        assert!(went_back, "{error}");
    }
    // A watch that starts afterwards cannot know.
    let mut fresh = StoreWatch::new(it.path.clone(), it.neks.clone());
    assert!(fresh.changed().await.unwrap());
}

#[tokio::test]
async fn an_older_copy_in_the_place_of_the_file_is_refused() {
    check_step_back(|backup, path| {
        remove_file(path).unwrap();
        rename(backup, path);
    })
    .await;
}

#[tokio::test]
async fn an_older_copy_written_over_the_file_is_refused() {
    check_step_back(|backup, path| {
        copy(backup, path).unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_shares_what_was_seen_believes_no_older_copy_either() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    let backup = it.folder.path().join("backup");
    copy(&it.path, &backup).unwrap();
    let seen = SeenVersions::default();
    let open = || CredStore::open_remembering(&it.path, &it.neks, &seen);
    let reader = open().await.unwrap();
    // The later version is seen by another than those who are asked afterwards.
    it.store.revoke(&name(ONE), day(2)).await.unwrap();
    let mut watch = StoreWatch::remembering(it.path.clone(), it.neks.clone(), seen.clone());
    assert!(watch.changed().await.unwrap());
    drop(watch);
    reader.version().await.unwrap();
    it.intruder().await.close().await.unwrap();

    // Another store in between changes nothing.
    remove_file(&it.path).unwrap();
    let nek = it.neks.open(&"mail".parse().unwrap()).unwrap();
    CredStore::create(&it.path, &nek).await.unwrap();
    open().await.unwrap();
    copy(&backup, &it.path).unwrap();
    let error = open().await.unwrap_err();
    let went_back = matches!(
        error,
        CredStoreError::StoreTampered {
            fault: HeaderFault::WentBack { seen: 2, found: 1 },
            ..
        }
    );
    assert!(went_back, "{error}");
    it.reopened().await; // who shares nothing cannot know
}
