//! Somebody who can write to the file but has no NEK: whatever they do is refused, and by the name of the line.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop there"
)]

mod common;

use common::{Installation, day, name};
use credstore::{CredStore, CredStoreError, HeaderFault, RowFault};
use sqlx::Executor as _;

const ONE: &str = "12345._domainkey.renovations.com";
const TWO: &str = "67890._domainkey.example.org";

async fn two_keys() -> Installation {
    let it = Installation::new().await;
    it.insert(ONE).await;
    it.insert(TWO).await;
    it
}

/// Runs `statement` on the file, and expects the line of ONE to be refused for `expected` and that of TWO to be good.
async fn check(statement: &'static str, expected: RowFault) {
    let it = two_keys().await;
    it.intruder().await.execute(statement).await.unwrap();
    refused(&it, statement, expected).await;
    assert!(it.store.key(&name(TWO)).await.is_ok(), "{statement}");
}

async fn refused(it: &Installation, what: &str, expected: RowFault) {
    for store in [it.store.clone(), it.reopened().await] {
        let error = store.key(&name(ONE)).await.unwrap_err();
        assert!(error.to_string().contains(ONE), "{what}: {error}");
        assert!(!error.is_transient(), "{what}");
        let CredStoreError::Tampered { fault, .. } = error else {
            panic!("{what}: {error:?}");
        };
        assert_eq!(fault, expected, "{what}");
        assert!(
            matches!(store.keys().await, Err(CredStoreError::Tampered { .. })),
            "{what}"
        );
        let inspected = store.inspect().await.unwrap();
        let bad: Vec<_> = inspected
            .iter()
            .filter(|(_, key)| key.is_err())
            .map(|(name, _)| &**name)
            .collect();
        assert_eq!(bad, [ONE], "{what}");
    }
}

#[tokio::test]
async fn every_altered_column_is_refused_by_name() {
    for statement in [
        "UPDATE dkim_key SET generation = generation + 1 WHERE selector = '12345'",
        "UPDATE dkim_key SET algorithm = 'rsa-1024' WHERE selector = '12345'",
        "UPDATE dkim_key SET state = 'revoked' WHERE selector = '12345'",
        "UPDATE dkim_key SET created_at = created_at + 1 WHERE selector = '12345'",
        "UPDATE dkim_key SET revoked_at = 1 WHERE selector = '12345'",
        "UPDATE dkim_key SET record = 'v=DKIM1; p=' WHERE selector = '12345'",
        "UPDATE dkim_key SET sealed = x'01' WHERE selector = '12345'",
        "UPDATE dkim_key SET version = version + 1 WHERE selector = '12345'",
        "UPDATE dkim_key SET mac = x'' WHERE selector = '12345'",
    ] {
        check(statement, RowFault::Altered).await;
    }
}

#[tokio::test]
async fn a_line_that_was_given_another_name_is_missing_and_unlisted() {
    for statement in [
        "UPDATE dkim_key SET domain = 'example.net' WHERE selector = '12345'",
        "UPDATE dkim_key SET selector = '12346' WHERE selector = '12345'",
    ] {
        let it = two_keys().await;
        it.intruder().await.execute(statement).await.unwrap();
        let faults: Vec<_> = it
            .store
            .inspect()
            .await
            .unwrap()
            .into_iter()
            .filter_map(|(_, key)| match key {
                Err(CredStoreError::Tampered { fault, .. }) => Some(fault),
                _ => None,
            })
            .collect();
        assert_eq!(
            faults,
            [RowFault::Missing, RowFault::Unlisted],
            "{statement}"
        );
    }
}

