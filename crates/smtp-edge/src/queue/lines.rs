//! The lines in which messages stand whose time has come, and whose turn it is. Pure.
//!
//! There is a line for each client and each destination that its messages are to go to, and one for those of its messages
//! that need a round without going anywhere. Clients take turns; a client's lines take turns within its turn; within a line
//! the message that was accepted first is the first. A line for a destination is *open* when it may be somebody's turn, and
//! else *waits* for room there; at a destination the clients' lines take turns, too. So a client is delayed by the number of
//! other clients, and never by the number of their messages.
//!
//! Nothing here is looked for by going through it: every step takes the logarithm of what there is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::destinations::DestinationId;
use super::numbers::Number;
use crate::ids::QueueId;

/// What a message stands in line for: a delivery to a destination, or only a round.
pub(super) type Want = Option<DestinationId>;

/// All lines. A line is there while a message stands in it.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: HashMap<(Number, Want), Line>,
    /// The clients with an open line, each once.
    turns: Ring<Number>,
    open: HashMap<Number, Open>,
    doors: HashMap<DestinationId, Door>,
    standing: usize,
}

#[derive(Debug)]
struct Line {
    messages: BTreeSet<QueueId>,
    place: Place,
}

/// Where a line is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Among its client's open lines.
    Open(u64),
    /// Among the lines that wait for room at its destination.
    Waits(u64),
}

/// A client's open lines, at least one, and its place among the clients.
#[derive(Debug)]
struct Open {
    lines: Ring<Want>,
    turn: u64,
}

/// The lines for a destination: which clients' wait, and how many are open.
#[derive(Debug, Default)]
struct Door {
    waiting: Ring<Number>,
    open: u32,
}

impl Lines {
    /// Puts a message in line; nothing changes when it stands there. `room` is the room at its destination.
    pub(super) fn join(&mut self, client: Number, want: Want, id: QueueId, room: u32) {
        if let Some(line) = self.lines.get_mut(&(client, want)) {
            self.standing += usize::from(line.messages.insert(id));
            return;
        }
        self.standing += 1;
        let messages = BTreeSet::from([id]);
        let place = match want {
            Some(destination) => {
                let door = self.doors.entry(destination).or_default();
                Place::Waits(door.waiting.push(client))
            }
            None => Place::Open(self.open(client, want)),
        };
        self.lines.insert((client, want), Line { messages, place });
        if let Some(destination) = want {
            self.admit(destination, room);
        }
    }

    /// Takes a message out of a line, if it stands there.
    pub(super) fn leave(&mut self, client: Number, want: Want, id: QueueId) {
        let Some(line) = self.lines.get_mut(&(client, want)) else {
            return;
        };
        if !line.messages.remove(&id) {
            return;
        }
        self.standing -= 1;
        if line.messages.is_empty() {
            let place = line.place;
            self.lines.remove(&(client, want));
            match place {
                Place::Open(ticket) => self.close(client, want, ticket),
                Place::Waits(ticket) => self.stop_waiting(want, ticket),
            }
        }
    }

    /// Opens as many of the lines that wait for a destination as there is room.
    pub(super) fn admit(&mut self, destination: DestinationId, room: u32) {
        let want = Some(destination);
        while let Some(door) = self.doors.get_mut(&destination) {
            if door.open >= room {
                return;
            }
            let Some((_, client)) = door.waiting.pop() else {
                if door.open == 0 {
                    self.doors.remove(&destination);
                }
                return;
            };
            door.open += 1;
            let ticket = self.open(client, want);
            if let Some(line) = self.lines.get_mut(&(client, want)) {
                line.place = Place::Open(ticket);
            }
        }
    }

    /// Takes out the message whose turn it is. After a delivery has begun, [`Lines::admit`] is to be told of the room
    /// that is left.
    pub(super) fn next(
        &mut self,
        room: impl Fn(DestinationId) -> u32,
    ) -> Option<(Number, Want, QueueId)> {
        loop {
            let (client, want) = self.take_turn()?;
            let Some(line) = self.lines.get_mut(&(client, want)) else {
                continue;
            };
            let full = want.is_some_and(|destination| room(destination) == 0);
            let message = if full {
                None
            } else {
                line.messages.pop_first()
            };
            if line.messages.is_empty() {
                self.lines.remove(&(client, want));
                if let Some(destination) = want {
                    self.forget_unused(destination);
                }
            } else {
                let place = match want {
                    Some(destination) => {
                        let door = self.doors.entry(destination).or_default();
                        Place::Waits(door.waiting.push(client))
                    }
                    None => Place::Open(self.open(client, want)),
                };
                if let Some(line) = self.lines.get_mut(&(client, want)) {
                    line.place = place;
                }
            }
            if let Some(message) = message {
                self.standing -= 1;
                return Some((client, want, message));
            }
        }
    }

    /// How many places in lines are taken.
    pub(super) fn standing(&self) -> usize {
        self.standing
    }

    /// Takes the next line of the next client, which goes to the end of the turns if it has more.
    fn take_turn(&mut self) -> Option<(Number, Want)> {
        loop {
            let (_, client) = self.turns.pop()?;
            let Some(open) = self.open.get_mut(&client) else {
                continue;
            };
            let taken = open.lines.pop();
            if open.lines.is_empty() {
                self.open.remove(&client);
            } else {
                open.turn = self.turns.push(client);
            }
            if let Some((_, want)) = taken {
                self.closed(want);
                return Some((client, want));
            }
        }
    }

    fn open(&mut self, client: Number, want: Want) -> u64 {
        let turns = &mut self.turns;
        let open = self.open.entry(client).or_insert_with(|| Open {
            lines: Ring::default(),
            turn: turns.push(client),
        });
        open.lines.push(want)
    }

    fn close(&mut self, client: Number, want: Want, ticket: u64) {
        if let Some(open) = self.open.get_mut(&client) {
            open.lines.remove(ticket);
            if open.lines.is_empty() {
                self.turns.remove(open.turn);
                self.open.remove(&client);
            }
        }
        self.closed(want);
        if let Some(destination) = want {
            self.forget_unused(destination);
        }
    }

    fn closed(&mut self, want: Want) {
        let door = want.and_then(|destination| self.doors.get_mut(&destination));
        if let Some(door) = door {
            door.open = door.open.saturating_sub(1);
        }
    }

    fn stop_waiting(&mut self, want: Want, ticket: u64) {
        let Some(destination) = want else {
            return;
        };
        if let Some(door) = self.doors.get_mut(&destination) {
            door.waiting.remove(ticket);
        }
        self.forget_unused(destination);
    }

    fn forget_unused(&mut self, destination: DestinationId) {
        let door = self.doors.get(&destination);
        if door.is_some_and(|door| door.open == 0 && door.waiting.is_empty()) {
            self.doors.remove(&destination);
        }
    }
}

/// Takes turns: who comes first leaves first, and who has a ticket can leave before.
#[derive(Debug)]
struct Ring<T> {
    places: BTreeMap<u64, T>,
    next: u64,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self {
            places: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<T> Ring<T> {
    fn push(&mut self, one: T) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.places.insert(ticket, one);
        ticket
    }

    fn pop(&mut self) -> Option<(u64, T)> {
        self.places.pop_first()
    }

    fn remove(&mut self, ticket: u64) {
        self.places.remove(&ticket);
    }

    fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}
