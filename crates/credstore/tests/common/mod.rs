//! A store with a NEK in a folder of its own, and a hand that changes the file behind the store's back.

#![allow(dead_code, reason = "each test file uses what it needs")]

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use common_config::name::KeyName;
use credstore::{CredStore, KeyAlgorithm, NekDir, NewKey, Secret};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

pub(crate) struct Installation {
    pub(crate) folder: TempDir,
    pub(crate) neks: NekDir,
    pub(crate) path: PathBuf,
    pub(crate) store: CredStore,
}

impl Installation {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let neks = NekDir::new(folder.path().join("nek"));
        let nek = neks.create(&"mail".parse().unwrap()).unwrap();
        let path = folder.path().join("credstore.db");
        let store = CredStore::create(&path, &nek).await.unwrap();
        Self {
            folder,
            neks,
            path,
            store,
        }
    }

    pub(crate) async fn reopened(&self) -> CredStore {
        CredStore::open(&self.path, &self.neks).await.unwrap()
    }

    /// The file itself, as somebody without the NEK would change it.
    pub(crate) async fn intruder(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .connect()
            .await
            .unwrap()
    }

    pub(crate) async fn insert(&self, name: &str) {
        self.store.insert(key(name), day(1)).await.unwrap();
    }
}

pub(crate) fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

pub(crate) fn key(text: &str) -> NewKey {
    NewKey {
        name: name(text),
        algorithm: KeyAlgorithm::Rsa { bits: 2048 },
        pkcs8: Secret::new(format!("private key of {text}").into_bytes()),
        record: format!("v=DKIM1; k=rsa; p={};", text.len()),
    }
}

pub(crate) fn day(number: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(number * 86_400)
}
