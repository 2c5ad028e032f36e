//! The queue: every accepted message from its acceptance until all its recipients are settled.
//!
//! One task, the dispatcher, knows what is due and starts rounds; a round (`worker`) is one task and ends by saying
//! when the message is due again. The queue keeps a name and a time for each message; the rest lies in the spool.
//! With nothing queued it waits without a timer.

pub mod filter;
mod obey;
pub mod order;
mod orders;
pub mod retry;
mod round;
pub mod schedule;
pub mod view;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};

use crate::clock::Clock;
use crate::config::DeliverySettings;
use crate::deliver::Deliver;
use crate::dsn::Reporter;
use crate::ids::QueueId;
use crate::mail_log;
use crate::signing::replay::Replay;
use crate::spool::message::{Message, MessageState, Waiting};
use crate::spool::{Durable, Spool, SpoolError};
use order::{Draining, Instruction, Obeyed};
use orders::{Ordered, Orders};
use schedule::{Awaiting, Level, Next, Schedule};
use view::{Look, Shown, Wanted};
use worker::Worker;

/// The two ends of the way into the queue. The handle is made before the queue, since what commits messages needs the
/// handle, and the queue needs what commits messages, for its reports.
#[must_use]
pub fn channel() -> (QueueHandle, Inbox) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (level, levels) = watch::channel(Level::default());
    let handle = QueueHandle {
        commands: sender,
        levels,
        draining: Arc::default(),
    };
    let inbox = Inbox {
        commands: receiver,
        level,
    };
    (handle, inbox)
}

/// Tells the queue of news. Cheap to clone; nothing here waits.
#[derive(Clone, Debug)]
pub struct QueueHandle {
    commands: mpsc::UnboundedSender<Command>,
    levels: watch::Receiver<Level>,
    draining: Arc<AtomicBool>,
}

impl QueueHandle {
    /// Hands over a message that is on stable storage.
    ///
    /// After a shutdown this does nothing: the next start finds the message in the spool.
    pub fn enqueue(&self, id: Durable<QueueId>, state: &MessageState) {
        let _ = self.commands.send(Command::Enqueue {
            id: id.get(),
            due: state.next_attempt,
            awaiting: awaiting(state),
        });
    }

    /// Tries signing again at once for every message for which it was deferred: keys or settings have changed.
    pub fn retry_deferred_signing(&self) {
        let _ = self.commands.send(Command::KeysChanged);
    }

    /// Has an order carried out, and waits until that is on stable storage. While a round of the message is under way, it
    /// waits for that, too; who waits no longer takes the order back by dropping the future.
    pub async fn order(&self, id: QueueId, instruction: Arc<Instruction>) -> Obeyed {
        let (answer, answered) = oneshot::channel();
        let ordered = Ordered {
            id,
            instruction,
            answer,
        };
        let _ = self.commands.send(Command::Order(ordered));
        answered.await.unwrap_or(Obeyed::Busy)
    }

    /// At most so many messages, in the order of their acceptance, from the one behind `after`. `None` when the server ends.
    pub async fn page(&self, after: Option<QueueId>, most: usize) -> Option<Vec<Shown>> {
        self.look(Wanted::Page { after, most }).await
    }

    /// One message, if it is there.
    pub async fn show(&self, id: QueueId) -> Option<Shown> {
        self.look(Wanted::One(id)).await?.pop()
    }

    /// One message with its content.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn read(&self, id: QueueId) -> Result<Message, SpoolError> {
        let (answer, answered) = oneshot::channel();
        let look = Look::Whole(id, answer);
        let _ = self.commands.send(Command::Show(look));
        answered.await.unwrap_or(Err(SpoolError::Closed))
    }

    async fn look(&self, wanted: Wanted) -> Option<Vec<Shown>> {
        let (answer, answered) = oneshot::channel();
        let look = Look::Heads(wanted, answer);
        let _ = self.commands.send(Command::Show(look));
        answered.await.ok()
    }

    /// On: from now on no mail of clients is taken, and what is there and not held is due at once. Off: mail is taken again.
    pub fn drain(&self, draining: Draining) {
        let on = draining == Draining::On;
        self.draining.store(on, Ordering::Relaxed);
        if on {
            let _ = self.commands.send(Command::AllDue);
        }
    }

    /// Whether no mail of clients is to be taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How full the queue is; empty until it has started.
    #[must_use]
    pub fn level(&self) -> Level {
        *self.levels.borrow()
    }

    /// Makes the dispatcher look at its clock, which a test has moved.
    #[cfg(test)]
    fn look_at_the_clock(&self) {
        let _ = self.commands.send(Command::Look);
    }
}

/// The queue's end of [`channel`].
#[derive(Debug)]
pub struct Inbox {
    commands: mpsc::UnboundedReceiver<Command>,
    level: watch::Sender<Level>,
}

#[derive(Debug)]
enum Command {
    Enqueue {
        id: QueueId,
        due: SystemTime,
        awaiting: Awaiting,
    },
    KeysChanged,
    Order(Ordered),
    Show(Look),
    AllDue,
    #[cfg(test)]
    Look,
}

