//! One round of one message: sign what was deferred, deliver what is pending, give up what is too old, report what
//! failed, and record all of it.
//!
//! What has happened outside (a hop took the message, a report was accepted) is recorded before anything that builds
//! on it. Where the record cannot be written, the state is carried in memory to the next round, which records it
//! before it does anything else: a full disk delays mail and does not repeat it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use router_config::RouterConfig;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::retry::{Retry, RetryPlan};
use super::round::Round;
use super::schedule::Next;
use super::{Parts, awaiting};
use crate::deliver::outcome::{Outcome, Settled};
use crate::deliver::route::{self, Route};
use crate::dsn::{self, Due};
use crate::ids::QueueId;
use crate::mail_log;
use crate::signing::state::Signing;
use crate::spool::SpoolError;
use crate::spool::message::{Fault, Message, MessageState, RecipientState};

/// What all rounds share.
pub(super) struct Worker {
    pub(super) parts: Parts,
    retry: RetryPlan,
    attempts: Semaphore,
    stopping: AtomicBool,
}

impl Worker {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            retry: RetryPlan::new(&parts.settings),
            attempts: Semaphore::new(parts.settings.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            stopping: AtomicBool::new(false),
            parts,
        }
    }

    /// No attempt begins after this; those that have begun go on.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.attempts.close();
    }

    /// Works on a message once.
    pub(super) async fn round(
        self: Arc<Self>,
        id: QueueId,
        unrecorded: Option<Box<MessageState>>,
    ) -> Next {
        let mut round = match self.load(id, unrecorded).await {
            Ok(round) => round,
            Err(next) => return next,
        };
        if round.message.state.orders.held.is_some() {
            return Next::released();
        }
        let router = self.settle_signing(&mut round).await;
        if self.deliver(&mut round, &router).await == Ended::Stopped {
            // No round has ended: what is left is due as it was, at the next start.
            return self.record(round).await.unwrap_or_else(|next| next);
        }
        self.give_up(&mut round);
        if let Err(next) = self.report(&mut round, &router).await {
            return next;
        }
        self.conclude(round).await
    }

    /// Reads the message, and records first what an earlier round could not.
    async fn load(
        &self,
        id: QueueId,
        unrecorded: Option<Box<MessageState>>,
    ) -> Result<Round, Next> {
        let mut message = match self.parts.spool.read(id).await {
            Ok(stored) => stored.message,
            Err(SpoolError::NotFound { .. }) => return Err(Next::Done),
            Err(error) => {
                mail_log::round_failed(id, "read the message", &error);
                return Err(self.later(unrecorded));
            }
        };
        if let Some(state) = unrecorded {
            if let Err(error) = self.parts.spool.update(id, (*state).clone()).await {
                mail_log::round_failed(id, "record an earlier round", &error);
                return Err(self.later(Some(state)));
            }
            message.state = *state;
        }
        Ok(Round::new(message))
    }

    /// Runs the signing step again where that is due; fails those whose copies will not be signed, or for which the time
    /// allowed has run out. The policy that it gives back is the one under which the round goes on.
    async fn settle_signing(&self, round: &mut Round) -> Arc<RouterConfig> {
        let replayed = self.parts.replay.replay(&round.message).await;
        let router = replayed.router;
        round.state.signings = replayed.signings;
        let gives_up = self.next_round(round) == Retry::GiveUp;
        for recipient in round.pending(|recipient| !router.is_internal(recipient)) {
            let fault = match round.signing(&router, recipient) {
                Some(Signing::Refused(fault)) => fault.recipient_fault(),
                Some(Signing::Deferred(fault)) if gives_up => {
                    mail_log::signing_failed(round.message.id, fault, "given up", fault);
                    Fault {
                        status: EXPIRED.into(),
                        ..fault.recipient_fault()
                    }
                }
                Some(Signing::Deferred(_) | Signing::NotNeeded | Signing::Done(_)) | None => {
                    continue;
                }
            };
            round.settle(recipient, Outcome::Failed(fault));
        }
        router
    }

    /// Brings the message to the next hops of those recipients that it may leave for.
    async fn deliver(self: &Arc<Self>, round: &mut Round, router: &RouterConfig) -> Ended {
        let ready = round.ready(router);
        let message = Arc::clone(&round.message);
        let mut running = JoinSet::new();
        let fixed = message.state.orders.next_hop.as_ref();
        for route in route::group(router, &message.envelope.recipients, &ready, fixed) {
            let worker = Arc::clone(self);
            let message = Arc::clone(&message);
            let signatures = round.signatures(&route);
            running.spawn(async move { worker.attempt(&message, &signatures, &route).await });
        }
        let mut ended = Ended::Whole;
        while let Some(attempt) = running.join_next().await {
            match attempt {
                Ok(Some(settled)) => {
                    for Settled { recipient, outcome } in settled {
                        round.settle(recipient, outcome);
                    }
                }
                Ok(None) => ended = Ended::Stopped,
                Err(error) => mail_log::round_failed(message.id, "attempt a delivery", &error),
            }
            if !running.is_empty() {
                // So that a crash while a slow hop is waited for repeats nothing that is done.
                let state = round.state.clone();
                if let Err(error) = self.parts.spool.update(message.id, state).await {
                    mail_log::round_failed(message.id, "record an outcome", &error);
                }
            }
        }
        ended
    }

    /// Delivers to one next hop once there is room; `None` when the server stops before.
    async fn attempt(
        &self,
        message: &Message,
        signatures: &[u8],
        route: &Route,
    ) -> Option<Vec<Settled>> {
        let _room = self.attempts.acquire().await.ok()?;
        if self.stopping.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.parts.deliver.deliver(message, signatures, route).await)
    }

    /// Fails what is still pending when the time allowed has run out.
    fn give_up(&self, round: &mut Round) {
        if self.next_round(round) != Retry::GiveUp {
            return;
        }
        for recipient in round.pending(|_| true) {
            let last = match round.state.recipients.get(recipient) {
                Some(RecipientState::Pending(Some(fault))) => fault.clone(),
                _ => Fault {
                    status: EXPIRED.into(),
                    remote: None,
                    text: "the time allowed for delivery has run out".into(),
                },
            };
            let status = EXPIRED.into();
            round.settle(recipient, Outcome::Failed(Fault { status, ..last }));
        }
    }

    /// Has the sender told of what has failed. A report that cannot be stored is tried again in the next round.
    pub(super) async fn report(
        &self,
        round: &mut Round,
        router: &RouterConfig,
    ) -> Result<(), Next> {
        let message = Arc::clone(&round.message);
        let message = &*message;
        let (to, recipients) =
            match dsn::due::due(&message.envelope.reverse_path, &round.state.recipients) {
                Due::Nothing => return Ok(()),
                Due::Silent { recipients } => {
                    mail_log::reported(message.id, None, &message.envelope.reverse_path);
                    round.mark_reported(&recipients);
                    return Ok(());
                }
                Due::Report { to, recipients } => (to, recipients),
            };
        // What is reported must not be tried again after a crash.
        let state = round.state.clone();
        if let Err(error) = self.parts.spool.update(message.id, state).await {
            mail_log::round_failed(message.id, "record an outcome", &error);
            return Err(self.later(Some(Box::new(round.state.clone()))));
        }
        let context = dsn::report::Context {
            hostname: &self.parts.hostname,
            postmaster: router.postmaster(),
            give_up_after: self.retry.give_up_after,
            now: self.parts.clock.now(),
        };
        let report = dsn::report::render(message, &recipients, &to, &context);
        match self.parts.reporter.report(to, report).await {
            Ok(report) => {
                mail_log::reported(
                    message.id,
                    Some(report.get()),
                    &message.envelope.reverse_path,
                );
                let places: Vec<usize> = recipients.iter().map(|(place, _)| *place).collect();
                round.mark_reported(&places);
            }
            Err(error) => mail_log::round_failed(message.id, "store the report", &error),
        }
        Ok(())
    }

    /// Removes the message when all is settled, else counts the round and says when the next is due.
    pub(super) async fn conclude(&self, mut round: Round) -> Next {
        let id = round.message.id;
        let settled = round
            .state
            .recipients
            .iter()
            .all(|recipient| match recipient {
                RecipientState::Delivered | RecipientState::Reported => true,
                RecipientState::Pending(_) | RecipientState::Failed(_) => false,
            });
        if settled {
            return match self.parts.spool.remove(id).await {
                Ok(()) | Err(SpoolError::NotFound { .. }) => {
                    mail_log::removed(id);
                    Next::Done
                }
                Err(error) => {
                    mail_log::round_failed(id, "remove the message", &error);
                    self.later(Some(Box::new(round.state)))
                }
            };
        }
        let due = match self.next_round(&round) {
            Retry::At(due) => due,
            // Only a report is left, which is never given up.
            Retry::GiveUp => self.parts.clock.now() + self.retry.delay(round.state.attempts + 1),
        };
        round.state.attempts = round.state.attempts.saturating_add(1);
        round.state.next_attempt = due;
        round.log_deferred(due);
        self.record(round).await.unwrap_or_else(|next| next)
    }

    /// Writes the state down and schedules the message by it.
    async fn record(&self, round: Round) -> Result<Next, Next> {
        let (id, state) = (round.message.id, round.state);
        if let Err(error) = self.parts.spool.update(id, state.clone()).await {
            mail_log::round_failed(id, "record the round", &error);
            return Err(self.later(Some(Box::new(state))));
        }
        Ok(Next::Again {
            due: state.next_attempt,
            awaiting: awaiting(&state),
            unrecorded: None,
        })
    }

    fn next_round(&self, round: &Round) -> Retry {
        let rounds = round.state.attempts.saturating_add(1);
        self.retry.next(
            round.message.envelope.accepted,
            rounds,
            self.parts.clock.now(),
        )
    }

    /// The spool is in trouble: come back soon, with what it could not record.
    pub(super) fn later(&self, unrecorded: Option<Box<MessageState>>) -> Next {
        let now: SystemTime = self.parts.clock.now();
        Next::Again {
            due: now + self.retry.delay(1).min(SPOOL_RETRY),
            awaiting: super::schedule::Awaiting::Time,
            unrecorded,
        }
    }
}

/// Whether the attempts of a round all ran.
#[derive(PartialEq, Eq)]
enum Ended {
    Whole,
    Stopped,
}

/// RFC 3463 §3.5: delivery time expired.
pub(super) const EXPIRED: &str = "5.4.7";
/// How soon a round that the spool failed is repeated, at the latest.
const SPOOL_RETRY: std::time::Duration = std::time::Duration::from_secs(60);
