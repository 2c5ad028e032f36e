//! The batch in doubt: the last one of a log whose end nobody saw. It may have been answered, so it is written anew.

use std::collections::BTreeSet;

use super::batch::{Content, Record, Says};
use super::entry::{Entry, Kind};
use super::folder::Folder;
use super::frame::Epoch;
use super::scan::{Found, Front, Item};
use super::segment::{Segment, at_path};
use crate::spool::SpoolError;
use crate::spool::disk::Disk;
use crate::spool::message::Waiting;

/// Its records, and the segment that they were in.
pub(super) struct Doubt {
    epoch: Epoch,
    records: Vec<Doubtful>,
}

struct Doubtful {
    entry: Entry,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Doubt {
    /// Reads a batch that is whole.
    pub(super) fn read(
        disk: &dyn Disk,
        folder: &Folder,
        segment: &Segment,
        front: &Front,
    ) -> Result<Self, SpoolError> {
        let mut records = Vec::new();
        for found in front.records(segment)? {
            let Found::Whole(Item { entry, head, .. }) = found else {
                continue; // not in a batch that is whole
            };
            if is_refused(disk, folder, &entry)? {
                continue;
            }
            let body = match entry.kind {
                Kind::Message => segment.body(entry.body)?,
                Kind::LargeMessage | Kind::State | Kind::Done => Vec::new(),
            };
            let head = head.to_vec();
            records.push(Doubtful { entry, head, body });
        }
        let epoch = segment.identity.epoch;
        Ok(Self { epoch, records })
    }

    /// What the records take of a batch.
    pub(super) fn octets(&self) -> u64 {
        let records = self.records.iter();
        records
            .map(|doubtful| u64::from(doubtful.entry.octets()))
            .sum()
    }

    /// The records as they are to be written to the segment `anew`.
    pub(super) fn records(&self, anew: Epoch) -> Vec<Record<'_>> {
        let mut messages = BTreeSet::new();
        let mut records = Vec::with_capacity(self.records.len());
        for doubtful in &self.records {
            let Entry {
                id,
                kind,
                reference,
                ..
            } = doubtful.entry;
            let says = match kind {
                Kind::Message | Kind::LargeMessage => {
                    messages.insert(id);
                    doubtful.message()
                }
                Kind::State => Says::State {
                    head: &doubtful.head,
                    waiting: doubtful.waiting(),
                },
                Kind::Done => Says::Done {
                    home: self.home(reference, messages.contains(&id), anew),
                },
            };
            records.push(Record { id, says });
        }
        records
    }

    /// Where the message that is done lies then: with this batch it goes along.
    fn home(&self, reference: Option<Epoch>, in_batch: bool, anew: Epoch) -> Epoch {
        match reference {
            Some(home) if home == self.epoch && in_batch => anew,
            Some(home) => home,
            None => Epoch(0),
        }
    }
}

/// Whether an entry is of a large message that was refused, so that its content was removed.
pub(super) fn is_refused(
    disk: &dyn Disk,
    folder: &Folder,
    entry: &Entry,
) -> Result<bool, SpoolError> {
    if entry.kind != Kind::LargeMessage || entry.reference.is_some() {
        return Ok(false);
    }
    let path = folder.large(entry.id);
    let exists = disk.exists(&path).map_err(at_path("look for", &path))?;
    Ok(!exists)
}

impl Doubtful {
    fn message(&self) -> Says<'_> {
        let (length, checksum) = (self.entry.body.length, self.entry.body.checksum);
        let content = match self.entry.kind {
            Kind::LargeMessage => Content::Apart { length, checksum },
            Kind::Message | Kind::State | Kind::Done => Content::Here {
                octets: &self.body,
                checksum,
            },
        };
        Says::Message {
            head: &self.head,
            content,
            waiting: self.waiting(),
            from: self.entry.reference,
        }
    }

    fn waiting(&self) -> Waiting {
        self.entry.waiting()
    }
}
