//! Which message is due when. Pure: it is told the time and starts nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::SystemTime;

use crate::ids::QueueId;
use crate::spool::message::MessageState;

/// What a message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaiting {
    /// Its time.
    Time,
    /// Its time, or a change of keys or settings: signing was deferred.
    Signing,
    /// An administrator's release: the message is held, and has no time.
    Release,
}

/// What a round of a message came to.
#[derive(Debug)]
pub enum Next {
    /// Nothing is left to do.
    Done,
    /// Another round is due.
    Again {
        /// When.
        due: SystemTime,
        /// What else it waits for.
        awaiting: Awaiting,
        /// What the spool could not record; it must be recorded before anything else is done.
        unrecorded: Option<Box<MessageState>>,
    },
}

/// How full the queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Level {
    /// Messages that wait or whose round is running.
    pub messages: usize,
    /// The one that was accepted first.
    pub oldest: Option<QueueId>,
    /// Those with which something is done now.
    pub active: usize,
    /// Those that an administrator holds.
    pub held: usize,
}

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

/// The messages that wait, ordered by due time, and those whose round is running.
///
/// Every message is in `entries`; it is in `due` under its time unless its round is running or it is held.
#[derive(Debug, Default)]
pub struct Schedule {
    entries: BTreeMap<QueueId, Entry>,
    due: BTreeSet<(SystemTime, QueueId)>,
    held: usize,
}

#[derive(Debug)]
enum Entry {
    Waiting {
        due: SystemTime,
        awaiting: Awaiting,
        unrecorded: Option<Box<MessageState>>,
    },
    /// `keys_changed`: signing is to be tried again as soon as the round is over.
    Running { keys_changed: bool },
}

impl Entry {
    fn is_running(&self) -> bool {
        match self {
            Self::Waiting { .. } => false,
            Self::Running { .. } => true,
        }
    }
}

impl Schedule {
    /// Adds a message. One that is known already stays as it is.
    pub fn add(&mut self, id: QueueId, due: SystemTime, awaiting: Awaiting) {
        if !self.entries.contains_key(&id) {
            self.wait(id, due, awaiting, None);
        }
    }

    /// Takes out the message that is due first, if its time has come; its round is taken to be running from now on.
    pub fn start_due(&mut self, now: SystemTime) -> Option<(QueueId, Option<Box<MessageState>>)> {
        let (due, id) = *self.due.first()?;
        if due > now {
            return None;
        }
        self.due.pop_first();
        let running = Entry::Running {
            keys_changed: false,
        };
        match self.entries.insert(id, running) {
            Some(Entry::Waiting { unrecorded, .. }) => Some((id, unrecorded)),
            Some(Entry::Running { .. }) | None => Some((id, None)),
        }
    }

    /// Takes a message out, if nothing is done with it, so that something may be: until [`Schedule::end`].
    pub fn take(&mut self, id: QueueId) -> Taken {
        let Some(entry) = self.entries.get_mut(&id) else {
            return Taken::Unknown;
        };
        let running = Entry::Running {
            keys_changed: false,
        };
        match std::mem::replace(entry, running) {
            Entry::Waiting {
                due,
                awaiting,
                unrecorded,
            } => {
                match awaiting {
                    Awaiting::Release => self.held -= 1,
                    Awaiting::Time | Awaiting::Signing => {
                        self.due.remove(&(due, id));
                    }
                }
                Taken::Waiting(unrecorded)
            }
            before @ Entry::Running { .. } => {
                *entry = before;
                Taken::Running
            }
        }
    }