/// What the queue works with.
#[derive(Clone)]
pub struct Parts {
    /// Where the messages lie.
    pub spool: Arc<dyn Spool>,
    /// Says under which policy a message leaves, and sees to its signatures.
    pub replay: Arc<dyn Replay>,
    /// Brings messages to their next hops.
    pub deliver: Arc<dyn Deliver>,
    /// Takes non-delivery reports.
    pub reporter: Arc<dyn Reporter>,
    /// Retry times and the bound on concurrency.
    pub settings: DeliverySettings,
    /// Our name, as reports give it.
    pub hostname: Box<str>,
    /// What time it is.
    pub clock: Clock,
}

/// A running queue.
#[derive(Debug)]
pub struct Queue {
    stop: oneshot::Sender<Duration>,
    dispatcher: JoinHandle<()>,
}

impl Queue {
    /// Starts working on what `recovered` holds and on what comes through `inbox`. Must be called within a runtime.
    #[must_use]
    pub fn start(inbox: Inbox, parts: Parts, recovered: Vec<(QueueId, Waiting)>) -> Self {
        let mut schedule = Schedule::default();
        for (id, waiting) in recovered {
            schedule.add(id, waiting.next_attempt, awaiting(waiting));
        }
        let (stop, stopped) = oneshot::channel();
        let dispatcher = Dispatcher {
            schedule,
            rounds: JoinSet::new(),
            orders: Orders::default(),
            names: HashMap::new(),
            limit: parts.settings.concurrency.max(1),
            clock: parts.clock.clone(),
            retry: retry::RetryPlan::new(&parts.settings),
            worker: Arc::new(Worker::new(parts)),
        };
        Self {
            stop,
            dispatcher: tokio::spawn(dispatcher.run(inbox, stopped)),
        }
    }

    /// Starts nothing more, lets running attempts end within `grace`, and drops those that do not. What is dropped
    /// is tried again after the next start; a hop that had taken the message just then gets it twice.
    pub async fn shutdown(self, grace: Duration) {
        let _ = self.stop.send(grace);
        let _ = self.dispatcher.await;
    }
}

struct Dispatcher {
    schedule: Schedule,
    rounds: JoinSet<(QueueId, Next)>,
    orders: Orders,
    names: HashMap<tokio::task::Id, QueueId>,
    limit: usize,
    clock: Clock,
    retry: retry::RetryPlan,
    worker: Arc<Worker>,
}

impl Dispatcher {
    async fn run(mut self, mut inbox: Inbox, mut stopped: oneshot::Receiver<Duration>) {
        let mut inbox_open = true;
        let grace = loop {
            let wait = self.start_due();
            inbox.level.send_replace(self.schedule.level());
            tokio::select! {
                grace = &mut stopped => break grace.unwrap_or_default(),
                command = inbox.commands.recv(), if inbox_open => match command {
                    Some(command) => self.obey(command),
                    None => inbox_open = false,
                },
                Some(ended) = self.rounds.join_next_with_id() => self.end(ended),
                Some(ended) = self.orders.running.join_next_with_id() => match ended {
                    Ok((task, carried)) => {
                        self.names.remove(&task);
                        self.carried(carried);
                    }
                    Err(error) => self.ended_badly(&error),
                },
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
        while self.rounds.len() < self.limit {
            let Some((id, unrecorded)) = self.schedule.start_due(now) else {
                let wait = self
                    .schedule
                    .next_due()?
                    .duration_since(now)
                    .unwrap_or_default();
                // Due times are calendar times and the sleep is not: a machine that was suspended wakes late by no
                // more than this.
                return Some(wait.min(LONGEST_SLEEP));
            };
            let worker = Arc::clone(&self.worker);
            let task = self
                .rounds
                .spawn(async move { (id, worker.round(id, unrecorded).await) });
            self.names.insert(task.id(), id);
        }
        None // the end of a round wakes us
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Enqueue { id, due, awaiting } => self.schedule.add(id, due, awaiting),
            Command::KeysChanged => self.schedule.keys_changed(self.clock.now()),
            Command::Order(ordered) => self.order(ordered),
            Command::Show(look) => self.show(look),
            Command::AllDue => self.schedule.all_due(self.clock.now()),
            #[cfg(test)]
            Command::Look => {}
        }
    }

    fn end(&mut self, ended: Result<(tokio::task::Id, (QueueId, Next)), JoinError>) {
        match ended {
            Ok((task, (id, next))) => {
                self.names.remove(&task);
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
        let now = self.clock.now();
        let next = Next::Again {
            due: now + self.retry.max,
            awaiting: Awaiting::Time,
            unrecorded: None,
        };
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

/// What a message waits for, by its record.
fn awaiting(record: impl Into<Waiting>) -> Awaiting {
    let record = record.into();
    if record.held {
        Awaiting::Release
    } else if record.signing_deferred {
        Awaiting::Signing
    } else {
        Awaiting::Time
    }
}

const LONGEST_SLEEP: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests;
