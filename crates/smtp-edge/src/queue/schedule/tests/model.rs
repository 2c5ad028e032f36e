//! Random messages, clients, destinations and failures against what must hold of any of them.
//!
//! What is a failure: a message that is lost, or has two rounds at once; a leg that is called before its time, or twice at
//! once; more deliveries to a destination than the largest window, or more at all than the bound; a call to a dead destination
//! before its time; a leg whose time has come, and that waits although there is room for it; a message that is not done in the
//! end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::queue::start::Call;

#[derive(Debug, Clone)]
enum Operation {
    /// A message of that client to those destinations, due in so many seconds.
    Add { origin: u8, hops: Vec<u8>, due: u64 },
    /// So many seconds pass.
    Pass(u64),
    /// One of the deliveries under way ends.
    Deliver { which: usize, reached: Reached },
    /// One of the rounds without deliveries ends, and what it tried is due again in so many seconds, or done.
    EndRound { which: usize, again: Option<u64> },
    /// Every message that waits for its signature is due.
    KeysChanged,
    /// Whose the last message is becomes known, and where it is to go, if that was not.
    Learn { origin: u8, hop: u8 },
}

fn operation() -> impl Strategy<Value = Operation> {
    let hops = proptest::collection::vec(0..4_u8, 0..4);
    let reached = prop_oneof![
        3 => Just(Reached::Yes),
        4 => Just(Reached::No),
        1 => Just(Reached::Untried)
    ];
    prop_oneof![
        4 => (0..3_u8, hops, 0..400_u64).prop_map(|(origin, hops, due)| Operation::Add { origin, hops, due }),
        3 => (1..200_u64).prop_map(Operation::Pass),
        6 => (any::<usize>(), reached).prop_map(|(which, reached)| Operation::Deliver { which, reached }),
        6 => (any::<usize>(), proptest::option::of(1..700_u64)).prop_map(|(which, again)| Operation::EndRound { which, again }),
        1 => Just(Operation::KeysChanged),
        1 => (0..3_u8, 0..4_u8).prop_map(|(origin, hop)| Operation::Learn { origin, hop }),
    ]
}

/// What is known of a message outside the schedule: its legs with the earliest time of each.
#[derive(Debug, Default)]
struct Known {
    due: u64,
    legs: BTreeMap<String, u64>,
    round: Option<Round>,
    unknown: bool,
}

#[derive(Debug, Default)]
struct Round {
    under_way: Vec<Call>,
    tried: BTreeSet<String>,
}

struct Model {
    schedule: Schedule,
    now: u64,
    messages: BTreeMap<u64, Known>,
    dead: BTreeMap<String, u64>,
    added: u64,
    /// The messages that are done.
    done: u64,
}

const LIMIT: usize = 5;
const MOST: u32 = 3;

impl Model {
    fn new() -> Self {
        Self {
            schedule: schedule(2, MOST),
            now: 0,
            messages: BTreeMap::new(),
            dead: BTreeMap::new(),
            added: 0,
            done: 0,
        }
    }

