//! What the committer, the readers and the reclaimer share: the index, the files, and the changes of their names.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::condition::{Refusal, Troubles};
use super::entry::{Entry, Kind};
use super::folder::{Folder, Name};
use super::frame::{End, Epoch, Unreadable};
use super::index::{Index, Place};
use super::large;
use super::ledger::Stage;
use super::recover::Damages;
use super::segment::{Segment, at_path};
use super::supply::Supply;
use crate::clock::Clock;
use crate::ids::QueueId;
use crate::spool::disk::Disk;
use crate::spool::message::{Head, Message, MessageState, Stored};
use crate::spool::{Recovered, SpoolError, record};

/// Sizes of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Octets of the first segment that is made.
    pub(super) first_segment: u32,
    /// Octets of a segment of full size.
    pub(super) segment: u32,
    /// The most octets of records in one batch.
    pub(super) batch: u32,
    /// The most records in one batch.
    pub(super) records: usize,
    /// Content of more octets is a file of its own.
    pub(super) large_over: u64,
    /// Files that are kept to become segments.
    pub(super) spares: usize,
    /// Closed segments that may be there whatever is needed of them.
    pub(super) slack: usize,
}

/// The log, but for the segment that is written.
pub(super) struct Journal {
    pub(super) folder: Folder,
    pub(super) shape: Shape,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Clock,
    pub(super) troubles: Arc<Troubles>,
    pub(super) supply: Supply,
    pub(super) index: Mutex<Index>,
    /// Held by who changes names in the folder of the log.
    pub(super) names: Mutex<Names>,
}

/// Changes of names that are under way: the files have the new names, which may not be durable yet.
#[derive(Default)]
pub(super) struct Names {
    closing: Vec<Epoch>,
    given_up: Vec<(Epoch, Option<PathBuf>)>,
}

impl Journal {
    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a start found.
    pub(super) fn recovered(&self, damages: &Damages) -> Recovered {
        let index = self.index();
        Recovered {
            messages: index.waiting(),
            last_id: index.last_id,
            corrupt: damages.corrupt.clone(),
            unknown: damages.unknown.clone(),
            held: damages.held.clone(),
        }
    }

    /// Reads a message and its latest state.
    pub(super) fn read(&self, id: QueueId) -> Result<Stored, SpoolError> {
        let (message, state) = self.find(id)?;
        let mut message = read_message(&*self.disk, &self.folder, id, &message)?;
        if let Some(Located { at, segment }) = state {
            message.state = read_state(id, &segment, at, &message)?;
        }
        Ok(Stored { message })
    }

    /// Reads a message without its content, with its latest state.
    pub(super) fn head(&self, id: QueueId) -> Result<Head, SpoolError> {
        let (Located { segment, at }, state) = self.find(id)?;
        let (entry, mut message) = read_message_head(id, &segment, at)?;
        if let Some(Located { at, segment }) = state {
            message.state = read_state(id, &segment, at, &message)?;
        }
        Ok(Head {
            size: u64::from(entry.body.length),
            ..Head::from(message)
        })
    }

    /// Where a message lies, and its latest state if there is one. Whoever holds a segment can read it: its file is used for
    /// nothing else before that.
    pub(super) fn find(&self, id: QueueId) -> Result<(Located, Option<Located>), SpoolError> {
        let index = self.index();
        let missing = || SpoolError::NotFound { id };
        let located = |place: Place| {
            let account = index.ledger.get(place.segment).ok_or_else(missing)?;
            Ok(Located {
                segment: Arc::clone(&account.segment),
                at: place.at(),
            })
        };
        let known = index.get(id).ok_or_else(missing)?;
        Ok((
            located(known.message)?,
            known.state.map(located).transpose()?,
        ))
    }

