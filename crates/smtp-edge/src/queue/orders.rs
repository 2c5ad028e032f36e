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

    /// Goes on with the orders for a message with which nothing is done any more, until one is being carried out. When the
    /// message has gone, each of them is told so.
    pub(super) fn order_behind(&mut self, id: QueueId) {
        while self.schedule.is_running(id) != Some(true) {
            let Some(ordered) = self.orders.next_behind(id) else {
                return;
            };
            self.order(ordered);
        }
    }
}

impl Orders {
    /// The first order behind what was done with a message.
    fn next_behind(&mut self, id: QueueId) -> Option<Ordered> {
        let waiting = self.behind.get_mut(&id)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.behind.remove(&id);
        }
        next
    }
}
