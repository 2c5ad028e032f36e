//! The spool as a log: records are appended to segments, and everything that waits at a time is synced together.
//!
//! `docs/spool-format.md` has the format, and why nothing that was answered is lost. Three threads work on it: the
//! `committer` writes, `supply` makes segments ready ahead of time, `reclaim` gives back what is needed no more. Readers read
//! in the runtime's blocking threads. What they share is the `journal`.
//!
//! A message's content is kept in memory from its arrival to its sync, and nowhere else: the index has some dozens of octets
//! for each message, and everything is read back when it is asked for.

mod batch;
mod bell;
mod committer;
mod condition;
mod corrupt;
mod doubt;
mod entry;
mod fields;
mod folder;
mod frame;
mod inbox;
mod index;
mod journal;
mod large;
mod ledger;
pub(super) mod offline;
mod reclaim;
mod recover;
mod request;
mod scan;
mod segment;
mod supply;
mod survey;
mod threads;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use common_config::units::ByteSize;
use tokio::sync::watch;

pub use condition::Condition;

use super::blocking::blocking;
use super::disk::FileSystem;
use super::lock::Lock;
use super::message::{Head, Message, MessageState, Stored, Waiting};
use super::opening::holds_anything;
use super::{Durable, Recovered, Spool, SpoolError, SpoolFuture, record};
use crate::clock::Clock;
use crate::ids::QueueId;
use committer::Committer;
use condition::Troubles;
use folder::Folder;
use journal::{Journal, Shape};
use recover::{Damages, Start, Started};
use request::{Asks, Held, Request};
use threads::Rooms;

/// A spool that is one log.
pub struct LogSpool {
    rooms: Arc<Rooms>,
    threads: Vec<JoinHandle<()>>,
    damages: Damages,
    _lock: Arc<Lock>,
}

impl LogSpool {
    /// Opens the spool in `path`, which is made when it is not there, takes its lock, and reads it.
    ///
    /// Content of more than `large_over` octets is kept in files of its own. `condition` is told whether messages can be
    /// stored.
    ///
    /// # Errors
    /// [`SpoolError::InUse`] when another process holds the lock, [`SpoolError::Version`] when a later version wrote it,
    /// [`SpoolError::Io`] when the system refuses.
    pub async fn open(
        path: impl Into<PathBuf>,
        large_over: ByteSize,
        clock: Clock,
        condition: watch::Sender<Condition>,
    ) -> Result<Self, SpoolError> {
        let path = path.into();
        let lock = Arc::new(Lock::take(&path)?);
        Self::locked(path, lock, large_over, clock, condition).await
    }

    /// Opens the spool in `path`, whose lock is held.
    pub(super) async fn locked(
        path: PathBuf,
        lock: Arc<Lock>,
        large_over: ByteSize,
        clock: Clock,
        condition: watch::Sender<Condition>,
    ) -> Result<Self, SpoolError> {
        let shape = Shape {
            large_over: large_over.octets().min(LARGEST_WITHIN),
            ..SHAPE
        };
        let start = Start {
            folder: Folder::of(&path),
            disk: Arc::new(FileSystem),
            shape,
            clock,
            troubles: Arc::new(Troubles::new(condition)),
        };
        blocking(move || Self::start(&start, lock)).await
    }

    /// Whether a log at `path` holds anything.
    pub(super) fn is_in(path: &Path) -> Result<bool, SpoolError> {
        let folder = Folder::of(path);
        Ok(holds_anything(&folder.log)? || holds_anything(&folder.large)?)
    }

    /// Ends the log, and removes its files if it holds no message.
    pub(super) async fn clear(self) -> Result<(), SpoolError> {
        let journal = Arc::clone(&self.rooms.journal);
        blocking(move || {
            drop(self);
            journal.clear()
        })
        .await
    }