    /// At most so many messages, in the order of their names, from the one behind `after`; and whether something is done with
    /// each of them now.
    #[must_use]
    pub fn page(&self, after: Option<QueueId>, most: usize) -> Vec<(QueueId, bool)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.entries.range((from, Bound::Unbounded)).take(most);
        page.map(|(id, entry)| (*id, entry.is_running())).collect()
    }

    /// Whether something is done with a message now; `None` when it is not there.
    #[must_use]
    pub fn is_running(&self, id: QueueId) -> Option<bool> {
        self.entries.get(&id).map(Entry::is_running)
    }

    /// Makes every message due at `now` that is not held.
    pub fn all_due(&mut self, now: SystemTime) {
        self.due.clear();
        for (id, entry) in &mut self.entries {
            match entry {
                Entry::Waiting {
                    awaiting: Awaiting::Release,
                    ..
                }
                | Entry::Running { .. } => {}
                Entry::Waiting { due, .. } => {
                    *due = now.min(*due);
                    self.due.insert((*due, *id));
                }
            }
        }
    }

    /// Takes note of how a running round ended, at `now`.
    pub fn end(&mut self, id: QueueId, next: Next, now: SystemTime) {
        let keys_changed = matches!(
            self.entries.remove(&id),
            Some(Entry::Running { keys_changed: true })
        );
        match next {
            Next::Done => {}
            Next::Again {
                due,
                awaiting,
                unrecorded,
            } => {
                let at_once = keys_changed && awaiting == Awaiting::Signing;
                self.wait(id, if at_once { now } else { due }, awaiting, unrecorded);
            }
        }
    }

    /// Makes every message whose signing was deferred due at `now`.
    pub fn keys_changed(&mut self, now: SystemTime) {
        for (id, entry) in &mut self.entries {
            match entry {
                Entry::Waiting {
                    due,
                    awaiting: Awaiting::Signing,
                    ..
                } => {
                    self.due.remove(&(*due, *id));
                    *due = now.min(*due);
                    self.due.insert((*due, *id));
                }
                Entry::Waiting { .. } => {}
                Entry::Running { keys_changed } => *keys_changed = true,
            }
        }
    }

    /// When the next message that waits is due.
    #[must_use]
    pub fn next_due(&self) -> Option<SystemTime> {
        self.due.first().map(|(due, _)| *due)
    }

    /// How many messages there are, and the oldest, which is the first by name.
    #[must_use]
    pub fn level(&self) -> Level {
        Level {
            messages: self.entries.len(),
            oldest: self.entries.first_key_value().map(|(id, _)| *id),
            active: self.entries.len() - self.due.len() - self.held,
            held: self.held,
        }
    }

    fn wait(
        &mut self,
        id: QueueId,
        due: SystemTime,
        awaiting: Awaiting,
        unrecorded: Option<Box<MessageState>>,
    ) {
        match awaiting {
            Awaiting::Release => self.held += 1,
            Awaiting::Time | Awaiting::Signing => {
                self.due.insert((due, id));
            }
        }
        let entry = Entry::Waiting {
            due,
            awaiting,
            unrecorded,
        };
        self.entries.insert(id, entry);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn id(number: u64) -> QueueId {
        QueueId::from_number(number)
    }

    fn started(schedule: &mut Schedule, now: u64) -> Vec<u64> {
        std::iter::from_fn(|| schedule.start_due(at(now)))
            .map(|(id, _)| id.number())
            .collect()
    }

    fn again(due: u64, awaiting: Awaiting) -> Next {
        Next::Again {
            due: at(due),
            awaiting,
            unrecorded: None,
        }
    }

    #[test]
    fn messages_start_in_the_order_of_their_times_and_once() {
        let mut schedule = Schedule::default();
        schedule.add(id(1), at(30), Awaiting::Time);
        schedule.add(id(2), at(10), Awaiting::Time);
        schedule.add(id(2), at(5), Awaiting::Time); // told twice
        assert_eq!(schedule.next_due(), Some(at(10)));
        assert_eq!(started(&mut schedule, 9), [0; 0]);
        assert_eq!(started(&mut schedule, 30), [2, 1]);
        assert_eq!(started(&mut schedule, 99), [0; 0]);
        assert_eq!(schedule.next_due(), None);
    }

    #[test]
    fn a_round_ends_in_another_or_in_nothing() {
        let mut schedule = Schedule::default();
        schedule.add(id(1), at(0), Awaiting::Time);
        schedule.add(id(2), at(0), Awaiting::Time);
        assert_eq!(started(&mut schedule, 0), [1, 2]);
        schedule.end(id(1), Next::Done, at(1));
        schedule.end(id(2), again(50, Awaiting::Time), at(1));
        assert_eq!(started(&mut schedule, 49), [0; 0]);
        assert_eq!(started(&mut schedule, 50), [2]);
    }

    #[test]
    fn messages_count_until_their_last_round_has_ended() {
        let mut schedule = Schedule::default();
        let level = |messages, active, oldest: Option<u64>| Level {
            messages,
            oldest: oldest.map(id),
            active,
            held: 0,
        };
        assert_eq!(schedule.level(), level(0, 0, None));
        schedule.add(id(2), at(0), Awaiting::Time);
        schedule.add(id(1), at(50), Awaiting::Time);
        assert_eq!(schedule.level(), level(2, 0, Some(1)));
        assert_eq!(started(&mut schedule, 50), [2, 1]);
        assert_eq!(schedule.level(), level(2, 2, Some(1)));
        schedule.end(id(1), Next::Done, at(51));
        assert_eq!(schedule.level(), level(1, 1, Some(2)));
        schedule.end(id(2), Next::Done, at(51));
        assert_eq!(schedule.level(), level(0, 0, None));
    }

    #[test]
    fn what_is_held_is_there_and_never_due() {
        let mut schedule = Schedule::default();
        schedule.add(id(1), at(10), Awaiting::Release);
        schedule.add(id(2), at(20), Awaiting::Time);
        assert_eq!((schedule.level().messages, schedule.level().held), (2, 1));
        schedule.keys_changed(at(15));
        schedule.all_due(at(15));
        assert_eq!(started(&mut schedule, 99), [2]);
        assert_eq!(schedule.next_due(), None);
        assert_eq!(schedule.page(None, 9), [(id(1), false), (id(2), true)]);
        assert_eq!(schedule.page(Some(id(1)), 9), [(id(2), true)]);
        assert_eq!(schedule.page(None, 1), [(id(1), false)]);
        // Released.
        assert!(matches!(schedule.take(id(1)), Taken::Waiting(None)));
        assert!(matches!(schedule.take(id(1)), Taken::Running));
        assert_eq!(schedule.level().held, 0);
        schedule.end(id(1), again(30, Awaiting::Time), at(16));
        assert_eq!(started(&mut schedule, 30), [1]);
        schedule.end(id(1), Next::Done, at(31));
        assert!(matches!(schedule.take(id(1)), Taken::Unknown));
    }

    #[test]
    fn what_is_taken_is_not_started() {
        let mut schedule = Schedule::default();
        schedule.add(id(1), at(10), Awaiting::Time);
        assert!(matches!(schedule.take(id(1)), Taken::Waiting(None)));
        assert_eq!(started(&mut schedule, 99), [0; 0]);
        schedule.end(id(1), again(10, Awaiting::Release), at(11));
        assert_eq!(schedule.is_running(id(1)), Some(false));
        assert_eq!(started(&mut schedule, 99), [0; 0]);
        assert_eq!(schedule.is_running(id(2)), None);
    }

    #[test]
    fn changed_keys_wake_what_waits_for_signing_and_nothing_else() {
        let mut schedule = Schedule::default();
        schedule.add(id(1), at(100), Awaiting::Signing);
        schedule.add(id(2), at(100), Awaiting::Time);
        schedule.keys_changed(at(7));
        assert_eq!(started(&mut schedule, 7), [1]);
    }

    #[test]
    fn keys_that_change_while_a_round_runs_are_not_missed() {
        let mut schedule = Schedule::default();
        schedule.add(id(1), at(0), Awaiting::Signing);
        schedule.add(id(2), at(0), Awaiting::Time);
        assert_eq!(started(&mut schedule, 0), [1, 2]);
        schedule.keys_changed(at(1));
        schedule.end(id(1), again(100, Awaiting::Signing), at(2));
        schedule.end(id(2), again(100, Awaiting::Time), at(2));
        assert_eq!(started(&mut schedule, 2), [1]);
    }
}
