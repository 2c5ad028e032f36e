//! What a store promises about its users, and what somebody meets who can write to the file but has no NEK.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop there"
)]

mod common;

use std::fs::{Permissions, copy, create_dir, read, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Installation, day, key, name};
use common_config::user_name::UserName;
use credstore::{
    CredStore, CredStoreError, HeaderFault, KeyState, NekDir, RowFault, ScramVerifier, Secret,
    StoreWatch, StoredUser,
};
use sqlx::Executor as _;

const KEY: &str = "12345._domainkey.renovations.com";

fn user(text: &str) -> UserName {
    text.parse().unwrap()
}

fn password(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

/// A verifier that costs nothing.
fn verifier(text: &str) -> ScramVerifier {
    ScramVerifier::derive(&password(text), b"a salt", 1).unwrap()
}

type Outcome = Result<StoredUser, CredStoreError>;

async fn added(store: &CredStore, name: &str, password: &str, on: u64) -> Outcome {
    let (name, verifier) = (user(name), verifier(password));
    store.add_user(&name, &verifier, day(on)).await
}

async fn set(store: &CredStore, name: &str, password: &str, on: u64) -> Outcome {
    let (name, verifier) = (user(name), verifier(password));
    store.set_password(&name, &verifier, day(on)).await
}

/// A store with a key and two users.
async fn two_users() -> Installation {
    let it = Installation::new().await;
    it.insert(KEY).await;
    for (name, password) in [
        ("app1", "first password"),
        ("jo doe/acme", "second password"),
    ] {
        added(&it.store, name, password, 1).await.unwrap();
    }
    it
}

async fn opens_with(store: &CredStore, name: &str, text: &str) -> bool {
    let stored = store.user(&user(name)).await.unwrap();
    let verifier = store.verifier(&stored).unwrap();
    verifier.verify_password(&password(text))
}

#[tokio::test]
async fn a_user_comes_back_as_they_went_in() {
    let it = two_users().await;
    let store = it.reopened().await;
    let names: Vec<String> = store
        .users()
        .await
        .unwrap()
        .iter()
        .map(|user| user.name().to_string())
        .collect();
    assert_eq!(names, ["app1", "jo doe/acme"]);
    let found = store.user(&user("Jo Doe/ACME")).await.unwrap();
    assert_eq!((found.created(), found.changed()), (day(1), day(1)));
    assert_eq!(store.verifier(&found).unwrap(), verifier("second password"));
    assert!(opens_with(&store, "app1", "first password").await);
    assert!(!opens_with(&store, "app1", "second password").await);
    // Keys and users do not see each other.
    assert_eq!(store.keys().await.unwrap().len(), 1);
    assert_eq!(store.version().await.unwrap(), 3);
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_password_changes() {
    let it = two_users().await;
    let again = added(&it.store, "APP1", "another", 2);
    let error = again.await.unwrap_err();
    assert!(
        matches!(error, CredStoreError::UserExists { .. }),
        "{error}"
    );
    assert!(opens_with(&it.store, "app1", "first password").await);

    let changed = set(&it.store, "app1", "another", 3);
    let changed = changed.await.unwrap();
    assert_eq!((changed.created(), changed.changed()), (day(1), day(3)));
    let store = it.reopened().await;
    assert!(opens_with(&store, "app1", "another").await);
    assert!(!opens_with(&store, "app1", "first password").await);

    let nobody = set(&it.store, "app2", "another", 3);
    let error = nobody.await.unwrap_err();
    assert!(matches!(error, CredStoreError::NoUser { .. }), "{error}");
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_may_come_again() {
    let it = two_users().await;
    let before = it.store.user(&user("app1")).await.unwrap().version();
    it.store.delete_user(&user("app1")).await.unwrap();
    let gone = |error: CredStoreError| matches!(error, CredStoreError::NoUser { .. });
    assert!(gone(it.store.user(&user("app1")).await.unwrap_err()));
    assert!(gone(it.store.delete_user(&user("app1")).await.unwrap_err()));
    let after = added(&it.store, "app1", "a third password", 2).await;
    let after = after.unwrap();
    assert!(after.version() > before);
    assert_eq!(it.store.users().await.unwrap().len(), 2);
}

#[tokio::test]
async fn nothing_that_helps_to_guess_a_password_stands_in_the_file() {
    let it = two_users().await;
    let verifier = verifier("first password");
    let file = read(&it.path).unwrap();
    let holds = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"jo doe/acme"));
    for secret in [&verifier.stored_key[..], &verifier.server_key, b"a salt"] {
        assert!(!holds(secret));
    }
    let stored = it.store.user(&user("app1")).await.unwrap();
    let shown = format!("{verifier:?}");
    assert!(
        shown.contains("iterations") && !shown.contains("key"),
        "{shown}"
    );
    assert!(it.store.verifier(&stored).is_ok());
}

/// Runs `statement` on the file, and expects the line of app1 to be refused for `expected`, and all else to be good.
async fn check(statement: &'static str, expected: RowFault) {
    let it = two_users().await;
    it.intruder().await.execute(statement).await.unwrap();
    refused(&it, statement, expected).await;
}

async fn refused(it: &Installation, what: &str, expected: RowFault) {
    for store in [it.store.clone(), it.reopened().await] {
        let error = store.user(&user("app1")).await.unwrap_err();
        assert!(error.to_string().contains("app1"), "{what}: {error}");
        assert!(!error.is_transient(), "{what}");
        let CredStoreError::UserTampered { fault, .. } = error else {
            panic!("{what}: {error:?}");
        };
        assert_eq!(fault, expected, "{what}");
        assert!(store.users().await.is_err(), "{what}");
        let inspected = store.inspect_users().await.unwrap();
        let bad = inspected.iter().filter(|(_, user)| user.is_err());
        let bad: Vec<&str> = bad.map(|(name, _)| &**name).collect();
        assert_eq!(bad, ["app1"], "{what}");
        assert!(store.key(&name(KEY)).await.is_ok(), "{what}");
    }
}

#[tokio::test]
async fn an_altered_swapped_or_removed_line_is_refused_by_name() {
    for (statement, expected) in [
        (
            "UPDATE smtp_user SET created_at = 1 WHERE name = 'app1'",
            RowFault::Altered,
        ),
        (
            "UPDATE smtp_user SET changed_at = 1 WHERE name = 'app1'",
            RowFault::Altered,
        ),
        (
            "UPDATE smtp_user SET sealed = x'01' WHERE name = 'app1'",
            RowFault::Altered,
        ),
        (
            "UPDATE smtp_user SET version = version + 1 WHERE name = 'app1'",
            RowFault::Altered,
        ),
        (
            "UPDATE smtp_user SET mac = x'' WHERE name = 'app1'",
            RowFault::Altered,
        ),
        (
            // Whoever knows one password would be everybody.
            "UPDATE smtp_user SET sealed = (SELECT sealed FROM smtp_user WHERE name <> 'app1') WHERE name = 'app1'",
            RowFault::Altered,
        ),
        (
            "UPDATE smtp_user SET (sealed, version, mac) =
             (SELECT sealed, version, mac FROM smtp_user WHERE name <> 'app1') WHERE name = 'app1'",
            RowFault::Altered,
        ),
        (
            "DELETE FROM smtp_user WHERE name = 'app1'",
            RowFault::Missing,
        ),
    ] {
        check(statement, expected).await;
    }
}

#[tokio::test]
async fn an_old_password_does_not_come_back() {
    let it = two_users().await;
    let mut file = it.intruder().await;
    file.execute("CREATE TABLE aside AS SELECT * FROM smtp_user WHERE name = 'app1'")
        .await
        .unwrap();
    let changed = set(&it.store, "app1", "another", 2);
    changed.await.unwrap();
    file.execute("INSERT OR REPLACE INTO smtp_user SELECT * FROM aside")
        .await
        .unwrap();
    let replayed = RowFault::Replayed {
        found: 2,
        expected: 4,
    };
    refused(&it, "changed, then replayed", replayed).await;

    it.store.delete_user(&user("app1")).await.unwrap();
    file.execute("INSERT INTO smtp_user SELECT * FROM aside")
        .await
        .unwrap();
    refused(&it, "deleted, then put back", RowFault::Unlisted).await;
    it.store.delete_user(&user("app1")).await.unwrap();
    assert_eq!(it.store.users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_line_of_another_name_or_store_is_refused() {
    let it = two_users().await;
    let renamed = "UPDATE smtp_user SET name = 'app2' WHERE name = 'app1'";
    it.intruder().await.execute(renamed).await.unwrap();
    let inspected = it.store.inspect_users().await.unwrap();
    let faults: Vec<_> = inspected
        .into_iter()
        .filter_map(|(name, user)| match user {
            Err(CredStoreError::UserTampered { fault, .. }) => Some((name, fault)),
            _ => None,
        })
        .collect();
    let missing = ("app1".into(), RowFault::Missing);
    assert_eq!(faults, [missing, ("app2".into(), RowFault::Unlisted)]);

    let it = two_users().await;
    let nek = it.neks.open(&"mail".parse().unwrap()).unwrap();
    let path = it.folder.path().join("second.db");
    let second = CredStore::create(&path, &nek).await.unwrap();
    second.insert(key(KEY), day(1)).await.unwrap();
    let added = added(&second, "app1", "known to the intruder", 1);
    added.await.unwrap();
    let mut file = it.intruder().await;
    let attach = format!("ATTACH '{}' AS second", path.display());
    file.execute(sqlx::AssertSqlSafe(attach)).await.unwrap();
    file.execute("INSERT OR REPLACE INTO main.smtp_user SELECT * FROM second.smtp_user")
        .await
        .unwrap();
    refused(&it, "a line of another store", RowFault::Altered).await;
}

#[tokio::test]
async fn a_watch_sees_users_change_and_refuses_an_older_store() {
    let it = two_users().await;
    let mut watch = StoreWatch::new(it.path.clone(), it.neks.clone());
    assert!(watch.changed().await.unwrap());
    let older = it.folder.path().join("older.db");
    copy(&it.path, &older).unwrap();
    let writer = it.reopened().await;
    let changed = set(&writer, "app1", "another", 2);
    changed.await.unwrap();
    assert!(watch.changed().await.unwrap());
    assert!(!watch.changed().await.unwrap());
    writer.delete_user(&user("app1")).await.unwrap();
    assert!(watch.changed().await.unwrap());
    // The user is back, and so is the first password, if this is believed.
    copy(&older, &it.path).unwrap();
    let error = watch.changed().await.unwrap_err();
    let went_back = HeaderFault::WentBack { seen: 5, found: 3 };
    assert!(
        matches!(&error, CredStoreError::StoreTampered { fault, .. } if *fault == went_back),
        "{error:?}"
    );
}

/// Written by the version that had no users yet, with a key and a revoked one.
#[tokio::test]
async fn a_store_of_version_1_opens_and_takes_users() {
    let folder = tempfile::tempdir().unwrap();
    let (path, neks) = (
        folder.path().join("credstore.db"),
        folder.path().join("nek"),
    );
    create_dir(&neks).unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/store-v1");
    for (from, to) in [
        ("credstore.db", &path),
        ("mail.nek", &neks.join("mail.nek")),
    ] {
        copy(fixture.join(from), to).unwrap();
        set_permissions(to, Permissions::from_mode(0o600)).unwrap();
    }
    let neks = NekDir::new(neks);
    let store = CredStore::open(&path, &neks).await.unwrap();
    assert!(store.users().await.unwrap().is_empty());
    let active = store.key(&name(KEY)).await.unwrap();
    assert!(!store.unseal(&active).unwrap().expose().is_empty());
    let old = store
        .key(&name("old._domainkey.example.org"))
        .await
        .unwrap();
    assert_ne!(old.state(), KeyState::Active);
    let before = store.version().await.unwrap();
    let added = added(&store, "app1", "first password", 9);
    added.await.unwrap();
    let store = CredStore::open(&path, &neks).await.unwrap();
    assert_eq!(store.version().await.unwrap(), before + 1);
    assert!(opens_with(&store, "app1", "first password").await);
    assert_eq!(store.keys().await.unwrap().len(), 2);
}