    fn start(start: &Start, lock: Arc<Lock>) -> Result<Self, SpoolError> {
        let Started {
            journal,
            writer,
            damages,
        } = start.run()?;
        let committer = Committer::new(Arc::clone(&journal), writer);
        let rooms = Arc::new(Rooms::new(journal));
        let mut spool = Self {
            rooms: Arc::clone(&rooms),
            threads: Vec::new(),
            damages,
            _lock: lock,
        };
        let (supply, reclaim) = (Arc::clone(&rooms), Arc::clone(&rooms));
        spool.spawn("spool-commit", move || rooms.commit(committer))?;
        spool.spawn("spool-supply", move || supply.make_ready())?;
        spool.spawn("spool-reclaim", move || reclaim.give_back())?;
        spool.rooms.supply.ring();
        spool.rooms.reclaim.ring();
        Ok(spool)
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), SpoolError> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
        self.threads.push(thread.map_err(|source| SpoolError::Io {
            step: "start a thread for",
            path: self.rooms.journal.folder.log.clone(),
            source,
        })?);
        Ok(())
    }

    async fn remove_large(&self, id: QueueId) {
        let removed = self.with_journal(move |journal| {
            large::remove(&*journal.disk, &journal.folder, id);
            Ok(())
        });
        // What stays is removed at the next start.
        let _ = removed.await;
    }

    /// Has something recorded, and waits until it is on stable storage.
    async fn ask(&self, id: QueueId, asks: Asks) -> Result<Durable<QueueId>, SpoolError> {
        let (request, answer) = Request::new(id, asks);
        self.rooms.inbox.put(request);
        // Without an answer the committer has ended in the midst of it.
        answer.await.unwrap_or(Err(SpoolError::Closed))
    }

    fn with_journal<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Journal) -> Result<T, SpoolError> + Send + 'static,
    ) -> SpoolFuture<'static, T> {
        let journal = Arc::clone(&self.rooms.journal);
        Box::pin(blocking(move || work(&journal)))
    }
}

impl Spool for LogSpool {
    fn commit(&self, message: Message) -> SpoolFuture<'_, Durable<QueueId>> {
        Box::pin(async move {
            let id = message.id;
            let large = is_over(&self.rooms.journal.shape, &message);
            let asks = if large {
                self.with_journal(move |journal| commit(journal, message))
                    .await?
            } else {
                commit(&self.rooms.journal, message)?
            };
            let answer = self.ask(id, asks).await;
            if large && answer.is_err() {
                self.remove_large(id).await;
            }
            answer
        })
    }

    fn update(&self, id: QueueId, state: MessageState) -> SpoolFuture<'_, ()> {
        Box::pin(async move { self.ask(id, update(id, &state)).await.map(drop) })
    }

    fn read(&self, id: QueueId) -> SpoolFuture<'_, Stored> {
        self.with_journal(move |journal| journal.read(id))
    }

    fn heads(&self, ids: Vec<QueueId>) -> SpoolFuture<'_, Vec<Result<Head, SpoolError>>> {
        self.with_journal(move |journal| Ok(ids.into_iter().map(|id| journal.head(id)).collect()))
    }

    fn remove(&self, id: QueueId) -> SpoolFuture<'_, ()> {
        Box::pin(async move {
            let known = self.rooms.journal.index().get(id);
            let _ = self.ask(id, Asks::Remove).await?;
            if known.is_some_and(|known| known.large) {
                self.remove_large(id).await;
            }
            Ok(())
        })
    }

    fn recover(&self) -> SpoolFuture<'_, Recovered> {
        let recovered = self.rooms.journal.recovered(&self.damages);
        Box::pin(async move { Ok(recovered) })
    }
}

impl Drop for LogSpool {
    /// Writes what waits, and ends the log cleanly.
    fn drop(&mut self) {
        self.rooms.inbox.close();
        self.rooms.supply.end();
        self.rooms.reclaim.end();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What a message asks for. Content that is over the bound is put on stable storage first, and that waits for the disk.
fn commit(journal: &Journal, mut message: Message) -> Result<Asks, SpoolError> {
    let id = message.id;
    let large = is_over(&journal.shape, &message);
    let waiting = Waiting::from(&message.state);
    let octets = std::mem::take(&mut message.content);
    let head = record::encode_message(&message);
    let checksum = crc32fast::hash(&octets);
    let content = if large {
        let length = u32::try_from(octets.len()).map_err(|_| SpoolError::TooLarge { id })?;
        large::write(&*journal.disk, &journal.folder, id, &octets)?;
        Held::Apart { length, checksum }
    } else {
        Held::Here { octets, checksum }
    };
    Ok(Asks::Commit {
        head,
        content,
        waiting,
    })
}

/// What a state asks for.
fn update(id: QueueId, state: &MessageState) -> Asks {
    Asks::Update {
        head: record::encode_state(id, state),
        waiting: Waiting::from(state),
    }
}

fn is_over(shape: &Shape, message: &Message) -> bool {
    message.content.len() as u64 > shape.large_over
}

/// 64 MiB are written in less than a second on any disk, and hold thousands of messages.
const SHAPE: Shape = Shape {
    first_segment: 4 * 1024 * 1024,
    segment: 64 * 1024 * 1024,
    batch: 8 * 1024 * 1024,
    records: 1024,
    large_over: 1024 * 1024,
    spares: 4,
    slack: 4,
};
/// Content of more octets is never put into a segment.
const LARGEST_WITHIN: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
