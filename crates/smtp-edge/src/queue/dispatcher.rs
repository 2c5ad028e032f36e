//! The dispatcher: one task that knows what is due, starts rounds, and calls them to destinations that have room.
//!
//! It wakes when it is told something, when a round or a delivery ends, and when the schedule's next time has come; with
//! nothing of that it sleeps.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};

use super::calls::{GivenBack, Place};
use super::destinations::Change;
use super::next::{Again, Next, Remaining};
use super::orders::Orders;
use super::retry::{RetryPlan, Told};
use super::schedule::{Arrival, Awaiting, Schedule};
use super::start::{Call, Start};
use super::survey::Whose;
use super::view::{Look, Wanted};
use super::window::Bounds;
use super::worker::{Occasion, Worker};
use super::{Command, Inbox, Newcomer, Parts};
use crate::clock::Clock;
use crate::deliver::route;
use crate::ids::QueueId;
use crate::mail_log;
use crate::signing::replay::Replay;

/// The dispatcher and all that it has started.
pub(super) struct Dispatcher {
    pub(super) schedule: Schedule,
    rounds: JoinSet<(QueueId, Next)>,
    pub(super) names: HashMap<tokio::task::Id, QueueId>,
    pub(super) orders: Orders,
    calls: HashMap<QueueId, mpsc::UnboundedSender<Place>>,
    back: mpsc::UnboundedSender<GivenBack>,
    given_back: mpsc::UnboundedReceiver<GivenBack>,
    limit: usize,
    pub(super) clock: Clock,
    retry: RetryPlan,
    replay: Arc<dyn Replay>,
    pub(super) worker: Arc<Worker>,
}

impl Dispatcher {
    pub(super) fn new(parts: Parts) -> Self {
        let retry = RetryPlan::new(&parts.settings);
        let (back, given_back) = mpsc::unbounded_channel();
        Self {
            schedule: Schedule::new(Bounds::new(&parts.settings), retry.first),
            rounds: JoinSet::new(),
            names: HashMap::new(),
            orders: Orders::default(),
            calls: HashMap::new(),
            back,
            given_back,
            limit: parts.settings.concurrency.max(1),
            clock: parts.clock.clone(),
            retry,
            replay: Arc::clone(&parts.replay),
            worker: Arc::new(Worker::new(parts)),
        }
    }

    /// Adds a message.
    pub(super) fn add(&mut self, newcomer: Newcomer) {
        let Newcomer {
            whose,
            due,
            awaiting,
        } = newcomer;
        let router = self.replay.router();
        let fixed = whose.next_hop.as_ref();
        let hops = whose.domains.iter();
        let hops = hops.map(|domain| route::hop(&router, domain, fixed));
        let arrival = Arrival {
            due,
            awaiting,
            hops: hops.collect(),
            origin: whose.origin,
            upkeep: self
                .retry
                .upkeep(whose.id.time(), Told::No, self.clock.now()),
        };
        self.schedule.add(whose.id, &arrival);
    }

    fn learn(&mut self, known: &[Whose]) {
        let router = self.replay.router();
        for Whose {
            id,
            origin,
            domains,
            next_hop,
        } in known
        {
            let hops = domains.iter();
            let hops = hops.map(|domain| route::hop(&router, domain, next_hop.as_ref()));
            self.schedule.learn(*id, origin, &hops.collect::<Vec<_>>());
        }
    }

