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

use super::attempts::Ended;
use super::calls::Calls;
use super::next::{Again, Next, Remaining};
use super::origin::Origin;
use super::retry::{Retry, RetryPlan, Told};
use super::round::Round;
use super::schedule::Awaiting;
use super::start::Purpose;
use super::{Parts, awaiting};
use crate::deliver::outcome::Outcome;
use crate::deliver::route::Hop;
use crate::dsn::report::Action;
use crate::dsn::{self, Due};
use crate::envelope::Envelope;
use crate::ids::QueueId;
use crate::mail_log;
use crate::signing::state::Signing;
use crate::spool::SpoolError;
use crate::spool::message::{Fault, MessageState, RecipientState};

/// What all rounds share.
pub(super) struct Worker {
    pub(super) parts: Parts,
    pub(super) retry: RetryPlan,
    pub(super) stopping: AtomicBool,
}

/// Why there is a round of a message.
pub(super) struct Occasion {
    pub(super) purpose: Purpose,
    /// What an earlier round could not record.
    pub(super) unrecorded: Option<Box<MessageState>>,
    /// Why destinations that the round does not go to were not reached last.
    pub(super) troubles: Vec<(Hop, Arc<Fault>)>,
}

impl Worker {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            retry: RetryPlan::new(&parts.settings),
            stopping: AtomicBool::new(false),
            parts,
        }
    }

    /// No attempt begins after this; those that have begun go on.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Works on a message once.
    pub(super) async fn round(
        self: Arc<Self>,
        id: QueueId,
        occasion: Occasion,
        calls: Calls,
    ) -> Next {
        let Occasion {
            purpose,
            unrecorded,
            troubles,
        } = occasion;
        let mut round = match self.load(id, unrecorded).await {
            Ok(round) => round,
            Err(next) => return next,
        };
        if round.message.state.orders.held.is_some() {
            return Next::released();
        }
        let router = self.settle_signing(&mut round).await;
        if self.deliver(&mut round, &router, calls).await == Ended::Stopped {
            // No round has ended: what is left is due as it was, at the next start.
            let remaining = Remaining::AsBefore;
            return self
                .record(round, remaining)
                .await
                .unwrap_or_else(|next| next);
        }
        round.explain(&router, &troubles);
        self.give_up(&mut round, &router, purpose);
        if let Err(next) = self.report(&mut round, &router).await {
            return next;
        }
        self.tell_of_delay(&mut round, &router).await;
        self.conclude(round, &router).await
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

    /// Fails what is still pending when the time allowed has run out: those who have had their last attempt, and in a round
    /// for the message's upkeep, which comes after that, everybody.
    fn give_up(&self, round: &mut Round, router: &RouterConfig, purpose: Purpose) {
        if self.next_round(round) != Retry::GiveUp {
            return;
        }
        let left = match purpose {
            Purpose::Delivery | Purpose::Survey => round.pending_where_it_went(router),
            Purpose::Upkeep => round.pending(|_| true),
        };
        for recipient in left {
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
        if let Err(error) = self.put_on_record(round).await {
            mail_log::round_failed(message.id, "record an outcome", &error);
            return Err(self.later(Some(Box::new(round.state.clone()))));
        }
        let context = dsn::report::Context {
            hostname: &self.parts.hostname,
            postmaster: router.postmaster(),
            give_up_after: self.retry.give_up_after,
            now: self.parts.clock.now(),
            action: Action::Failed,
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
    pub(super) async fn conclude(&self, mut round: Round, router: &RouterConfig) -> Next {
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
        let (put_off, untried) = round.remaining(router);
        // A round that went nowhere, while there is somewhere to go, does not count.
        if put_off.is_empty() && !untried.is_empty() {
            let remaining = Remaining::Are { put_off, untried };
            return self
                .record(round, remaining)
                .await
                .unwrap_or_else(|next| next);
        }
        let due = match self.next_round(&round) {
            Retry::At(due) => due,
            // Only a report is left, which is never given up, or what no destination has taken yet.
            Retry::GiveUp => self.parts.clock.now() + self.retry.delay(round.state.attempts + 1),
        };
        round.state.attempts = round.state.attempts.saturating_add(1);
        // What was not tried is due as it was: after a restart nothing else is known of it.
        round.state.next_attempt = if untried.is_empty() {
            due
        } else {
            round.state.next_attempt.min(due)
        };
        round.log_deferred(due);
        let remaining = Remaining::Are { put_off, untried };
        let next = self.record(round, remaining).await;
        next.map_or_else(|next| next, |next| next.due_at(due))
    }

    /// Puts on record what has become of the message, if anything has.
    pub(super) async fn put_on_record(&self, round: &mut Round) -> Result<(), SpoolError> {
        if round.state != round.recorded {
            let (id, state) = (round.message.id, round.state.clone());
            self.parts.spool.update(id, state).await?;
            round.recorded.clone_from(&round.state);
        }
        Ok(())
    }

    /// Writes the state down and schedules the message by it.
    async fn record(&self, mut round: Round, remaining: Remaining) -> Result<Next, Next> {
        if let Err(error) = self.put_on_record(&mut round).await {
            mail_log::round_failed(round.message.id, "record the round", &error);
            return Err(self.later(Some(Box::new(round.state))));
        }
        let state = &round.state;
        Ok(Next::Again(Again {
            due: state.next_attempt,
            awaiting: awaiting(state),
            remaining,
            upkeep: self.upkeep(&round.message.envelope, state),
            origin: Some(Origin::from(&round.message.envelope.source)),
            unrecorded: None,
        }))
    }

    /// When a message needs a round, wherever it stands then.
    pub(super) fn upkeep(&self, envelope: &Envelope, state: &MessageState) -> SystemTime {
        let told = match state.delay_told {
            Some(_) => Told::Yes,
            None => Told::No,
        };
        self.retry
            .upkeep(envelope.accepted, told, self.parts.clock.now())
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
        let due = now + self.retry.delay(1).min(SPOOL_RETRY);
        Next::Again(Again {
            due,
            awaiting: Awaiting::Time,
            remaining: Remaining::AsBefore,
            upkeep: due,
            origin: None,
            unrecorded,
        })
    }
}

/// RFC 3463 §3.5: delivery time expired.
pub(super) const EXPIRED: &str = "5.4.7";
/// How soon a round that the spool failed is repeated, at the latest.
const SPOOL_RETRY: std::time::Duration = std::time::Duration::from_secs(60);
