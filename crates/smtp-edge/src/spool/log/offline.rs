//! A log that is only read.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::condition::{Condition, Troubles};
use super::folder::Folder;
use super::journal::Journal;
use super::recover::{Looked, Start};
use super::{SHAPE, SpoolError};
use crate::clock::Clock;
use crate::ids::QueueId;
use crate::spool::looking::Looking;
use crate::spool::message::Message;
use crate::spool::offline::Damage;

/// The log of a spool.
pub(in crate::spool) struct Log {
    journal: Arc<Journal>,
    pub(in crate::spool) damage: Vec<Damage>,
    /// Batches that were not written to their end.
    pub(in crate::spool) torn: usize,
}

impl Log {
    pub(in crate::spool) fn open(path: &Path) -> Result<Self, SpoolError> {
        let start = Start {
            folder: Folder::of(path),
            disk: Arc::new(Looking),
            shape: SHAPE,
            clock: Clock::system(),
            troubles: Arc::new(Troubles::new(watch::channel(Condition::Works).0)),
        };
        let Looked {
            journal,
            damage,
            torn,
        } = start.look()?;
        Ok(Self {
            journal,
            damage,
            torn,
        })
    }

    pub(in crate::spool) fn ids(&self) -> impl Iterator<Item = QueueId> {
        let waiting = self.journal.index().waiting();
        waiting.into_iter().map(|(id, _)| id)
    }

    pub(in crate::spool) fn read(&self, id: QueueId) -> Result<Message, SpoolError> {
        self.journal.read(id).map(|stored| stored.message)
    }
}
