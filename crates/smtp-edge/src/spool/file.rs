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

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::FileSystem;
use super::message::{Message, MessageState, Stored};
use super::{Durable, Recovered, Spool, SpoolError, SpoolFuture};
use crate::ids::QueueId;
use folder::Folder;

/// A spool of files in one folder.
#[derive(Clone)]
pub struct FileSpool(Arc<Folder>);

impl FileSpool {
    /// Opens the spool in `path`, which is made when it is not there, and takes its lock.
    ///
    /// # Errors
    /// [`SpoolError::InUse`] when another process holds the lock, [`SpoolError::Io`] when the system refuses.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        let path = path.into();
        let folder = blocking(move || Folder::open(path, Box::new(FileSystem))).await?;
        Ok(Self(Arc::new(folder)))
    }

    fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Folder) -> Result<T, SpoolError> + Send + 'static,
    ) -> SpoolFuture<'static, T> {
        let folder = Arc::clone(&self.0);
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

    fn remove(&self, id: QueueId) -> SpoolFuture<'_, ()> {
        self.run(move |folder| folder.remove(id))
    }

    fn recover(&self) -> SpoolFuture<'_, Recovered> {
        self.run(Folder::recover)
    }
}

/// Runs a blocking operation where blocking is allowed.
async fn blocking<T: Send + 'static>(
    operation: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, SpoolError> {
    match tokio::task::spawn_blocking(operation).await {
        Ok(result) => result,
        Err(error) => Err(SpoolError::Io {
            step: "finish its work in",
            path: PathBuf::new(),
            source: io::Error::other(error),
        }),
    }
}

#[cfg(test)]
mod tests;
