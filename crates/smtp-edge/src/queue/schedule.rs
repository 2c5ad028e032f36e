//! Which message is due when, and whose turn it is. Pure: it is told the time and starts nothing itself.
//!
//! A message has a leg for each destination where recipients of it wait. A leg is due at its time; then it stands in line
//! (`lines`) until its destination has room (`destinations`) and it is its client's turn; then a round of the message is told
//! to go there. What a message waits for otherwise, such as the time when it is given up, is its *upkeep*: a round that goes
//! nowhere. There is one round of a message at a time; it is told of further legs while it goes on.

mod entry;
mod level;
mod taken;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::destinations::{Change, DestinationId, Destinations, Ended};
use super::legs::{Leg, Legs, Moment, Stand};
use super::lines::Lines;
use super::next::{Next, Remaining};
use super::numbers::Numbers;
use super::origin::Origin;
use super::start::{Call, Purpose, Start};
use super::window::Bounds;
use crate::deliver::route::Hop;
use crate::ids::QueueId;
use crate::spool::message::MessageState;
use entry::Entry;
pub use level::Level;
pub use taken::Taken;

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

/// A message that is new to the queue.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// When its next round is due.
    pub due: SystemTime,
    /// What else it waits for.
    pub awaiting: Awaiting,
    /// Whose it is.
    pub origin: Origin,
    /// Where it is to go; empty when that is not known, and a round has to find out.
    pub hops: Vec<Hop>,
    /// When it needs a round, wherever it stands then.
    pub upkeep: SystemTime,
}

/// All messages of the queue.
///
/// A message that waits for a time is in `timers` under the earliest of its times, and nowhere else there.
#[derive(Debug)]
pub struct Schedule {
    entries: BTreeMap<QueueId, Entry>,
    timers: BTreeSet<(Moment, QueueId)>,
    running: HashMap<QueueId, Running>,
    unrecorded: HashMap<QueueId, Box<MessageState>>,
    lines: Lines,
    destinations: Destinations,
    /// How many messages each client has.
    origins: Numbers<Origin, u32>,
    held: usize,
}

#[derive(Debug, Default)]
struct Running {
    /// Signing is to be tried again as soon as the round is over.
    keys_changed: bool,
}

impl Schedule {
    /// An empty one. A destination that is dead is left alone for `dead_for`.
    #[must_use]
    pub fn new(bounds: Bounds, dead_for: Duration) -> Self {
        Self {
            entries: BTreeMap::new(),
            timers: BTreeSet::new(),
            running: HashMap::new(),
            unrecorded: HashMap::new(),
            lines: Lines::default(),
            destinations: Destinations::new(bounds, dead_for),
            origins: Numbers::default(),
            held: 0,
        }
    }

    /// Adds a message. One that is known already stays as it is.
    pub fn add(&mut self, id: QueueId, arrival: &Arrival) {
        if self.entries.contains_key(&id) {
            return;
        }
        let due = Moment::from(arrival.due);
        let mut legs = Vec::with_capacity(arrival.hops.len());
        for hop in &arrival.hops {
            self.want(&mut legs, hop, |_| Stand::Due(due));
        }
        let legs = Legs::new(legs, due);
        let origin = self.count_in(&arrival.origin);
        let entry = Entry {
            legs,
            upkeep: Stand::Due(arrival.upkeep.into()).into(),
            origin,
            awaiting: arrival.awaiting,
        };
        self.put(id, entry);
    }

    /// Takes note of whose a message is and where it is to go, which was not known when it was added.
    pub fn learn(&mut self, id: QueueId, origin: &Origin, hops: &[Hop]) {
        if self.running.contains_key(&id) || !self.is_unknown(id) {
            return;
        }
        let Some(mut entry) = self.entries.remove(&id) else {
            return;
        };
        self.clear_timer(id, &entry);
        let old: Vec<Leg> = entry.legs.iter().collect();
        self.leave_lines(id, entry.origin, &old);
        let due = old.iter().find_map(|leg| leg.stand.due());
        let due = due.unwrap_or(Moment::EARLIEST);
        let mut legs = Vec::with_capacity(hops.len());
        for hop in hops {
            self.want(&mut legs, hop, |_| Stand::Due(due));
        }
        entry.legs = Legs::new(legs, due);
        self.change_origin(id, &mut entry, origin);
        self.set_timer(id, &entry);
        self.entries.insert(id, entry);
    }

    /// What is to be done next at `now`, if anything is. A round is taken to be running from now on, and a delivery to be
    /// under way.
    pub fn next(&mut self, now: SystemTime) -> Option<Start> {
        while let Some(destination) = self.destinations.revive(now) {
            self.admit(destination);
        }
        self.wake(now);
        loop {
            let (_, want, id) = {
                let destinations = &self.destinations;
                self.lines
                    .next(|destination| destinations.room(destination))?
            };
            let start = match want {
                Some(destination) => self.call(id, destination),
                None => self.keep_up(id),
            };
            if start.is_some() {
                return start;
            }
        }
    }

    /// A delivery that a [`Call`] was for has ended at `now`.
    pub fn ended(&mut self, destination: DestinationId, ended: Ended, now: SystemTime) -> Change {
        let change = self.destinations.end(destination, ended, now);
        self.admit(destination);
        change
    }

