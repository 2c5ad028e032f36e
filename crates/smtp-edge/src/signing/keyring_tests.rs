//! Keyrings read from real stores, and what differs between two of them.

use std::time::SystemTime;

use credstore::{KeyAlgorithm, NewKey};
use tempfile::TempDir;

use super::*;

pub(in crate::signing) const S1: &str = "s1._domainkey.renovations.com";
pub(in crate::signing) const S2: &str = "s2._domainkey.renovations.com";
const S3: &str = "s3._domainkey.renovations.com";

pub(in crate::signing) fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

/// A store with its NEK.
pub(crate) struct Store {
    _folder: TempDir,
    pub(crate) source: KeySource,
    pub(crate) store: CredStore,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let neks = NekDir::new(folder.path().join("nek"));
        let nek = neks.create(&"mail".parse().unwrap()).unwrap();
        let path = folder.path().join("credstore.db");
        Self {
            store: CredStore::create(&path, &nek).await.unwrap(),
            _folder: folder,
            source: KeySource {
                store: path,
                neks,
                rsa_minimum_bits: 1024,
            },
        }
    }

    async fn insert(&self, key: &str, pkcs8: &[u8], record: &str) {
        let new = NewKey {
            name: name(key),
            algorithm: KeyAlgorithm::Ed25519,
            pkcs8: pkcs8.to_vec().into(),
            record: record.to_owned(),
        };
        let stored = self.store.insert(new, SystemTime::UNIX_EPOCH).await;
        stored.unwrap();
    }

    pub(in crate::signing) async fn insert_good(&self, key: &str) {
        let made = SigningKey::generate_ed25519().unwrap();
        let pkcs8 = made.to_pkcs8_der().unwrap();
        self.insert(key, &pkcs8, &made.record().to_value()).await;
    }

    async fn load(&self) -> Keyring {
        Keyring::load(&self.source, &[S1, S2, S3].map(name).into()).await
    }
}

/// Requires that the key signs, or fails with that class and those words.
fn check(keyring: &Keyring, key: &str, expected: Option<(FaultClass, &str)>) {
    match (keyring.key(&name(key)), expected) {
        (Ok(_), None) => {}
        (Err(fault), Some((class, why))) => {
            assert_eq!(fault.class, class, "{key}: {}", fault.why);
            assert!(fault.why.contains(why), "{key}: {}", fault.why);
        }
        (found, expected) => panic!("{key}: {found:?}, not {expected:?}"),
    }
}

#[tokio::test]
async fn a_key_signs_only_when_its_own_record_verifies_it() {
    let store = Store::new().await;
    store.insert_good(S1).await;
    let (key, other) = (
        SigningKey::generate_ed25519().unwrap(),
        SigningKey::generate_ed25519().unwrap(),
    );
    let pkcs8 = key.to_pkcs8_der().unwrap();
    store.insert(S2, &pkcs8, &other.record().to_value()).await;
    store.insert(S3, b"no key at all", "v=DKIM1; p=").await;
    let keyring = store.load().await;
    check(&keyring, S1, None);
    let unreadable = FaultClass::KeyUnreadable;
    check(
        &keyring,
        S2,
        Some((unreadable, "does not verify with the record")),
    );
    check(&keyring, S3, Some((unreadable, "PKCS#8")));
    assert_eq!(keyring.usable(), 1);
    assert!(!keyring.has_transient_faults());
}

#[tokio::test]
async fn what_changed_is_named_and_nothing_else() {
    let store = Store::new().await;
    store.insert_good(S1).await;
    store.insert_good(S2).await;
    let first = store.load().await;
    assert_eq!(store.load().await.changed_since(&first), [].into());

    // Another key of the same name, a key that is gone, one that is new.
    store.store.delete(&name(S1)).await.unwrap();
    store.insert_good(S1).await;
    store.store.delete(&name(S2)).await.unwrap();
    store.insert_good(S3).await;
    let second = store.load().await;
    let changed = second.changed_since(&first);
    assert_eq!(changed, [S1, S2, S3].map(name).into());
    assert_eq!(first.changed_since(&second), changed);
    check(&second, S2, Some((FaultClass::KeyMissing, S2)));
    assert!(!second.lost_for_now(&first), "it is gone for good");

    std::fs::remove_file(&store.source.store).unwrap();
    let third = store.load().await;
    check(
        &third,
        S1,
        Some((FaultClass::StoreAway, "no credential store")),
    );
    assert!(third.lost_for_now(&second));
    assert!(!second.lost_for_now(&third), "they are back");
    assert!(
        !store.load().await.lost_for_now(&third),
        "they were away before"
    );
    assert_eq!(
        third.changed_since(&second),
        changed,
        "each for another reason"
    );
}

#[tokio::test]
async fn a_revoked_key_is_told_from_one_that_is_missing() {
    let store = Store::new().await;
    store.insert_good(S1).await;
    let before = store.load().await;
    let revoked = store.store.revoke(&name(S1), SystemTime::UNIX_EPOCH).await;
    revoked.unwrap();
    let after = store.load().await;
    check(&after, S1, Some((FaultClass::KeyRevoked, "revoked")));
    assert_eq!(after.changed_since(&before), [name(S1)].into());
}
