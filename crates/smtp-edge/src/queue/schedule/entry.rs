//! What is kept of a message, and the books that a change of it touches: timers, lines, destinations, clients.

use super::{Awaiting, Schedule};
use crate::deliver::route::Hop;
use crate::ids::QueueId;
use crate::queue::legs::{Leg, Legs, Moment, Packed, Stand};
use crate::queue::lines::Want;
use crate::queue::numbers::Number;
use crate::queue::origin::Origin;

/// What is kept of a message: it is small, since there may be a million.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) legs: Legs,
    /// The round that goes nowhere.
    pub(super) upkeep: Packed,
    pub(super) origin: Number,
    pub(super) awaiting: Awaiting,
}

impl Entry {
    /// The earliest of its times; one that is held has none.
    pub(super) fn timer(&self) -> Option<Moment> {
        if self.awaiting == Awaiting::Release {
            return None;
        }
        let legs = self.legs.iter().filter_map(|leg| leg.stand.due());
        legs.chain(self.upkeep.stand().due()).min()
    }

    /// A round sees to the upkeep, and finds out where the message is to go where that is not known.
    pub(super) fn take_up(&mut self) {
        self.upkeep = Stand::Called.into();
        self.legs.change(|leg| match leg.want {
            None => Stand::Called,
            Some(_) => leg.stand,
        });
    }
}

impl Schedule {
    /// Keeps a message that nothing is done with now.
    pub(super) fn put(&mut self, id: QueueId, entry: Entry) {
        if entry.awaiting == Awaiting::Release {
            self.held += 1;
        }
        self.set_timer(id, &entry);
        self.entries.insert(id, entry);
    }

    /// No leg stands in line or is called any more; `due` says from when it was due, when it is.
    pub(super) fn put_off(
        &mut self,
        id: QueueId,
        entry: &mut Entry,
        due: impl Fn(Moment) -> Moment,
    ) {
        let left: Vec<Leg> = entry.legs.iter().collect();
        entry.legs.change(|leg| match leg.stand {
            Stand::Due(later) => Stand::Due(due(later)),
            Stand::InLine | Stand::Called => Stand::Due(due(Moment::EARLIEST)),
        });
        self.leave_lines(id, entry.origin, &left);
    }

    /// The legs to those that were tried are due then; those to the others stand as they do, or are due at once.
    pub(super) fn change_legs(
        &mut self,
        id: QueueId,
        entry: &mut Entry,
        (put_off, due): (&[Hop], Moment),
        (untried, now): (&[Hop], Moment),
    ) {
        let mut legs = Vec::with_capacity(put_off.len() + untried.len());
        for hop in put_off {
            self.want(&mut legs, hop, |_| Stand::Due(due));
        }
        for hop in untried {
            self.want(&mut legs, hop, |want| match entry.legs.stand(want) {
                Some(stand @ (Stand::Due(_) | Stand::InLine)) => stand,
                Some(Stand::Called) | None => Stand::Due(now),
            });
        }
        let mut old: Vec<Leg> = entry.legs.iter().collect();
        old.iter().for_each(|leg| self.give_up(*leg));
        entry.legs = Legs::new(legs, due);
        old.retain(|leg| entry.legs.stand(leg.want) != Some(Stand::InLine));
        self.leave_lines(id, entry.origin, &old);
    }

    /// Adds a leg to `hop`, unless there is one.
    pub(super) fn want(
        &mut self,
        legs: &mut Vec<Leg>,
        hop: &Hop,
        stand: impl FnOnce(Want) -> Stand,
    ) {
        let known = self.destinations.find(hop);
        if known.is_none() || !legs.iter().any(|leg| leg.want == known) {
            let want = Some(self.destinations.want(hop));
            let stand = stand(want);
            legs.push(Leg { want, stand });
        }
    }

    pub(super) fn give_up(&mut self, leg: Leg) {
        if let Some(destination) = leg.want {
            self.destinations.give_up(destination);
        }
    }

    pub(super) fn leave_lines(&mut self, id: QueueId, origin: Number, legs: &[Leg]) {
        for leg in legs.iter().filter(|leg| leg.stand == Stand::InLine) {
            self.lines.leave(origin, leg.want, id);
            if let Some(destination) = leg.want {
                self.admit(destination);
            }
        }
    }

    pub(super) fn drop_entry(&mut self, id: QueueId, entry: &Entry) {
        self.unrecorded.remove(&id);
        self.lines.leave(entry.origin, None, id);
        let legs: Vec<Leg> = entry.legs.iter().collect();
        self.leave_lines(id, entry.origin, &legs);
        legs.iter().for_each(|leg| self.give_up(*leg));
        self.count_out(entry.origin);
    }

    /// Makes a message another client's, in whose lines it stands from now on.
    pub(super) fn change_origin(&mut self, id: QueueId, entry: &mut Entry, origin: &Origin) {
        let number = self.count_in(origin);
        let old = std::mem::replace(&mut entry.origin, number);
        let upkeep = Leg {
            want: None,
            stand: entry.upkeep.stand(),
        };
        let legs: Vec<Leg> = entry.legs.iter().chain([upkeep]).collect();
        self.leave_lines(id, old, &legs);
        for leg in legs.iter().filter(|leg| leg.stand == Stand::InLine) {
            let room = leg.want.map_or(0, |to| self.destinations.room(to));
            self.lines.join(number, leg.want, id, room);
        }
        self.count_out(old);
    }

    pub(super) fn count_in(&mut self, origin: &Origin) -> Number {
        let number = self.origins.of(origin, || 0);
        if let Some((_, messages)) = self.origins.get_mut(number) {
            *messages = messages.saturating_add(1);
        }
        number
    }

    pub(super) fn count_out(&mut self, number: Number) {
        if let Some((_, messages)) = self.origins.get_mut(number) {
            *messages = messages.saturating_sub(1);
            if *messages == 0 {
                self.origins.forget(number);
            }
        }
    }

    pub(super) fn set_timer(&mut self, id: QueueId, entry: &Entry) {
        self.timers.extend(entry.timer().map(|moment| (moment, id)));
    }

    pub(super) fn clear_timer(&mut self, id: QueueId, entry: &Entry) {
        if let Some(moment) = entry.timer() {
            self.timers.remove(&(moment, id));
        }
    }
}
