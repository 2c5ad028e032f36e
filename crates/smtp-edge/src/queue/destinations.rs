//! The destinations that messages wait for: how many deliveries are under way to each, and which are dead. Pure.
//!
//! A destination is a next hop, since it is hosts that bear only so much. It is known while a message is to go there, and
//! until its death is over.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::numbers::{Number, Numbers};
use super::window::{Bounds, Reached, Verdict, Window};
use crate::deliver::route::Hop;
use crate::spool::message::Fault;

/// The number of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationId(Number);

/// All destinations of the queue.
#[derive(Debug)]
pub struct Destinations {
    known: Numbers<Hop, Destination>,
    dead: BTreeSet<(SystemTime, DestinationId)>,
    under_way: usize,
    bounds: Bounds,
    dead_for: Duration,
}

#[derive(Debug)]
struct Destination {
    /// How many messages have it among their legs.
    wanted: u32,
    under_way: u32,
    window: Window,
    state: State,
    /// Why it was not reached last, until it is.
    trouble: Option<Arc<Fault>>,
}

/// Whether a destination may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Alive,
    Dead { until: SystemTime },
}

/// What the end of a delivery has changed of its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing that anybody is to be told.
    None,
    /// It is left alone until then.
    Died {
        /// Which.
        hop: Hop,
        /// When it is tried again.
        until: SystemTime,
        /// What failed last.
        trouble: Option<Arc<Fault>>,
    },
}

impl Destinations {
    /// None yet. A dead destination is left alone for `dead_for`.
    #[must_use]
    pub fn new(bounds: Bounds, dead_for: Duration) -> Self {
        Self {
            known: Numbers::default(),
            dead: BTreeSet::new(),
            under_way: 0,
            bounds,
            dead_for,
        }
    }

    /// The destination at `hop`, which one more message wants.
    pub fn want(&mut self, hop: &Hop) -> DestinationId {
        let bounds = self.bounds;
        let number = self.known.of(hop, || Destination {
            wanted: 0,
            under_way: 0,
            window: Window::new(bounds),
            state: State::Alive,
            trouble: None,
        });
        if let Some((_, destination)) = self.known.get_mut(number) {
            destination.wanted = destination.wanted.saturating_add(1);
        }
        DestinationId(number)
    }

    /// Takes note that a message no longer wants it.
    pub fn give_up(&mut self, id: DestinationId) {
        if let Some((_, destination)) = self.known.get_mut(id.0) {
            destination.wanted = destination.wanted.saturating_sub(1);
        }
        self.forget_unused(id);
    }

    /// The destination at `hop`, if one is known.
    pub fn find(&self, hop: &Hop) -> Option<DestinationId> {
        self.known.find(hop).map(DestinationId)
    }

    /// Where it is, and why it was not reached last.
    pub fn describe(&self, id: DestinationId) -> Option<(&Hop, Option<&Arc<Fault>>)> {
        let (hop, destination) = self.known.get(id.0)?;
        Some((hop, destination.trouble.as_ref()))
    }

    /// How many more deliveries may begin.
    pub fn room(&self, id: DestinationId) -> u32 {
        match self.known.get(id.0) {
            Some((_, destination)) => match destination.state {
                State::Alive => destination.window.room(destination.under_way),
                State::Dead { .. } => 0,
            },
            None => 0,
        }
    }

    /// A delivery begins. It stays known until that has ended.
    pub fn begin(&mut self, id: DestinationId) {
        if let Some((_, destination)) = self.known.get_mut(id.0) {
            destination.under_way += 1;
            self.under_way += 1;
        }
    }

    /// A delivery that had begun has ended at `now`.
    pub fn end(&mut self, id: DestinationId, ended: Ended, now: SystemTime) -> Change {
        let Ended { reached, trouble } = ended;
        let Some((hop, destination)) = self.known.get_mut(id.0) else {
            return Change::None;
        };
        self.under_way = self.under_way.saturating_sub(1);
        destination.under_way = destination.under_way.saturating_sub(1);
        match reached {
            Reached::Yes => destination.trouble = None,
            Reached::No => destination.trouble = trouble.map(Arc::new),
            Reached::Untried => {}
        }
        let mut change = Change::None;
        if destination.state == State::Alive {
            let others = destination.under_way;
            match destination.window.feed(reached, others, self.bounds) {
                Verdict::Alive => {}
                Verdict::Dead => {
                    let until = now + self.dead_for;
                    destination.state = State::Dead { until };
                    self.dead.insert((until, id));
                    change = Change::Died {
                        hop: hop.clone(),
                        until,
                        trouble: destination.trouble.clone(),
                    };
                }
            }
        }
        self.forget_unused(id);
        change
    }

    /// A dead destination whose time is over at `now`, and which may be tried again.
    pub fn revive(&mut self, now: SystemTime) -> Option<DestinationId> {
        let (until, id) = *self.dead.first()?;
        if until > now {
            return None;
        }
        self.dead.pop_first();
        if let Some((_, destination)) = self.known.get_mut(id.0) {
            destination.state = State::Alive;
        }
        self.forget_unused(id);
        Some(id)
    }

    /// The destination may be tried again, if it is dead, though its time is not over.
    pub fn wake(&mut self, id: DestinationId) {
        let Some((_, destination)) = self.known.get_mut(id.0) else {
            return;
        };
        match destination.state {
            State::Alive => {}
            State::Dead { until } => {
                destination.state = State::Alive;
                self.dead.remove(&(until, id));
            }
        }
        self.forget_unused(id);
    }

    /// Any dead destination, which may be tried again though its time is not over.
    pub fn wake_any(&mut self) -> Option<DestinationId> {
        let (_, id) = *self.dead.first()?;
        self.wake(id);
        Some(id)
    }

    /// When the next dead destination may be tried again.
    pub fn next_revival(&self) -> Option<SystemTime> {
        self.dead.first().map(|(until, _)| *until)
    }

    /// How many deliveries are under way.
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// How many destinations are dead.
    pub fn dead(&self) -> usize {
        self.dead.len()
    }

    /// How many are known.
    pub fn known(&self) -> usize {
        self.known.len()
    }

    fn forget_unused(&mut self, id: DestinationId) {
        let unused = self.known.get(id.0).is_some_and(|(_, destination)| {
            destination.wanted == 0
                && destination.under_way == 0
                && destination.state == State::Alive
        });
        if unused {
            self.known.forget(id.0);
        }
    }
}

/// How a delivery ended, for its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whether it got there.
    pub reached: Reached,
    /// Why not.
    pub trouble: Option<Fault>,
}

impl Ended {
    /// A delivery that was not even tried.
    pub const UNTRIED: Self = Self {
        reached: Reached::Untried,
        trouble: None,
    };
}