    fn operate(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::Add { origin, hops, due } => self.add(*origin, hops, *due),
            Operation::Pass(seconds) => self.now += seconds,
            Operation::Deliver { which, reached } => self.deliver(*which, *reached),
            Operation::EndRound { which, again } => self.end_round(*which, *again),
            Operation::KeysChanged => self.schedule.keys_changed(at(self.now)),
            Operation::Learn { origin, hop } => self.learn(*origin, *hop),
        }
        self.start()
    }

    fn add(&mut self, number: u8, hops: &[u8], due: u64) {
        self.added += 1;
        let names: Vec<String> = hops.iter().map(|hop| format!("d{hop}.example")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let due = self.now + due;
        let origin = match names.as_slice() {
            [] => Origin::Unknown,
            _ => origin(number),
        };
        let arrival = Arrival {
            upkeep: at(self.now + 500),
            ..arrival(due, origin, &names)
        };
        self.schedule.add(id(self.added), &arrival);
        let legs = names.iter().map(|name| ((*name).to_owned(), due));
        let known = Known {
            due,
            legs: legs.collect(),
            round: None,
            unknown: names.is_empty(),
        };
        self.messages.insert(self.added, known);
    }

    fn learn(&mut self, number: u8, destination: u8) {
        let name = format!("d{destination}.example");
        if let Some(known) = self.messages.get_mut(&self.added)
            && known.round.is_none()
            && known.unknown
        {
            known.unknown = false;
            known.legs.insert(name.clone(), known.due);
        }
        self.schedule
            .learn(id(self.added), &origin(number), &[hop(&name)]);
    }

    fn deliver(&mut self, which: usize, reached: Reached) {
        let rounds = self
            .messages
            .values_mut()
            .filter_map(|one| one.round.as_mut());
        let mut rounds: Vec<_> = rounds.filter(|round| !round.under_way.is_empty()).collect();
        if rounds.is_empty() {
            return;
        }
        let place = which % rounds.len();
        let call = rounds[place].under_way.remove(0);
        let trouble = failed().trouble.filter(|_| reached == Reached::No);
        let ended = Ended { reached, trouble };
        if let Change::Died { hop, until, .. } =
            self.schedule.ended(call.destination, ended, at(self.now))
        {
            let until = until.duration_since(at(0)).unwrap().as_secs();
            self.dead.insert(hop.to_string(), until);
        }
    }

    fn end_round(&mut self, which: usize, again: Option<u64>) {
        let idle = self.messages.iter().filter(|(_, one)| {
            let round = one.round.as_ref();
            round.is_some_and(|round| round.under_way.is_empty())
        });
        let idle: Vec<u64> = idle.map(|(number, _)| *number).collect();
        if idle.is_empty() {
            return;
        }
        let number = idle[which % idle.len()];
        let known = self.messages.get_mut(&number).unwrap();
        let round = known.round.take().unwrap();
        let due = self.now + again.unwrap_or_default();
        if again.is_none() {
            known.legs.retain(|name, _| !round.tried.contains(name));
            if known.legs.is_empty() {
                self.messages.remove(&number);
                self.done += 1;
                self.schedule.end(id(number), Next::Done, at(self.now));
                return;
            }
        }
        let (put_off, untried): (Vec<String>, Vec<String>) = known
            .legs
            .keys()
            .cloned()
            .partition(|name| round.tried.contains(name));
        for name in &put_off {
            known.legs.insert(name.clone(), due);
        }
        let [put_off, untried] =
            [&put_off, &untried].map(|names| names.iter().map(String::as_str).collect::<Vec<_>>());
        known.unknown = false;
        let next = Again {
            upkeep: at(self.now + 500),
            origin: Some(origin(9)),
            ..super::again(due, &put_off, &untried)
        };
        self.schedule
            .end(id(number), Next::Again(next), at(self.now));
    }

    /// Starts all that may start, and sees that it may.
    fn start(&mut self) -> Result<(), TestCaseError> {
        let level = |model: &Self| model.schedule.level().under_way;
        while level(self) < LIMIT {
            let Some(start) = self.schedule.next(at(self.now)) else {
                return self.nothing_waits_in_vain();
            };
            let (number, call) = match start {
                Start::Round { id, to, .. } => {
                    let known = self.messages.get_mut(&id.number()).unwrap();
                    prop_assert!(known.round.is_none(), "{id:?} has two rounds");
                    known.round = Some(Round::default());
                    (id.number(), to)
                }
                Start::Further { id, to } => (id.number(), Some(to)),
            };
            if let Some(call) = call {
                self.called(number, call)?;
            }
        }
        Ok(())
    }

    fn called(&mut self, number: u64, call: Call) -> Result<(), TestCaseError> {
        let name = call.hop.to_string();
        let under_way = self.messages.values().filter_map(|one| one.round.as_ref());
        let there = under_way.flat_map(|round| &round.under_way);
        let there = there.filter(|one| one.hop == call.hop).count();
        prop_assert!(there < MOST as usize, "{name} has {there} deliveries");
        if let Some(until) = self.dead.get(&name) {
            prop_assert!(*until <= self.now, "{name} is dead until {until}");
        }
        let known = self.messages.get_mut(&number).unwrap();
        let due = known.legs.get(&name).copied();
        prop_assert!(
            due.is_some_and(|due| due <= self.now),
            "{number} to {name}: {due:?}"
        );
        let round = known.round.as_mut().unwrap();
        prop_assert!(round.tried.insert(name), "{number} is called twice");
        round.under_way.push(call);
        Ok(())
    }

    /// The schedule says that there is nothing to start: so no leg that is due may have room.
    fn nothing_waits_in_vain(&self) -> Result<(), TestCaseError> {
        let next = self.schedule.next_due();
        prop_assert!(
            next.is_none_or(|next| next > at(self.now)),
            "it would not sleep"
        );
        for (number, known) in &self.messages {
            for (name, due) in &known.legs {
                let tried = known
                    .round
                    .as_ref()
                    .is_some_and(|round| round.tried.contains(name));
                if *due > self.now || tried {
                    continue;
                }
                let destination = self.schedule.destinations.find(&hop(name));
                let room = destination.map(|one| self.schedule.destinations.room(one));
                prop_assert_eq!(room, Some(0), "{} to {} waits", number, name);
            }
        }
        Ok(())
    }

    /// Everything succeeds from now on, and time passes.
    fn end(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..2_000 {
            if self.messages.is_empty() {
                break;
            }
            let level = self.schedule.level();
            self.operate(&Operation::Deliver {
                which: 0,
                reached: Reached::Yes,
            })?;
            self.operate(&Operation::EndRound {
                which: 0,
                again: None,
            })?;
            if level == self.schedule.level() {
                self.operate(&Operation::Pass(100))?;
            }
        }
        prop_assert_eq!(self.done, self.added, "{:?}", self.messages);
        let left = self.schedule.level();
        prop_assert_eq!((left.messages, left.under_way, left.in_line), (0, 0, 0));
        self.operate(&Operation::Pass(1_000))?;
        prop_assert_eq!(self.schedule.level(), Level::default());
        prop_assert_eq!(self.schedule.origins.len(), 0);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn everything_has_its_turn_and_nothing_is_lost(operations in proptest::collection::vec(operation(), 1..80)) {
        let mut model = Model::new();
        for operation in &operations {
            model.operate(operation)?;
        }
        model.end()?;
    }
}
