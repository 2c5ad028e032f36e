//! Carries out an order about a message of which no round runs: reads it, changes its record, and says when it is due next.

use std::sync::Arc;
use std::time::SystemTime;

use super::awaiting;
use super::filter::Stage;
use super::next::{Again, Next, Remaining};
use super::order::{Instruction, Obeyed, Order};
use super::origin::Origin;
use super::round::Round;
use super::schedule::Awaiting;
use super::worker::{EXPIRED, Worker};
use crate::envelope::Envelope;
use crate::ids::QueueId;
use crate::mail_log;
use crate::spool::SpoolError;
use crate::spool::message::{Fault, Head, Held, HeldFor, MessageState, RecipientState};

impl Worker {
    /// Carries out an order. `unrecorded` is what an earlier round could not record, as for a round.
    pub(super) async fn obey(
        self: Arc<Self>,
        id: QueueId,
        unrecorded: Option<Box<MessageState>>,
        instruction: &Instruction,
    ) -> (Next, Obeyed) {
        let heads = self.parts.spool.heads(vec![id]).await;
        let head = heads.and_then(|mut heads| heads.pop().ok_or(SpoolError::NotFound { id })?);
        let mut head = match head {
            Ok(head) => head,
            Err(SpoolError::NotFound { .. }) => return (Next::Done, Obeyed::Gone),
            // What nobody can read can be deleted all the same.
            Err(SpoolError::Damaged { .. }) if instruction.order == Order::Delete => {
                return self.delete(id, None, instruction).await;
            }
            Err(error) => return (self.later(unrecorded), Obeyed::Failed(error)),
        };
        if let Some(state) = &unrecorded {
            head.state = (**state).clone();
        }
        let now = self.parts.clock.now();
        if !instruction
            .filter
            .matches(&head, Stage::by_record(&head.state), now)
        {
            return (self.as_it_was(&head, unrecorded), Obeyed::Unlike);
        }
        match instruction.order {
            Order::Delete => self.delete(id, Some((head, unrecorded)), instruction).await,
            Order::Expire => self.expire(head, unrecorded, instruction).await,
            Order::Hold | Order::Release | Order::Retry | Order::Requeue(_) => {
                let state = match changed(&head.state, &instruction.order, now) {
                    Ok(state) => state,
                    Err(obeyed) => return (self.as_it_was(&head, unrecorded), obeyed),
                };
                if let Err(error) = self.parts.spool.update(id, state.clone()).await {
                    mail_log::round_failed(id, "record an order", &error);
                    return (self.as_it_was(&head, unrecorded), Obeyed::Failed(error));
                }
                mail_log::queue_order(id, Some(&head.envelope), instruction);
                (
                    self.as_ordered(&head.envelope, &state, &instruction.order),
                    Obeyed::Done,
                )
            }
        }
    }

    /// Removes a message, of which `head` is what could be read.
    async fn delete(
        &self,
        id: QueueId,
        head: Option<(Head, Option<Box<MessageState>>)>,
        instruction: &Instruction,
    ) -> (Next, Obeyed) {
        match self.parts.spool.remove(id).await {
            Ok(()) => {
                let envelope = head.as_ref().map(|(head, _)| &head.envelope);
                mail_log::queue_order(id, envelope, instruction);
                mail_log::removed(id);
                (Next::Done, Obeyed::Done)
            }
            Err(SpoolError::NotFound { .. }) => (Next::Done, Obeyed::Gone),
            Err(error) => {
                mail_log::round_failed(id, "remove the message", &error);
                let next = match head {
                    Some((head, unrecorded)) => self.as_it_was(&head, unrecorded),
                    None => self.later(None),
                };
                (next, Obeyed::Failed(error))
            }
        }
    }