    /// Takes note of how a running round ended, at `now`.
    pub fn end(&mut self, id: QueueId, next: Next, now: SystemTime) {
        let running = self.running.remove(&id).unwrap_or_default();
        let Some(mut entry) = self.entries.remove(&id) else {
            return;
        };
        self.clear_timer(id, &entry);
        let again = match next {
            Next::Done => {
                self.drop_entry(id, &entry);
                return;
            }
            Next::Again(again) => again,
        };
        let due = if running.keys_changed && again.awaiting == Awaiting::Signing {
            now.into()
        } else {
            again.due.into()
        };
        match again.remaining {
            Remaining::AsBefore => self.put_off(id, &mut entry, |before| before.max(due)),
            Remaining::AllDue => self.put_off(id, &mut entry, |_| due),
            Remaining::Are { put_off, untried } => {
                self.change_legs(id, &mut entry, (&put_off, due), (&untried, now.into()));
            }
        }
        entry.upkeep = Stand::Due(again.upkeep.into()).into();
        entry.awaiting = again.awaiting;
        if let Some(origin) = &again.origin {
            self.change_origin(id, &mut entry, origin);
        }
        if let Some(state) = again.unrecorded {
            self.unrecorded.insert(id, state);
        }
        self.put(id, entry);
    }

    /// Makes every message whose signing was deferred due at `now`.
    pub fn keys_changed(&mut self, now: SystemTime) {
        self.running
            .values_mut()
            .for_each(|running| running.keys_changed = true);
        self.hasten(now, |entry| entry.awaiting == Awaiting::Signing);
    }

    fn hasten(&mut self, now: SystemTime, which: impl Fn(&Entry) -> bool) {
        let now = Moment::from(now);
        for (id, entry) in &mut self.entries {
            if !which(entry) || self.running.contains_key(id) {
                continue;
            }
            let before = entry.timer();
            entry.legs.change(|leg| match leg.stand {
                Stand::Due(due) => Stand::Due(due.min(now)),
                Stand::InLine | Stand::Called => leg.stand,
            });
            if let Some(before) = before {
                self.timers.remove(&(before, *id));
            }
            self.timers
                .extend(entry.timer().map(|moment| (moment, *id)));
        }
    }

    /// When there may be something to do that there is not now.
    #[must_use]
    pub fn next_due(&self) -> Option<SystemTime> {
        let timer = self.timers.first().map(|(moment, _)| moment.time());
        timer
            .into_iter()
            .chain(self.destinations.next_revival())
            .min()
    }

    /// Puts in line what has come due.
    fn wake(&mut self, now: SystemTime) {
        let now = Moment::from(now);
        while let Some((moment, id)) = self.timers.first().copied() {
            if moment > now {
                return;
            }
            self.timers.pop_first();
            let Some(entry) = self.entries.get_mut(&id) else {
                continue;
            };
            let (lines, destinations) = (&mut self.lines, &self.destinations);
            let origin = entry.origin;
            let mut join = |leg: Leg| match leg.stand {
                Stand::Due(due) if due <= now => {
                    let room = leg.want.map_or(0, |to| destinations.room(to));
                    lines.join(origin, leg.want, id, room);
                    Stand::InLine
                }
                Stand::Due(_) | Stand::InLine | Stand::Called => leg.stand,
            };
            entry.legs.change(&mut join);
            let upkeep = Leg {
                want: None,
                stand: entry.upkeep.stand(),
            };
            entry.upkeep = join(upkeep).into();
            self.timers.extend(entry.timer().map(|moment| (moment, id)));
        }
    }

    /// It is a message's turn to go somewhere.
    fn call(&mut self, id: QueueId, destination: DestinationId) -> Option<Start> {
        let want = Some(destination);
        let entry = self.entries.get_mut(&id)?;
        entry.legs.change(|leg| match leg.want == want {
            true => Stand::Called,
            false => leg.stand,
        });
        let hop = self.destinations.describe(destination)?.0.clone();
        self.destinations.begin(destination);
        self.admit(destination);
        let to = Call { destination, hop };
        if self.running.contains_key(&id) {
            return Some(Start::Further { id, to });
        }
        self.begin(id, Some(to))
    }

    /// It is a message's turn to have a round that goes nowhere.
    fn keep_up(&mut self, id: QueueId) -> Option<Start> {
        if self.running.contains_key(&id) {
            let entry = self.entries.get_mut(&id)?;
            entry.take_up(); // by the round that goes on
            return None;
        }
        self.begin(id, None)
    }

    fn begin(&mut self, id: QueueId, to: Option<Call>) -> Option<Start> {
        self.running.insert(id, Running::default());
        let entry = self.entries.get_mut(&id)?;
        let purpose = match (&to, entry.upkeep.stand()) {
            (Some(_), _) => Purpose::Delivery,
            (None, Stand::InLine) => Purpose::Upkeep,
            (None, Stand::Due(_) | Stand::Called) => Purpose::Survey,
        };
        let before = entry.timer();
        self.lines.leave(entry.origin, None, id);
        entry.take_up();
        let after = entry.timer();
        if before != after {
            if let Some(moment) = before {
                self.timers.remove(&(moment, id));
            }
            self.timers.extend(after.map(|moment| (moment, id)));
        }
        let waiting = entry.legs.iter().filter(|leg| leg.stand != Stand::Called);
        let troubles = waiting.filter_map(|leg| {
            let (hop, trouble) = self.destinations.describe(leg.want?)?;
            Some((hop.clone(), Arc::clone(trouble?)))
        });
        Some(Start::Round {
            id,
            to,
            purpose,
            unrecorded: self.unrecorded.remove(&id),
            troubles: troubles.collect(),
        })
    }

    /// Whether it is not known whose a message is.
    fn is_unknown(&self, id: QueueId) -> bool {
        let entry = self.entries.get(&id);
        let origin = entry.and_then(|entry| self.origins.get(entry.origin));
        origin.is_some_and(|(origin, _)| *origin == Origin::Unknown)
    }

    fn admit(&mut self, destination: DestinationId) {
        let room = self.destinations.room(destination);
        self.lines.admit(destination, room);
    }
}

#[cfg(test)]
mod tests;
