//! What a store promises to those who use it rightly.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop there"
)]

mod common;

use std::fs::{Permissions, metadata, read, read_dir, set_permissions, write};
use std::os::unix::fs::PermissionsExt;

use common::{Installation, day, key, name};
use credstore::{
    CredStore, CredStoreError, KeyAlgorithm, KeyState, NekDir, NekError, TransitionError,
};

const ONE: &str = "12345._domainkey.renovations.com";
const TWO: &str = "a.b._domainkey.example.org";

#[tokio::test]
async fn a_key_comes_back_as_it_went_in() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    let store = it.reopened().await;
    let stored = store.key(&name(ONE)).await.unwrap();
    assert_eq!(stored.name(), &name(ONE));
    assert_eq!(stored.algorithm(), KeyAlgorithm::Rsa { bits: 2048 });
    assert_eq!(stored.state(), KeyState::Active);
    assert_eq!(stored.created(), day(1));
    assert_eq!(stored.record(), key(ONE).record);
    assert_eq!(
        store.unseal(&stored).unwrap().expose(),
        key(ONE).pkcs8.expose()
    );
    assert_eq!(store.nek_fingerprint(), it.store.nek_fingerprint());
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    let error = it.store.insert(key(ONE), day(2)).await.unwrap_err();
    assert!(matches!(error, CredStoreError::Exists { .. }), "{error}");
    assert_eq!(it.store.key(&name(ONE)).await.unwrap().created(), day(1));
    assert_eq!(it.store.version().await.unwrap(), 1);
}

#[tokio::test]
async fn a_revoked_key_signs_no_more_and_keeps_its_first_date() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    let before = it.store.key(&name(ONE)).await.unwrap();
    it.store.revoke(&name(ONE), day(3)).await.unwrap();
    let again = it.store.revoke(&name(ONE), day(4)).await.unwrap_err();
    assert!(
        matches!(
            again,
            CredStoreError::Lifecycle {
                source: TransitionError::AlreadyRevoked,
                ..
            }
        ),
        "{again}"
    );
    let revoked = it.reopened().await.key(&name(ONE)).await.unwrap();
    assert_eq!(revoked.state(), KeyState::Revoked { at: day(3) });
    assert_eq!(revoked.generation(), before.generation());
    assert!(matches!(
        it.store.unseal(&revoked),
        Err(CredStoreError::Revoked { .. })
    ));
}

#[tokio::test]
async fn a_deleted_key_is_gone_and_its_successor_is_another_generation() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    it.insert(TWO).await;
    let first = it.store.key(&name(ONE)).await.unwrap();
    it.store.delete(&name(ONE)).await.unwrap();
    assert!(matches!(
        it.store.key(&name(ONE)).await,
        Err(CredStoreError::NotFound { .. })
    ));
    assert!(matches!(
        it.store.delete(&name(ONE)).await,
        Err(CredStoreError::NotFound { .. })
    ));
    assert!(matches!(
        it.store.revoke(&name(ONE), day(2)).await,
        Err(CredStoreError::NotFound { .. })
    ));
    it.insert(ONE).await;
    let second = it.store.key(&name(ONE)).await.unwrap();
    assert!(second.generation() > first.generation());
    let names: Vec<String> = it
        .store
        .keys()
        .await
        .unwrap()
        .iter()
        .map(|key| key.name().to_string())
        .collect();
    assert_eq!(names.len(), 2);
    assert_eq!(it.store.version().await.unwrap(), 4);
}

#[tokio::test]
async fn a_deleted_private_key_leaves_no_bytes_in_the_file() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    let stored = it.store.key(&name(ONE)).await.unwrap();
    let mut file = it.intruder().await;
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM dkim_key")
        .fetch_one(&mut file)
        .await
        .unwrap();
    let holds = |needle: &[u8]| {
        read(&it.path)
            .unwrap()
            .windows(needle.len())
            .any(|window| window == needle)
    };
    assert!(holds(&sealed));
    assert!(
        !holds(key(ONE).pkcs8.expose()),
        "the private key lies in the clear"
    );
    it.store.delete(stored.name()).await.unwrap();
    assert!(!holds(&sealed));
}

