//! What is known of the messages without asking the disk: where each lies and when it is due; and by that, what each
//! segment is still needed for. A start and a running server apply the same entries with the same function.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::SystemTime;

use super::entry::{Entry, Flags, Kind};
use super::frame::Epoch;
use super::ledger::Ledger;
use crate::ids::QueueId;
use crate::spool::message::Waiting;

/// Where a record is: its entry's offset, and what the whole record takes of its segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) segment: Epoch,
    /// Never 0, where the segment's header is: so an `Option<Place>` takes no more room than a place.
    at: NonZeroU32,
    pub(super) octets: u32,
}

impl Place {
    pub(super) fn new(segment: Epoch, at: u32, octets: u32) -> Self {
        Self {
            segment,
            at: NonZeroU32::new(at).unwrap_or(NonZeroU32::MIN),
            octets,
        }
    }

    /// The offset of the record's entry.
    pub(super) fn at(self) -> u32 {
        self.at.get()
    }
}

/// A message that is not done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Known {
    /// The message, with the state that it was written with.
    pub(super) message: Place,
    /// Its latest state, when there is one after that.
    pub(super) state: Option<Place>,
    due: u64,
    flags: Flags,
    /// Whether its content is a file of its own.
    pub(super) large: bool,
}

/// All messages that are not done, and the accounts of the segments.
#[derive(Default)]
pub(super) struct Index {
    messages: BTreeMap<QueueId, Known>,
    pub(super) ledger: Ledger,
    /// Messages whose latest record could not be read, so that they may have come further than is known.
    doubtful: BTreeSet<QueueId>,
    /// The highest queue id that was seen in any record.
    pub(super) last_id: Option<QueueId>,
}

impl Index {
    /// Takes note of a record that is on stable storage. Records come in the order of the log.
    pub(super) fn apply(&mut self, entry: &Entry, place: Place) {
        self.last_id = self.last_id.max(Some(entry.id));
        match entry.kind {
            Kind::Message | Kind::LargeMessage => {
                self.forget(entry.id);
                self.ledger.need(place);
                self.ledger.pin(place.segment, entry.reference);
                let known = Known {
                    message: place,
                    state: None,
                    due: entry.due,
                    flags: entry.flags,
                    large: entry.kind == Kind::LargeMessage,
                };
                self.messages.insert(entry.id, known);
            }
            Kind::State => {
                // The state of a message that is gone: it was done in a segment that is gone, too.
                let Some(known) = self.messages.get_mut(&entry.id) else {
                    return;
                };
                if let Some(old) = known.state.replace(place) {
                    self.ledger.release(old);
                }
                self.doubtful.remove(&entry.id);
                known.due = entry.due;
                known.flags = entry.flags;
                self.ledger.need(place);
            }
            Kind::Done => {
                let home = self
                    .messages
                    .get(&entry.id)
                    .map(|known| known.message.segment);
                if home == entry.reference {
                    self.forget(entry.id);
                }
                self.ledger.pin(place.segment, entry.reference);
            }
        }
    }

    /// Takes a message away.
    pub(super) fn forget(&mut self, id: QueueId) {
        self.doubtful.remove(&id);
        if let Some(known) = self.messages.remove(&id) {
            self.ledger.release(known.message);
            if let Some(state) = known.state {
                self.ledger.release(state);
            }
        }
    }

    /// Takes note that the record that comes now could not be read, and is about this message, if that is known.
    pub(super) fn doubt(&mut self, id: QueueId) {
        self.last_id = self.last_id.max(Some(id));
        if self.messages.contains_key(&id) {
            self.doubtful.insert(id);
        }
    }

    /// The messages that may have come further than is known.
    pub(super) fn doubtful(&self) -> Vec<QueueId> {
        self.doubtful.iter().copied().collect()
    }

    /// What is known of a message.
    pub(super) fn get(&self, id: QueueId) -> Option<Known> {
        self.messages.get(&id).copied()
    }

    /// Whether no message is there.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The messages whose content is a file of its own.
    pub(super) fn large(&self) -> BTreeSet<QueueId> {
        let large = self.messages.iter().filter(|(_, known)| known.large);
        large.map(|(id, _)| *id).collect()
    }

    /// Every message, the first accepted first, and when it is due.
    pub(super) fn waiting(&self) -> Vec<(QueueId, Waiting)> {
        let messages = self.messages.iter();
        messages
            .map(|(id, known)| (*id, known.flags.waiting(known.due)))
            .collect()
    }
}

/// A time as entries hold it: good until the year 2554.
pub(super) fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}
