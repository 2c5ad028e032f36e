//! A spool without a server: everything in it can be read, of either kind, and nothing in it is changed. Its lock is held
//! meanwhile, so that no server starts on it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::SpoolError;
use super::file::offline::Files;
use super::lock::Lock;
use super::log::offline::Log;
use super::message::{Message, RecipientState};
use crate::ids::QueueId;

/// The spool of a server that does not run.
pub struct OfflineSpool {
    log: Log,
    files: Files,
    _lock: Option<Lock>,
}

/// Something in a spool that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// What is wrong.
    pub what: Wrong,
    /// The message that it is about, when that is known.
    pub id: Option<QueueId>,
}

/// What is wrong with a part of a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Its checksum or its form.
    Damaged,
    /// It is not there.
    Missing,
    /// It is none of the spool's files, or one that no record names.
    Foreign,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, what) = (self.path.display(), self.what.explanation());
        write!(f, "{path} {what}, at octet {}", self.offset)?;
        match self.id {
            Some(id) => write!(f, " (message {id})"),
            None => Ok(()),
        }
    }
}

impl Wrong {
    /// In words.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Damaged => "is damaged",
            Self::Missing => "is missing",
            Self::Foreign => "belongs to no message",
        }
    }
}

impl OfflineSpool {
    /// Opens the spool at `path` and reads where everything in it is.
    ///
    /// # Errors
    /// [`SpoolError::NoSpool`], [`SpoolError::InUse`] when a server runs, [`SpoolError::Version`] when a later version wrote
    /// it, [`SpoolError::Io`].
    pub fn open(path: &Path) -> Result<Self, SpoolError> {
        let there = ["log", "messages"].map(|kind| path.join(kind).is_dir());
        if there == [false, false] {
            return Err(SpoolError::NoSpool {
                path: path.to_owned(),
            });
        }
        let lock = Lock::of_reader(path)?;
        Ok(Self {
            log: Log::open(path)?,
            files: Files::open(path)?,
            _lock: lock,
        })
    }

    /// The messages, the first accepted first.
    #[must_use]
    pub fn messages(&self) -> Vec<QueueId> {
        let ids: BTreeSet<QueueId> = self.log.ids().chain(self.files.ids()).collect();
        ids.into_iter().collect()
    }

    /// Reads a message with its latest state. Everything that has a checksum is compared with it.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub fn read(&self, id: QueueId) -> Result<Message, SpoolError> {
        match self.log.read(id) {
            // A move from one kind to the other may have been cut off: what is in both is the same.
            Err(SpoolError::NotFound { .. }) => self.files.read(id),
            read => read,
        }
    }

    /// What was found damaged so far: reading messages finds more.
    #[must_use]
    pub fn damage(&self) -> Vec<Damage> {
        let mut damage = self.log.damage.clone();
        damage.extend(self.files.damage());
        damage.sort();
        damage.dedup();
        damage
    }

    /// Batches at the end of the log that were not written to their end, and so were never answered: no damage.
    #[must_use]
    pub fn torn(&self) -> usize {
        self.log.torn
    }
}

/// What an error in reading a message says of the spool, if that is damage.
#[must_use]
pub fn damage_of(id: QueueId, error: &SpoolError) -> Option<Damage> {
    match error {
        SpoolError::Damaged { path, offset } => Some(Damage {
            path: path.clone(),
            offset: *offset,
            what: Wrong::Damaged,
            id: Some(id),
        }),
        SpoolError::Io { path, source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Some(Damage {
                path: path.clone(),
                offset: 0,
                what: Wrong::Missing,
                id: Some(id),
            })
        }
        _ => None,
    }
}

/// Whether nothing is left to do for a message.
#[must_use]
pub fn is_settled(message: &Message) -> bool {
    let recipients = message.state.recipients.iter();
    recipients.into_iter().all(|state| match state {
        RecipientState::Delivered | RecipientState::Reported => true,
        RecipientState::Pending(_) | RecipientState::Failed(_) => false,
    })
}

#[cfg(test)]
mod tests;
