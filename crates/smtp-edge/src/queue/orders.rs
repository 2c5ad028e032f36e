//! Orders on their way through the dispatcher: one is carried out while no round of its message runs, and holds up the next
//! round until it is on record. So it never meets an outcome that is not recorded yet.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::dispatcher::Dispatcher;
use super::next::Next;
use super::order::{Instruction, Obeyed, Order};
use super::schedule::Taken;
use crate::ids::QueueId;

/// An order about one message, and who waits for its answer. When nobody does any more, it is not carried out.
#[derive(Debug)]
pub(super) struct Ordered {
    pub(super) id: QueueId,
    pub(super) instruction: Arc<Instruction>,
    pub(super) answer: oneshot::Sender<Obeyed>,
}

/// The orders that are carried out now, and those behind something else that is done with their message.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) running: JoinSet<Carried>,
    behind: HashMap<QueueId, VecDeque<Ordered>>,
}

/// An order that was carried out.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) id: QueueId,
    pub(super) next: Next,
    instruction: Arc<Instruction>,
    answer: oneshot::Sender<Obeyed>,
    obeyed: Obeyed,
}

impl Dispatcher {
    /// Carries an order out, or puts it behind what is done with its message now.
    pub(super) fn order(&mut self, ordered: Ordered) {
        if ordered.answer.is_closed() {
            return;
        }
        let id = ordered.id;
        match self.schedule.take(id) {
            Taken::Unknown => drop(ordered.answer.send(Obeyed::Gone)),
            Taken::Running if ordered.instruction.order == Order::Retry => {
                let _ = ordered.answer.send(Obeyed::Unneeded); // it is tried now
            }
            Taken::Running => {
                let behind = self.orders.behind.entry(id).or_default();
                behind.retain(|earlier| !earlier.answer.is_closed());
                behind.push_back(ordered);
            }
            Taken::Waiting(unrecorded) => {
                let worker = Arc::clone(&self.worker);
                let task = self.orders.running.spawn(async move {
                    let Ordered {
                        instruction,
                        answer,
                        ..
                    } = ordered;
                    let (next, obeyed) = worker.obey(id, unrecorded, &instruction).await;
                    Carried {
                        id,
                        next,
                        instruction,
                        answer,
                        obeyed,
                    }
                });
                self.names.insert(task.id(), id);
            }
        }
    }

    /// Answers an order that was carried out. The schedule knows of it by then, so that who asks next sees what it did.
    pub(super) fn carried(&mut self, carried: Carried) {
        self.schedule
            .end(carried.id, carried.next, self.clock.now());
        let hurries = match carried.instruction.order {
            Order::Release | Order::Retry | Order::Requeue(_) => true,
            Order::Hold | Order::Expire | Order::Delete => false,
        };
        if hurries && matches!(carried.obeyed, Obeyed::Done) {
            self.schedule.wake_for(carried.id);
        }
        let _ = carried.answer.send(carried.obeyed);
        self.order_behind(carried.id);
    }

    /// Begins with the next order for a message with which nothing is done any more.
    pub(super) fn order_behind(&mut self, id: QueueId) {
        let Some(mut waiting) = self.orders.behind.remove(&id) else {
            return;
        };
        let next =
            std::iter::from_fn(|| waiting.pop_front()).find(|ordered| !ordered.answer.is_closed());
        if !waiting.is_empty() {
            self.orders.behind.insert(id, waiting);
        }
        if let Some(ordered) = next {
            self.order(ordered);
        }
    }
}
