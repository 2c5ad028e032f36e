//! What somebody else does with the messages of the schedule than their rounds: they are shown, taken out for a time, or due at
//! once.

use std::ops::Bound;
use std::time::SystemTime;

use super::{Awaiting, Running, Schedule};
use crate::ids::QueueId;
use crate::queue::legs::Stand;
use crate::spool::message::MessageState;

/// What [`Schedule::take`] found.
#[derive(Debug)]
pub enum Taken {
    /// The message waited; it is taken to be running from now on. What is on record of it may be older than this.
    Waiting(Option<Box<MessageState>>),
    /// Something is done with the message already.
    Running,
    /// It is not there.
    Unknown,
}

impl Schedule {
    /// Takes a message out, if nothing is done with it, so that something may be: until [`Schedule::end`].
    pub fn take(&mut self, id: QueueId) -> Taken {
        if self.running.contains_key(&id) {
            return Taken::Running;
        }
        let Some(mut entry) = self.entries.remove(&id) else {
            return Taken::Unknown;
        };
        self.clear_timer(id, &entry);
        if entry.awaiting == Awaiting::Release {
            self.held -= 1;
        }
        self.lines.leave(entry.origin, None, id);
        entry.upkeep = Stand::Called.into();
        // What stood in line is due as it was; and nothing comes due in the meantime.
        self.put_off(id, &mut entry, |before| before);
        entry.awaiting = Awaiting::Release;
        self.entries.insert(id, entry);
        self.running.insert(id, Running::default());
        Taken::Waiting(self.unrecorded.remove(&id))
    }

    /// At most so many messages, in the order of their names, from the one behind `after`; and whether something is done with
    /// each of them now.
    #[must_use]
    pub fn page(&self, after: Option<QueueId>, most: usize) -> Vec<(QueueId, bool)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.entries.range((from, Bound::Unbounded)).take(most);
        page.map(|(id, _)| (*id, self.running.contains_key(id)))
            .collect()
    }

    /// Whether something is done with a message now; `None` when it is not there.
    #[must_use]
    pub fn is_running(&self, id: QueueId) -> Option<bool> {
        self.entries
            .contains_key(&id)
            .then(|| self.running.contains_key(&id))
    }

    /// Has the destinations tried that are left alone and where this message is to go: somebody knows better.
    pub fn wake_for(&mut self, id: QueueId) {
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        let wanted: Vec<_> = entry.legs.iter().filter_map(|leg| leg.want).collect();
        for destination in wanted {
            self.destinations.wake(destination);
            self.admit(destination);
        }
    }

    /// Makes every message due at `now` that is not held, and has every destination tried that is left alone.
    pub fn all_due(&mut self, now: SystemTime) {
        while let Some(destination) = self.destinations.wake_any() {
            self.admit(destination);
        }
        self.hasten(now, |entry| entry.awaiting != Awaiting::Release);
    }
}