#[tokio::test]
async fn swapped_lines_are_refused_both() {
    let it = two_keys().await;
    let mut file = it.intruder().await;
    for statement in [
        "CREATE TABLE aside AS SELECT * FROM dkim_key",
        "UPDATE dkim_key SET (generation, algorithm, state, created_at, revoked_at, record, sealed, version, mac) =
         (SELECT generation, algorithm, state, created_at, revoked_at, record, sealed, version, mac FROM aside
          WHERE aside.selector <> dkim_key.selector)",
    ] {
        file.execute(statement).await.unwrap();
    }
    for key in [ONE, TWO] {
        let error = it.store.key(&name(key)).await.unwrap_err();
        assert!(
            matches!(
                error,
                CredStoreError::Tampered {
                    fault: RowFault::Altered,
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[tokio::test]
async fn a_swapped_private_key_is_refused() {
    check(
        "UPDATE dkim_key SET sealed = (SELECT sealed FROM dkim_key WHERE selector = '67890') WHERE selector = '12345'",
        RowFault::Altered,
    )
    .await;
}

#[tokio::test]
async fn a_removed_line_is_missed() {
    check(
        "DELETE FROM dkim_key WHERE selector = '12345'",
        RowFault::Missing,
    )
    .await;
}

#[tokio::test]
async fn an_old_copy_of_a_line_is_refused() {
    let it = two_keys().await;
    let mut file = it.intruder().await;
    file.execute("CREATE TABLE aside AS SELECT * FROM dkim_key WHERE selector = '12345'")
        .await
        .unwrap();
    // A revoked key would sign again, if its old line were believed.
    it.store.revoke(&name(ONE), day(9)).await.unwrap();
    file.execute("INSERT OR REPLACE INTO dkim_key SELECT * FROM aside")
        .await
        .unwrap();
    refused(
        &it,
        "revoked, then replayed",
        RowFault::Replayed {
            found: 1,
            expected: 3,
        },
    )
    .await;
}

#[tokio::test]
async fn a_deleted_line_that_was_put_back_is_refused() {
    let it = two_keys().await;
    let mut file = it.intruder().await;
    file.execute("CREATE TABLE aside AS SELECT * FROM dkim_key WHERE selector = '12345'")
        .await
        .unwrap();
    it.store.delete(&name(ONE)).await.unwrap();
    file.execute("INSERT INTO dkim_key SELECT * FROM aside")
        .await
        .unwrap();
    refused(&it, "deleted, then put back", RowFault::Unlisted).await;
    it.store.delete(&name(ONE)).await.unwrap();
    assert_eq!(it.store.keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_altered_header_is_refused_whole() {
    for statement in [
        "UPDATE store SET version = version + 1",
        "UPDATE store SET version = 0",
        "UPDATE store SET manifest = x''",
        "UPDATE store SET mac = x'00'",
        "UPDATE store SET store_id = x'00'",
    ] {
        let it = two_keys().await;
        it.intruder().await.execute(statement).await.unwrap();
        let error = it.store.keys().await.unwrap_err();
        assert!(
            matches!(
                error,
                CredStoreError::StoreTampered {
                    fault: HeaderFault::Altered,
                    ..
                }
            ),
            "{statement}: {error:?}"
        );
        assert!(
            CredStore::open(&it.path, &it.neks).await.is_err(),
            "{statement}"
        );
    }
    let it = two_keys().await;
    it.intruder()
        .await
        .execute("DELETE FROM store")
        .await
        .unwrap();
    let error = CredStore::open(&it.path, &it.neks).await.unwrap_err();
    assert!(
        matches!(
            error,
            CredStoreError::StoreTampered {
                fault: HeaderFault::Missing,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_old_header_with_its_old_lines_is_refused_by_who_saw_the_new() {
    let it = two_keys().await;
    let mut file = it.intruder().await;
    for statement in [
        "CREATE TABLE aside AS SELECT * FROM dkim_key",
        "CREATE TABLE header AS SELECT * FROM store",
    ] {
        file.execute(statement).await.unwrap();
    }
    it.store.revoke(&name(ONE), day(9)).await.unwrap();
    for statement in [
        "INSERT OR REPLACE INTO dkim_key SELECT * FROM aside",
        "REPLACE INTO store SELECT * FROM header",
    ] {
        file.execute(statement).await.unwrap();
    }
    let error = it.store.key(&name(ONE)).await.unwrap_err();
    let expected = HeaderFault::WentBack { seen: 3, found: 2 };
    assert!(
        matches!(error, CredStoreError::StoreTampered { fault, .. } if fault == expected),
        "{error:?}"
    );
    // The documented limit: who starts afterwards cannot tell the old file from a restored backup.
    assert!(it.reopened().await.key(&name(ONE)).await.is_ok());
}

#[tokio::test]
async fn lines_of_another_store_are_refused() {
    let it = two_keys().await;
    let nek = it.neks.open(&"mail".parse().unwrap()).unwrap();
    let path = it.folder.path().join("second.db");
    let second = CredStore::create(&path, &nek).await.unwrap();
    second.insert(common::key(ONE), day(1)).await.unwrap();
    let mut file = it.intruder().await;
    let attach = format!("ATTACH '{}' AS second", path.display());
    file.execute(sqlx::AssertSqlSafe(attach)).await.unwrap();
    file.execute("INSERT OR REPLACE INTO main.dkim_key SELECT * FROM second.dkim_key")
        .await
        .unwrap();
    refused(&it, "a line of another store", RowFault::Altered).await;
}