#[tokio::test]
async fn the_store_is_one_file_for_its_owner_alone() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    assert_eq!(
        metadata(&it.path).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    let mut files: Vec<_> = read_dir(it.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    files.sort();
    assert_eq!(files, ["credstore.db", "nek"]);

    set_permissions(&it.path, Permissions::from_mode(0o640)).unwrap();
    let error = CredStore::open(&it.path, &it.neks).await.unwrap_err();
    assert!(matches!(
        error,
        CredStoreError::Permissions { mode: 0o640, .. }
    ));
    assert!(
        error
            .to_string()
            .ends_with(&format!("chmod 600 '{}'", it.path.display())),
        "{error}"
    );
}

#[tokio::test]
async fn creating_leaves_what_is_there_and_nothing_half_made() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    let nek = it.neks.open(&"mail".parse().unwrap()).unwrap();
    let error = CredStore::create(&it.path, &nek).await.unwrap_err();
    assert!(
        matches!(error, CredStoreError::StoreExists { .. }),
        "{error}"
    );
    assert_eq!(it.reopened().await.keys().await.unwrap().len(), 1);

    let absent = it.folder.path().join("absent/credstore.db");
    let error = CredStore::create(&absent, &nek).await.unwrap_err();
    assert!(matches!(error, CredStoreError::Io { .. }), "{error}");
    assert_eq!(read_dir(it.folder.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn without_the_right_nek_nothing_opens() {
    let it = Installation::new().await;
    let other = it.neks.create(&"other".parse().unwrap()).unwrap();
    let error = CredStore::open_with(&it.path, &other).await.unwrap_err();
    assert!(
        matches!(error, CredStoreError::WrongNek { .. }) && error.is_transient(),
        "{error}"
    );

    let empty = NekDir::new(it.folder.path().join("empty"));
    let error = CredStore::open(&it.path, &empty).await.unwrap_err();
    assert!(
        matches!(
            error,
            CredStoreError::NekMissing {
                source: NekError::NoMatch { .. },
                ..
            }
        ) && error.is_transient(),
        "{error}"
    );
}

#[tokio::test]
async fn something_else_is_not_taken_for_a_store() {
    let it = Installation::new().await;
    let path = it.folder.path().join("other.db");
    let open = || CredStore::open(&path, &it.neks);
    let error = open().await.unwrap_err();
    assert!(
        matches!(error, CredStoreError::Missing { .. }) && error.is_transient(),
        "{error}"
    );
    for contents in [
        "",
        "a text file, long enough to hold what a database would begin with, and then some more of it",
    ] {
        write(&path, contents).unwrap();
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let error = open().await.unwrap_err();
        assert!(
            matches!(error, CredStoreError::NotAStore { .. }) && !error.is_transient(),
            "{error}"
        );
    }
    std::fs::copy(&it.path, &path).unwrap();
    let mut file = it.intruder().await;
    sqlx::query("PRAGMA application_id = 7")
        .execute(&mut file)
        .await
        .unwrap();
    let error = CredStore::open(&it.path, &it.neks).await.unwrap_err();
    assert!(matches!(error, CredStoreError::NotAStore { .. }), "{error}");
}

#[tokio::test]
async fn a_later_versions_store_is_refused_by_name() {
    let it = Installation::new().await;
    let mut file = it.intruder().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', 1, x'00', 0)",
    )
    .execute(&mut file)
    .await
    .unwrap();
    let error = CredStore::open(&it.path, &it.neks).await.unwrap_err();
    assert!(matches!(error, CredStoreError::Newer { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_wait_for_each_other_and_lose_nothing() {
    let it = Installation::new().await;
    let mut tasks = Vec::new();
    for writer in 0..4 {
        // A store of its own each: separate connections, as separate processes have.
        let store = it.reopened().await;
        tasks.push(tokio::spawn(async move {
            for number in 0..5 {
                let name = format!("s{writer}x{number}._domainkey.example.org");
                store.insert(key(&name), day(1)).await.unwrap();
                assert!(store.keys().await.unwrap().len() > number);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(it.store.keys().await.unwrap().len(), 20);
    assert_eq!(it.store.version().await.unwrap(), 20);
}

#[tokio::test]
async fn a_store_that_somebody_holds_is_busy_which_passes() {
    let it = Installation::new().await;
    let mut file = it.intruder().await;
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut file)
        .await
        .unwrap();
    let error = it.store.insert(key(ONE), day(1)).await.unwrap_err();
    assert!(
        matches!(error, CredStoreError::Busy { .. }) && error.is_transient(),
        "{error:?}"
    );
    sqlx::query("ROLLBACK").execute(&mut file).await.unwrap();
    it.insert(ONE).await;
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let it = Installation::new().await;
    it.insert(ONE).await;
    let stored = it.store.key(&name(ONE)).await.unwrap();
    let secret = it.store.unseal(&stored).unwrap();
    let shown = format!(
        "{:?} {:?} {:?} {:?}",
        it.store,
        secret,
        key(ONE),
        it.neks.open(&"mail".parse().unwrap())
    );
    assert!(!shown.contains("private key of"), "{shown}");
    assert!(
        !shown.contains(&format!("{:?}", b"private key of").replace(['[', ']'], "")),
        "{shown}"
    );
    assert!(shown.contains("redacted"), "{shown}");
}
