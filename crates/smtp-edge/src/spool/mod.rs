//! The spool: where a message lies, on stable storage, from the 250 that accepted it until every recipient is settled.
//!
//! [`Spool`] is what the rest of the server knows of it. A 250 is built only from a [`Durable`], which only a spool can
//! make, after the record has been synced.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use crate::ids::QueueId;

mod blocking;
mod disk;
pub mod file;
mod lock;
pub mod log;
mod looking;
#[cfg(test)]
pub(crate) mod memory;
pub mod message;
pub mod offline;
mod opening;
pub mod record;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use message::{Head, Message, MessageState, Stored, Waiting};
pub use opening::open;

/// A value whose record is on stable storage. Only a spool makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a 250 is built from this and from nothing else"]
pub struct Durable<T>(T);

impl<T: Copy> Durable<T> {
    /// To be called by an implementation of [`Spool`] once the sync has returned without an error.
    pub(in crate::spool) fn synced(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub fn get(&self) -> T {
        self.0
    }
}

/// What a spool operation answers.
pub type SpoolFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, SpoolError>> + Send + 'a>>;

/// A store of accepted messages that survives a crash at any moment.
pub trait Spool: Send + Sync + 'static {
    /// Puts a message on stable storage.
    fn commit(&self, message: Message) -> SpoolFuture<'_, Durable<QueueId>>;

    /// Replaces what is known of a message's recipients, durably.
    fn update(&self, id: QueueId, state: MessageState) -> SpoolFuture<'_, ()>;

    /// Reads a message and its latest state.
    fn read(&self, id: QueueId) -> SpoolFuture<'_, Stored>;

    /// Reads messages without their content, with their latest states: one answer for each name, in their order.
    fn heads(&self, ids: Vec<QueueId>) -> SpoolFuture<'_, Vec<Result<Head, SpoolError>>>;

    /// Forgets a message whose recipients are all settled.
    fn remove(&self, id: QueueId) -> SpoolFuture<'_, ()>;

    /// Finds what an earlier run left. Damaged records are set aside by name and never dropped in silence.
    fn recover(&self) -> SpoolFuture<'_, Recovered>;
}

/// What a start found in the spool.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Every message that is still to be worked on, oldest first, and when.
    pub messages: Vec<(QueueId, Waiting)>,
    /// The highest name that a message of this spool is known to have had, so that no name is given twice.
    pub last_id: Option<QueueId>,
    /// Records that could not be read, and where they have been put.
    pub corrupt: Vec<PathBuf>,
    /// Those among them that may tell of outcomes, nobody knows of which messages.
    pub unknown: Vec<PathBuf>,
    /// Messages that are held from now on, since the latest record about each could not be read.
    pub held: Vec<QueueId>,
}

/// Why the spool could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The operating system refused.
    #[error("the spool cannot {step} {path}")]
    Io {
        /// What was being done: `write`, `sync`, `rename`, `read` …
        step: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// There is no message of that name.
    #[error("no message {id} is in the spool")]
    NotFound {
        /// The name asked for.
        id: QueueId,
    },
    /// A message of that name is there already.
    #[error("a message {id} is in the spool already: it keeps the one that came first")]
    Taken {
        /// The name.
        id: QueueId,
    },
    /// The message does not fit.
    #[error("the message {id} is larger than the spool can hold: lower spool.large_message")]
    TooLarge {
        /// Its name.
        id: QueueId,
    },
    /// The server is stopping.
    #[error("the spool is closed: the server is stopping")]
    Closed,
    /// A record's checksum or form is wrong.
    #[error("the record {path} is damaged at octet {offset}: it has been left for inspection")]
    Damaged {
        /// The record's file.
        path: PathBuf,
        /// Where reading failed.
        offset: u64,
    },
    /// A later version of this server wrote a record.
    #[error(
        "the record {path} is of version {version}: start the smtp-edge that wrote it, and let it empty the spool"
    )]
    Version {
        /// The record's file.
        path: PathBuf,
        /// The version it names.
        version: u8,
    },
    /// There is no spool.
    #[error("there is no spool at {path}: name its folder, or the settings of its server")]
    NoSpool {
        /// Where one was looked for.
        path: PathBuf,
    },
    /// Another server uses this spool.
    #[error(
        "another smtp-edge uses the spool {path}: stop it, or give this one a data_dir of its own"
    )]
    InUse {
        /// The spool's folder.
        path: PathBuf,
    },
}