    pub(super) async fn run(mut self, mut inbox: Inbox, mut stopped: oneshot::Receiver<Duration>) {
        let mut open = true;
        let grace = loop {
            let wait = self.start_due();
            inbox.level.send_replace(self.schedule.level());
            #[cfg(test)]
            inbox
                .turns
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tokio::select! {
                grace = &mut stopped => break grace.unwrap_or_default(),
                command = inbox.commands.recv(), if open => match command {
                    Some(command) => self.obey(command),
                    None => open = false,
                },
                Some(ended) = self.rounds.join_next_with_id() => self.end(ended),
                Some(ended) = self.orders.running.join_next_with_id() => match ended {
                    Ok((task, carried)) => {
                        self.names.remove(&task);
                        self.carried(carried);
                    }
                    Err(error) => self.ended_badly(&error),
                },
                Some(back) = self.given_back.recv() => self.take_back(back),
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        };
        self.worker.stop();
        let drained = async {
            while self.rounds.join_next().await.is_some() {}
            while self.orders.running.join_next().await.is_some() {}
        };
        if tokio::time::timeout(grace, drained).await.is_err() {
            self.rounds.shutdown().await;
        }
    }

    /// Starts what is due, as far as the bound allows, and says how long to sleep.
    fn start_due(&mut self) -> Option<Duration> {
        let now = self.clock.now();
        // Rounds that have delivered and still record hold the message, too.
        while self.rounds.len() < self.limit && self.schedule.level().under_way < self.limit {
            let Some(start) = self.schedule.next(now) else {
                let wait = self
                    .schedule
                    .next_due()?
                    .duration_since(now)
                    .unwrap_or_default();
                // Due times are calendar times and the sleep is not: a machine that was suspended wakes late by no
                // more than this.
                return Some(wait.min(LONGEST_SLEEP));
            };
            self.start(start);
        }
        None // the end of a round or a delivery wakes us
    }

    fn start(&mut self, start: Start) {
        match start {
            Start::Round {
                id,
                to,
                purpose,
                unrecorded,
                troubles,
            } => {
                let (sender, calls) = mpsc::unbounded_channel();
                self.calls.insert(id, sender);
                if let Some(call) = to {
                    self.call(id, call);
                }
                let worker = Arc::clone(&self.worker);
                let occasion = Occasion {
                    purpose,
                    unrecorded,
                    troubles,
                };
                let task = self
                    .rounds
                    .spawn(async move { (id, worker.round(id, occasion, calls).await) });
                self.names.insert(task.id(), id);
            }
            Start::Further { id, to } => self.call(id, to),
        }
    }

    /// Where the round has just ended, the place comes back by itself.
    fn call(&self, id: QueueId, call: Call) {
        let place = Place::new(call, &self.back);
        if let Some(calls) = self.calls.get(&id) {
            let _ = calls.send(place);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Enqueue(newcomer) => self.add(newcomer),
            Command::Known(known) => self.learn(&known),
            Command::KeysChanged => self.schedule.keys_changed(self.clock.now()),
            Command::Order(ordered) => self.order(ordered),
            Command::Show(look) => self.show(look),
            Command::AllDue => self.schedule.all_due(self.clock.now()),
            #[cfg(test)]
            Command::Look => {}
        }
    }

    fn take_back(&mut self, (destination, ended): GivenBack) {
        let now = self.clock.now();
        match self.schedule.ended(destination, ended, now) {
            Change::None => {}
            Change::Died {
                hop,
                until,
                trouble,
            } => mail_log::destination_dead(&hop, until, trouble.as_deref()),
        }
    }

    fn end(&mut self, ended: Result<(tokio::task::Id, (QueueId, Next)), JoinError>) {
        match ended {
            Ok((task, (id, next))) => {
                self.names.remove(&task);
                self.calls.remove(&id);
                self.schedule.end(id, next, self.clock.now());
                self.order_behind(id);
            }
            Err(error) => self.ended_badly(&error),
        }
    }

    /// A defect of ours ended a round or an order. The message is in the spool and is tried again, slowly.
    fn ended_badly(&mut self, error: &JoinError) {
        let Some(id) = self.names.remove(&error.id()) else {
            return;
        };
        mail_log::round_failed(id, "run to its end", error);
        self.calls.remove(&id);
        let now = self.clock.now();
        let due = now + self.retry.max;
        let next = Next::Again(Again {
            due,
            awaiting: Awaiting::Time,
            remaining: Remaining::AsBefore,
            upkeep: due,
            origin: None,
            unrecorded: None,
        });
        self.schedule.end(id, next, now);
        self.order_behind(id);
    }

    /// Has somebody else read what is asked for, so that nobody waits for the disk here.
    fn show(&self, look: Look) {
        let worker = Arc::clone(&self.worker);
        match look {
            Look::Heads(Wanted::Page { after, most }, answer) => {
                let found = self.schedule.page(after, most);
                tokio::spawn(worker.show(found, answer));
            }
            Look::Heads(Wanted::One(id), answer) => {
                let found = self.schedule.is_running(id).map(|running| (id, running));
                tokio::spawn(worker.show(found.into_iter().collect(), answer));
            }
            Look::Whole(id, answer) => {
                tokio::spawn(worker.show_whole(id, answer));
            }
        }
    }
}

const LONGEST_SLEEP: Duration = Duration::from_secs(5 * 60);
