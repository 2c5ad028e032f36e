//! The queue: every accepted message from its acceptance until all its recipients are settled.
//!
//! One task, the `dispatcher`, knows what is due (`schedule`) and starts rounds; a round (`worker`) is one task and ends by
//! saying when the message is due again. The queue keeps a name, some times and a client for each message; the rest lies in
//! the spool. With nothing queued it waits without a timer.

mod attempts;
mod calls;
mod delay;
pub mod destinations;
mod dispatcher;
pub mod filter;
mod legs;
mod lines;
pub mod next;
mod numbers;
mod obey;
pub mod order;
mod orders;
pub mod origin;
pub mod retry;
mod round;
pub mod schedule;
pub mod start;
mod survey;
pub mod view;
pub mod window;
mod worker;

use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::DeliverySettings;
use crate::deliver::Deliver;
use crate::dsn::Reporter;
use crate::envelope::Envelope;
use crate::ids::QueueId;
use crate::signing::replay::Replay;
use crate::spool::message::{Message, MessageState, Waiting};
use crate::spool::{Durable, Spool, SpoolError};
use dispatcher::Dispatcher;
use order::{Draining, Instruction, Obeyed};
use orders::Ordered;
use schedule::{Awaiting, Level};
use survey::{Whose, survey};
use view::{Look, Shown, Wanted};

/// The two ends of the way into the queue. The handle is made before the queue, since what commits messages needs the
/// handle, and the queue needs what commits messages, for its reports.
#[must_use]
pub fn channel() -> (QueueHandle, Inbox) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (level, levels) = watch::channel(Level::default());
    #[cfg(test)]
    let turns = Arc::default();
    let handle = QueueHandle {
        commands: sender,
        levels,
        #[cfg(test)]
        turns: Arc::clone(&turns),
        draining: Arc::default(),
    };
    let inbox = Inbox {
        sender: handle.commands.downgrade(),
        commands: receiver,
        level,
        #[cfg(test)]
        turns,
    };
    (handle, inbox)
}

/// Tells the queue of news. Cheap to clone; nothing here waits.
#[derive(Clone, Debug)]
pub struct QueueHandle {
    commands: mpsc::UnboundedSender<Command>,
    levels: watch::Receiver<Level>,
    /// How often the dispatcher woke.
    #[cfg(test)]
    turns: Arc<AtomicU64>,
    draining: Arc<AtomicBool>,
}

impl QueueHandle {
    /// Hands over a message that is on stable storage.
    ///
    /// After a shutdown this does nothing: the next start finds the message in the spool.
    pub fn enqueue(&self, id: Durable<QueueId>, envelope: &Envelope, state: &MessageState) {
        let _ = self.commands.send(Command::Enqueue(Newcomer {
            whose: Whose::new(id.get(), envelope, &state.orders),
            due: state.next_attempt,
            awaiting: awaiting(state),
        }));
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
    sender: mpsc::WeakUnboundedSender<Command>,
    commands: mpsc::UnboundedReceiver<Command>,
    level: watch::Sender<Level>,
    #[cfg(test)]
    turns: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Command {
    Enqueue(Newcomer),
    /// What there is to know of messages that were added without.
    Known(Vec<Whose>),
    KeysChanged,
    Order(Ordered),
    Show(Look),
    AllDue,
    #[cfg(test)]
    Look,
}

/// A message that is new to the queue.
#[derive(Debug)]
struct Newcomer {
    whose: Whose,
    due: SystemTime,
    awaiting: Awaiting,
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
    survey: JoinHandle<()>,
    dispatcher: JoinHandle<()>,
}

impl Queue {
    /// Starts working on what `recovered` holds and on what comes through `inbox`. Must be called within a runtime.
    #[must_use]
    pub fn start(inbox: Inbox, parts: Parts, recovered: Vec<(QueueId, Waiting)>) -> Self {
        let spool = Arc::clone(&parts.spool);
        let mut dispatcher = Dispatcher::new(parts);
        let mut due = Vec::with_capacity(recovered.len());
        for (id, waiting) in recovered {
            due.push((waiting.next_attempt, id));
            dispatcher.add(Newcomer {
                whose: Whose::unknown(id),
                due: waiting.next_attempt,
                awaiting: awaiting(waiting),
            });
        }
        let survey = survey(spool, due, inbox.sender.clone());
        let (stop, stopped) = oneshot::channel();
        Self {
            stop,
            survey: tokio::spawn(survey),
            dispatcher: tokio::spawn(dispatcher.run(inbox, stopped)),
        }
    }

    /// Starts nothing more, lets running attempts end within `grace`, and drops those that do not. What is dropped
    /// is tried again after the next start; a hop that had taken the message just then gets it twice.
    pub async fn shutdown(self, grace: Duration) {
        self.survey.abort();
        let _ = self.stop.send(grace);
        let _ = self.dispatcher.await;
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

#[cfg(test)]
mod tests;
