//! Carries out an order about a message of which no round runs: reads it, changes its record, and says when it is due next.

use std::sync::Arc;
use std::time::SystemTime;

use super::awaiting;
use super::filter::Stage;
use super::order::{Instruction, Obeyed, Order};
use super::round::Round;
use super::schedule::{Awaiting, Next};
use super::worker::{EXPIRED, Worker};
use crate::ids::QueueId;
use crate::mail_log;
use crate::spool::SpoolError;
use crate::spool::message::{Fault, Head, MessageState, RecipientState};

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
            return (as_it_was(&head.state, unrecorded), Obeyed::Unlike);
        }
        match instruction.order {
            Order::Delete => self.delete(id, Some((head, unrecorded)), instruction).await,
            Order::Expire => self.expire(head, unrecorded, instruction).await,
            Order::Hold | Order::Release | Order::Retry | Order::Requeue(_) => {
                let state = match changed(&head.state, &instruction.order, now) {
                    Ok(state) => state,
                    Err(obeyed) => return (as_it_was(&head.state, unrecorded), obeyed),
                };
                if let Err(error) = self.parts.spool.update(id, state.clone()).await {
                    mail_log::round_failed(id, "record an order", &error);
                    return (as_it_was(&head.state, unrecorded), Obeyed::Failed(error));
                }
                mail_log::queue_order(id, Some(&head.envelope), instruction);
                (as_it_was(&state, None), Obeyed::Done)
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
                    Some((head, unrecorded)) => as_it_was(&head.state, unrecorded),
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
            Err(error) => return (as_it_was(&head.state, unrecorded), Obeyed::Failed(error)),
        };
        message.state = failed(&head.state);
        if let Err(error) = self.parts.spool.update(id, message.state.clone()).await {
            mail_log::round_failed(id, "record an order", &error);
            return (as_it_was(&head.state, unrecorded), Obeyed::Failed(error));
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
            Ok(()) => self.conclude(round).await,
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
        Order::Hold => state.orders.held = Some(now),
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

/// When a message in this state is due.
fn as_it_was(state: &MessageState, unrecorded: Option<Box<MessageState>>) -> Next {
    Next::Again {
        due: state.next_attempt,
        awaiting: awaiting(state),
        unrecorded,
    }
}

impl Next {
    /// What a message that is held waits for.
    pub(super) fn released() -> Self {
        Self::Again {
            due: SystemTime::UNIX_EPOCH,
            awaiting: Awaiting::Release,
            unrecorded: None,
        }
    }
}
