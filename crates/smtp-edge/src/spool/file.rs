//! The spool as files: one record a message, one for how far it has come, each synced before it is named.
//!
//! ```text
//! spool/lock            held for the life of the process, so that two servers never share a spool
//! spool/tmp/            records being written; emptied at each start
//! spool/messages/       <queue id>.msg as accepted, <queue id>.state once something has changed
//! spool/corrupt/        what could not be read, under its own name, for a person to look at
//! ```
//!
//! A message exists from the moment its `.msg` is named in a synced folder until that name is gone from the synced
//! folder. A `.state` without its `.msg` is the leftover of a removal and is dropped.

mod folder;
pub(super) mod offline;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blocking::blocking;
use super::disk::FileSystem;
use super::lock::Lock;
use super::message::{Head, Message, MessageState, Stored};
use super::opening::holds_anything;
use super::{Durable, Recovered, Spool, SpoolError, SpoolFuture};
use crate::ids::QueueId;
use folder::Folder;

/// A spool of files in one folder.
#[derive(Clone)]
pub struct FileSpool {
    folder: Arc<Folder>,
    _lock: Arc<Lock>,
}

impl FileSpool {
    /// Opens the spool in `path`, which is made when it is not there, and takes its lock.
    ///
    /// # Errors
    /// [`SpoolError::InUse`] when another process holds the lock, [`SpoolError::Io`] when the system refuses.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        let path = path.into();
        let lock = Arc::new(Lock::take(&path)?);
        Self::locked(path, lock).await
    }

    /// Opens the spool in `path`, whose lock is held.
    pub(super) async fn locked(path: PathBuf, lock: Arc<Lock>) -> Result<Self, SpoolError> {
        let folder = blocking(move || Folder::open(&path, Arc::new(FileSystem))).await?;
        Ok(Self {
            folder: Arc::new(folder),
            _lock: lock,
        })
    }

    /// Whether a spool of files at `path` holds anything.
    pub(super) fn is_in(path: &Path) -> Result<bool, SpoolError> {
        holds_anything(&path.join("messages"))
    }

    fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Folder) -> Result<T, SpoolError> + Send + 'static,
    ) -> SpoolFuture<'static, T> {
        let folder = Arc::clone(&self.folder);
        Box::pin(blocking(move || operation(&folder)))
    }
}

impl Spool for FileSpool {
    fn commit(&self, message: Message) -> SpoolFuture<'_, Durable<QueueId>> {
        self.run(move |folder| folder.commit(&message))
    }

    fn update(&self, id: QueueId, state: MessageState) -> SpoolFuture<'_, ()> {
        self.run(move |folder| folder.update(id, &state))
    }

    fn read(&self, id: QueueId) -> SpoolFuture<'_, Stored> {
        self.run(move |folder| folder.read(id))
    }

    fn heads(&self, ids: Vec<QueueId>) -> SpoolFuture<'_, Vec<Result<Head, SpoolError>>> {
        self.run(move |folder| Ok(ids.into_iter().map(|id| folder.head(id)).collect()))
    }

    fn remove(&self, id: QueueId) -> SpoolFuture<'_, ()> {
        self.run(move |folder| folder.remove(id))
    }

    fn recover(&self) -> SpoolFuture<'_, Recovered> {
        self.run(Folder::recover)
    }
}

#[cfg(test)]
mod tests;
