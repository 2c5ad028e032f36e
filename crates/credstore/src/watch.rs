//! Whether a store was changed, by whomever: one cheap question, to be asked as often as the answer is wanted.
//!
//! A [`StoreWatch`] keeps the store open. It looks at the file's identity and at SQLite's counter of changes, which costs
//! some ten microseconds; only when these differ is the store's own line read and believed. It neither waits nor
//! keeps time: the caller asks again when it sees fit. What cannot be read is an error at each look until it can, and
//! counts as a change then.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::backend::sqlite::ChangeCounter;
use crate::error::CredStoreError;
use crate::nek_dir::NekDir;
use crate::opening::usable;
use crate::seen::SeenVersions;
use crate::store::CredStore;

/// Tells of changes to a store that other processes make, or this one.
///
/// ```
/// # use credstore::{CredStore, NekDir, StoreWatch};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let neks = NekDir::new(folder.path().join("nek"));
/// # let nek = neks.create(&"mail".parse()?)?;
/// # let path = folder.path().join("credstore.db");
/// # let writer = CredStore::create(&path, &nek).await?;
/// let mut watch = StoreWatch::new(path, neks);
/// assert!(watch.changed().await?); // the first look
/// assert!(!watch.changed().await?);
/// # let name = "12345._domainkey.renovations.com".parse()?;
/// # writer.delete(&name).await.unwrap_err();
/// # writer.insert(credstore::NewKey { name, algorithm: credstore::KeyAlgorithm::Rsa { bits: 2048 },
/// #     pkcs8: vec![0].into(), record: String::new() }, std::time::SystemTime::UNIX_EPOCH).await?;
/// // … somebody creates, revokes or deletes a key …
/// assert!(watch.changed().await?);
/// let keys = watch.store().expect("the look was good").keys().await?;
/// # assert_eq!(keys.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StoreWatch {
    path: PathBuf,
    neks: NekDir,
    open: Option<Open>,
    /// What was seen of the store, also while it is not open.
    seen: SeenVersions,
}

/// A store whose file is still the one at the path.
#[derive(Debug)]
struct Open {
    store: CredStore,
    file: FileIdentity,
    counter: ChangeCounter,
    /// What the counter said at the last look that was good.
    counted: i64,
}

impl StoreWatch {
    /// Will watch the store at `path`, whose NEK is one of `neks`. Nothing is read before the first look.
    #[must_use]
    pub fn new(path: PathBuf, neks: NekDir) -> Self {
        Self::remembering(path, neks, SeenVersions::default())
    }

    /// The same, with what others have seen: no older copy is believed that they would not believe.
    #[must_use]
    pub fn remembering(path: PathBuf, neks: NekDir, seen: SeenVersions) -> Self {
        Self {
            path,
            neks,
            open: None,
            seen,
        }
    }

    /// The file that is watched.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the store may hold something else than at the last look that was good: it was written to, another file
    /// has taken its place, or it or its NEK is there again. The first good look is a change.
    ///
    /// # Errors
    /// As [`CredStore::open`]: the store cannot be read now. [`CredStoreError::StoreTampered`] also when a store went back
    /// behind a version that this watch, or whoever it shares its memory with, has seen; that stays so until it is past that version.
    pub async fn changed(&mut self) -> Result<bool, CredStoreError> {
        let changed = self.look().await;
        if changed.is_err() {
            // Whatever happened to the file, only a fresh opening is sure to see all of it.
            self.open = None;
        }
        changed
    }

    /// The store, open, when the last look was good. Its lines may be newer than that look, never older.
    #[must_use]
    pub fn store(&self) -> Option<&CredStore> {
        self.open.as_ref().map(|open| &open.store)
    }

    async fn look(&mut self) -> Result<bool, CredStoreError> {
        let file = FileIdentity::of(&usable(&self.path)?);
        let Some(open) = self.open.as_mut().filter(|open| open.file == file) else {
            self.reopen(file).await?;
            return Ok(true);
        };
        let failed = |source| CredStoreError::backend(self.path.clone(), source);
        let counted = open.counter.read().await.map_err(failed)?;
        if counted == open.counted {
            return Ok(false);
        }
        open.store.version().await?;
        open.counted = counted;
        Ok(true)
    }

    async fn reopen(&mut self, file: FileIdentity) -> Result<(), CredStoreError> {
        self.open = None;
        let store = CredStore::open_remembering(&self.path, &self.neks, &self.seen).await?;
        let failed = |source| CredStoreError::backend(self.path.clone(), source);
        let mut counter = store.0.backend.change_counter().await.map_err(failed)?;
        let counted = counter.read().await.map_err(failed)?;
        // Read after the counter: what is written later than this is a change at the next look.
        store.version().await?;
        self.open = Some(Open {
            store,
            file,
            counter,
            counted,
        });
        Ok(())
    }
}

/// What tells one file from another that takes its name. Times are not asked: they are as coarse as the file system
/// likes, and anybody can set them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}
