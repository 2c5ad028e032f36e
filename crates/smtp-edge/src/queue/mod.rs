//! The queue: every accepted message from its acceptance until all its recipients are settled.
//!
//! One task, the dispatcher, knows what is due and starts rounds; a round (`worker`) is one task and ends by saying
//! when the message is due again. The queue keeps a name and a time for each message; the rest lies in the spool.
//! With nothing queued it waits without a timer.

pub mod retry;
mod round;
pub mod schedule;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;
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
use crate::spool::message::{MessageState, Waiting};
use crate::spool::{Durable, Spool};
use schedule::{Awaiting, Level, Next, Schedule};
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
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        };
        self.worker.stop();
        let drained = async { while self.rounds.join_next().await.is_some() {} };
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
            #[cfg(test)]
            Command::Look => {}
        }
    }

    fn end(&mut self, ended: Result<(tokio::task::Id, (QueueId, Next)), JoinError>) {
        let now = self.clock.now();
        match ended {
            Ok((task, (id, next))) => {
                self.names.remove(&task);
                self.schedule.end(id, next, now);
            }
            Err(error) => {
                // A defect of ours ended the round. The message is in the spool and is tried again, slowly.
                let Some(id) = self.names.remove(&error.id()) else {
                    return;
                };
                mail_log::round_failed(id, "run to its end", &error);
                let next = Next::Again {
                    due: now + self.retry.max,
                    awaiting: Awaiting::Time,
                    unrecorded: None,
                };
                self.schedule.end(id, next, now);
            }
        }
    }
}

/// What a message waits for, by its record.
fn awaiting(record: impl Into<Waiting>) -> Awaiting {
    if record.into().signing_deferred {
        Awaiting::Signing
    } else {
        Awaiting::Time
    }
}

const LONGEST_SLEEP: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests;