    /// Gives every segment to which nothing more is written its end as a part of its name, durably, the oldest first.
    pub(super) fn name_closed(&self) -> Result<(), Refusal> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let closing: Vec<End> = {
            let index = self.index();
            let closing = index
                .ledger
                .iter()
                .filter_map(|(epoch, account)| match account.stage {
                    Stage::Closing { end } => Some(End { epoch, end }),
                    Stage::Written | Stage::Closed { .. } => None,
                });
            closing.collect()
        };
        if closing.is_empty() {
            return Ok(());
        }
        for end in &closing {
            if names.closing.contains(&end.epoch) {
                continue; // renamed in an attempt whose sync failed
            }
            let (from, to) = (Name::Open(end.epoch), Name::Closed(*end));
            let (from, to) = (self.folder.path(from), self.folder.path(to));
            self.disk
                .rename(&from, &to)
                .map_err(|why| Refusal::new("name", &to, &why))?;
            names.closing.push(end.epoch);
        }
        self.sync_names()?;
        names.closing.clear();
        let mut index = self.index();
        for End { epoch, end } in closing {
            if let Some(account) = index.ledger.get_mut(epoch) {
                account.stage = Stage::Closed { end };
            }
        }
        Ok(())
    }

    /// Gives up segments that are needed for nothing. Their files become spares, unless somebody still reads them or there
    /// are enough. Only when their names are gone durably is forgotten what they were.
    pub(super) fn give_up(&self, idle: &[Epoch]) -> Result<(), Refusal> {
        if idle.is_empty() {
            return Ok(());
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for epoch in idle {
            if !names.given_up.iter().any(|(known, _)| known == epoch) {
                let spare = self.take_name(*epoch, names.given_up.len())?;
                names.given_up.push((*epoch, spare));
            }
        }
        self.sync_names()?;
        for (epoch, spare) in names.given_up.drain(..) {
            self.index().ledger.give_up(epoch);
            if let Some(spare) = spare {
                self.supply.add_spare(spare);
            }
        }
        Ok(())
    }

    /// Removes every file of a log that holds no message and has ended. Durable before anybody goes on, since what is removed
    /// says of itself that messages were done.
    pub(super) fn clear(&self) -> Result<(), SpoolError> {
        let index = self.index();
        if !index.is_empty() {
            return Ok(());
        }
        for folder in [&self.folder.log, &self.folder.large] {
            for path in self.disk.list(folder).map_err(at_path("list", folder))? {
                let removed = self.disk.unlink(&path);
                removed.map_err(at_path("remove", &path))?;
            }
            let synced = self.disk.sync_folder(folder);
            synced.map_err(at_path("sync", folder))?;
        }
        Ok(())
    }

    /// Takes a closed segment's name away, and says as which spare its file waits now, if it does.
    fn take_name(&self, epoch: Epoch, others: usize) -> Result<Option<PathBuf>, Refusal> {
        let (path, reusable) = {
            let index = self.index();
            let Some(account) = index.ledger.get(epoch) else {
                return Ok(None);
            };
            let Stage::Closed { end } = account.stage else {
                return Ok(None);
            };
            let path = self.folder.path(Name::Closed(End { epoch, end }));
            let unread = Arc::strong_count(&account.segment) == 1;
            let of_size = account.segment.size == self.shape.segment;
            (path, unread && of_size && !account.failed)
        };
        if reusable && self.supply.spares() + others < self.shape.spares {
            let spare = self.supply.spare_name();
            let renamed = self.disk.rename(&path, &spare);
            renamed.map_err(|why| Refusal::new("name", &spare, &why))?;
            return Ok(Some(spare));
        }
        let removed = self.disk.unlink(&path);
        removed.map_err(|why| Refusal::new("remove", &path, &why))?;
        Ok(None)
    }

    fn sync_names(&self) -> Result<(), Refusal> {
        let folder = &self.folder.log;
        let synced = self.disk.sync_folder(folder);
        synced.map_err(|why| Refusal::new("sync", folder, &why))
    }
}

/// Where a record is, and the segment that has it.
pub(super) struct Located {
    pub(super) segment: Arc<Segment>,
    pub(super) at: u32,
}

fn read_message(
    disk: &dyn Disk,
    folder: &Folder,
    id: QueueId,
    Located { segment, at }: &Located,
) -> Result<Message, SpoolError> {
    let (entry, mut message) = read_message_head(id, segment, *at)?;
    message.content = match entry.kind {
        Kind::Message => segment.body(entry.body)?,
        Kind::LargeMessage => large::read(disk, folder, id, entry.body)?,
        Kind::State | Kind::Done => return Err(damaged(segment, *at)),
    };
    Ok(message)
}

/// The entry of a message and the message without its content.
fn read_message_head(
    id: QueueId,
    segment: &Segment,
    at: u32,
) -> Result<(Entry, Message), SpoolError> {
    let entry = segment.entry(at)?;
    let head = segment.head(entry.head)?;
    let message = decode(segment, entry.head.at, &head)?;
    if entry.id != id || message.id != id {
        return Err(damaged(segment, at));
    }
    Ok((entry, message))
}

/// The message, without its content, that a head holds.
pub(super) fn decode(segment: &Segment, at: u32, head: &[u8]) -> Result<Message, SpoolError> {
    record::decode_message(head).map_err(|why| unreadable(segment, at, why))
}

/// Reads the state at `at`, which must be one of this message.
pub(super) fn read_state(
    id: QueueId,
    segment: &Segment,
    at: u32,
    message: &Message,
) -> Result<MessageState, SpoolError> {
    let entry = segment.entry(at)?;
    let head = segment.head(entry.head)?;
    let (named, state) =
        record::decode_state(&head).map_err(|why| unreadable(segment, entry.head.at, why))?;
    if named == id && state.recipients.len() == message.state.recipients.len() {
        Ok(state)
    } else {
        Err(damaged(segment, at))
    }
}

fn damaged(segment: &Segment, at: u32) -> SpoolError {
    segment.unreadable(at, Unreadable::Damaged)
}

fn unreadable(segment: &Segment, at: u32, why: record::RecordError) -> SpoolError {
    let path = segment.path.clone();
    match why {
        record::RecordError::Damaged { offset } => SpoolError::Damaged {
            path,
            offset: u64::from(at) + offset,
        },
        record::RecordError::Version { version } => SpoolError::Version { path, version },
    }
}