    /// Fails all who are still to have the message, and has the sender told. That they have failed is on record first: from
    /// then on the order is carried out, and a report that cannot be stored now follows later, as always.
    async fn expire(
        self: &Arc<Self>,
        head: Head,
        unrecorded: Option<Box<MessageState>>,
        instruction: &Instruction,
    ) -> (Next, Obeyed) {
        let id = head.id;
        let mut message = match self.parts.spool.read(id).await {
            Ok(stored) => stored.message,
            Err(error) => return (self.as_it_was(&head, unrecorded), Obeyed::Failed(error)),
        };
        message.state = failed(&head.state);
        if let Err(error) = self.parts.spool.update(id, message.state.clone()).await {
            mail_log::round_failed(id, "record an order", &error);
            return (self.as_it_was(&head, unrecorded), Obeyed::Failed(error));
        }
        mail_log::queue_order(id, Some(&message.envelope), instruction);
        let states = message
            .envelope
            .recipients
            .iter()
            .zip(&message.state.recipients);
        for ((mailbox, now), before) in states.zip(&head.state.recipients) {
            if let (RecipientState::Failed(fault), RecipientState::Pending(_)) = (now, before) {
                mail_log::failed(id, mailbox, fault);
            }
        }
        // Nobody is left to sign for: this says only who is postmaster now.
        let router = self.parts.replay.replay(&message).await.router;
        let mut round = Round::new(message);
        let next = match self.report(&mut round, &router).await {
            Err(next) => next,
            Ok(()) => self.conclude(round, &router).await,
        };
        (next, Obeyed::Done)
    }
}

/// The state after an order that changes nothing else, or why there is nothing to change.
fn changed(before: &MessageState, order: &Order, now: SystemTime) -> Result<MessageState, Obeyed> {
    let mut state = before.clone();
    let is_held = before.orders.held.is_some();
    match order {
        Order::Hold if is_held => return Err(Obeyed::Unneeded),
        Order::Hold => {
            let why = HeldFor::Order;
            state.orders.held = Some(Held { since: now, why });
        }
        Order::Release if !is_held => return Err(Obeyed::Unneeded),
        Order::Release => {
            state.orders.held = None;
            state.next_attempt = now;
        }
        Order::Retry if is_held => return Err(Obeyed::Held),
        Order::Retry => state.next_attempt = now,
        Order::Requeue(next_hop) => {
            state.orders.next_hop.clone_from(next_hop);
            state.next_attempt = now;
        }
        Order::Expire | Order::Delete => {}
    }
    Ok(state)
}

/// The state in which nobody is pending any more.
fn failed(before: &MessageState) -> MessageState {
    let mut state = before.clone();
    state.orders.held = None;
    for recipient in &mut state.recipients {
        if let RecipientState::Pending(last) = recipient {
            let fault = last.take().unwrap_or(Fault {
                status: EXPIRED.into(),
                remote: None,
                text: "the administrator has given the message up".into(),
            });
            let status = EXPIRED.into();
            *recipient = RecipientState::Failed(Fault { status, ..fault });
        }
    }
    state
}

impl Worker {
    /// Nothing has changed: the message waits for what it waited for.
    fn as_it_was(&self, head: &Head, unrecorded: Option<Box<MessageState>>) -> Next {
        let upkeep = match unrecorded {
            Some(_) => head.state.next_attempt,
            None => self.upkeep(&head.envelope, &head.state),
        };
        Next::Again(Again {
            due: head.state.next_attempt,
            awaiting: awaiting(&head.state),
            remaining: Remaining::AsBefore,
            upkeep,
            origin: Some(Origin::from(&head.envelope.source)),
            unrecorded,
        })
    }

    /// The message in its new state, which is on record.
    fn as_ordered(&self, envelope: &Envelope, state: &MessageState, order: &Order) -> Next {
        let remaining = match order {
            // It is not to wait for a destination that it no longer goes to.
            Order::Requeue(_) => Remaining::Are {
                put_off: Vec::new(),
                untried: Vec::new(),
            },
            Order::Hold | Order::Release | Order::Retry | Order::Expire | Order::Delete => {
                Remaining::AllDue
            }
        };
        Next::Again(Again {
            due: state.next_attempt,
            awaiting: awaiting(state),
            remaining,
            upkeep: self.upkeep(envelope, state),
            origin: Some(Origin::from(&envelope.source)),
            unrecorded: None,
        })
    }
}

impl Next {
    /// What a message that is held waits for.
    pub(super) fn released() -> Self {
        Self::Again(Again {
            due: SystemTime::UNIX_EPOCH,
            awaiting: Awaiting::Release,
            remaining: Remaining::AllDue,
            upkeep: SystemTime::UNIX_EPOCH,
            origin: None,
            unrecorded: None,
        })
    }
}
