//! The signing step as intake and queue know it: a message goes in, the outcomes come out for the copies that leave, under
//! what is in force.
//!
//! The step can be repeated: what an outcome rests on is kept with it, and the hashes of the body with the message, so that
//! signing again costs a header and a key. `SigningStep::settle` runs it for the copies for which it is due, and for no
//! other.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use dkim_core::{BodyHasher, BodyHashes, Canonicalization, HeaderBlock};
use router_config::{ProfileName, RouterConfig};
use tokio::sync::watch;

use super::in_force::InForce;
use super::plan::Plan;
use super::replay::{Occasion, Replay, Replayed};
use super::self_check::SelfChecks;
use super::sign::{Outcome, sign};
use super::state::{FaultClass, ProfileSigning, Signing};
use crate::admin::metrics;
use crate::clock::{Clock, unix_seconds};
use crate::mail_log;
use crate::spool::message::{Message, RecipientState};

/// The signing step, shared by intake and queue.
pub struct SigningStep {
    in_force: watch::Sender<Arc<InForce>>,
    checks: SelfChecks,
    clock: Clock,
}

impl SigningStep {
    /// A step under `in_force`.
    #[must_use]
    pub fn new(in_force: InForce, checks: SelfChecks, clock: Clock) -> Self {
        Self {
            in_force: watch::Sender::new(Arc::new(in_force)),
            checks,
            clock,
        }
    }

    /// What is in force now.
    #[must_use]
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.borrow().clone()
    }

    /// Tells of each time that something else comes into force.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Arc<InForce>> {
        self.in_force.subscribe()
    }

    /// Puts another policy and its keys in force.
    pub fn replace(&self, in_force: InForce) {
        self.in_force.send_replace(Arc::new(in_force));
    }

    /// Puts `new` in the place of `old`, and says whether it did. A reload that came meanwhile wins: its policy is newer
    /// than the one that `new` was made of.
    pub fn swap(&self, old: &Arc<InForce>, new: Arc<InForce>) -> bool {
        self.in_force.send_if_modified(|current| {
            let unchanged = Arc::ptr_eq(current, old);
            if unchanged {
                *current = new;
            }
            unchanged
        })
    }

    /// Runs the step for a message that is about to be accepted: an outcome for each profile that its external recipients
    /// have. When it has no such recipients there is none, unless a rule refuses the message.
    pub async fn sign(&self, message: &Message) -> Vec<Outcome> {
        let in_force = self.in_force();
        let outcomes = self.settle(&in_force, message).await;
        let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
        match outcomes.is_empty() {
            true => self.refusal(&in_force, message).into_iter().collect(),
            false => outcomes,
        }
    }

    /// The outcome for a message that stays inside and goes nowhere all the same, since its client may not send it.
    fn refusal(&self, in_force: &InForce, message: &Message) -> Option<Outcome> {
        let text = [&message.trace, message.header()].concat();
        let header = HeaderBlock::parse(&text).map(|(header, _)| header);
        let router = &in_force.router;
        let plan = Plan::new(router, &message.envelope.source, header.as_ref());
        match plan {
            Plan::Refused(_) => {}
            Plan::Unsigned(..) | Plan::Unsignable(_) | Plan::Sign { .. } => return None,
        }
        let profile = in_force.profiles.get(&ProfileName::default())?;
        let (terms, body) = (plan.terms(router, profile), BodyHashes::default());
        let now = unix_seconds(self.clock.now());
        Some(sign(&plan, terms, &in_force.keyring, profile, &body, now).conclude(router))
    }

    /// Runs the step for those copies of a message for which no outcome that stands is on record, and says why for each.
    async fn settle(&self, in_force: &InForce, message: &Message) -> Vec<(Occasion, Outcome)> {
        let text = [&message.trace, message.header()].concat();
        let header = HeaderBlock::parse(&text).map(|(header, _)| header);
        let router = &in_force.router;
        let mut body = None;
        let mut outcomes = Vec::new();
        for name in profiles_of(router, message) {
            let Some(profile) = in_force.profiles.get(&name) else {
                continue; // every profile of the router is ready
            };
            let now = unix_seconds(self.clock.now());
            let plan = Plan::new(router, &message.envelope.source, header.as_ref());
            let terms = plan.terms(router, profile);
            let record = message.state.signings.of(&name);
            let occasion = match record {
                None => Some(Occasion::NewCopy),
                Some(record) => plan.occasion(record, terms, &in_force.keyring, profile, now),
            };
            let Some(occasion) = occasion else { continue };
            let begun = self.clock.instant();
            let body = body.get_or_insert_with(|| body_hashes(message));
            let mut attempt = sign(&plan, terms, &in_force.keyring, profile, body, now);
            if !attempt.made.is_empty() {
                metrics::counters().signing_took(self.clock.instant().duration_since(begun));
                let must = || in_force.is_first() || record.is_some_and(waits_for_a_check);
                if self.checks.is_due(router.signing_policy(), must) {
                    let begun = self.clock.instant();
                    self.checks.check(&mut attempt, message, now).await;
                    let took = self.clock.instant().duration_since(begun);
                    metrics::counters().self_check_took(took);
                }
            }
            outcomes.push((occasion, attempt.conclude(router)));
        }
        outcomes
    }
}

impl Replay for SigningStep {
    fn router(&self) -> Arc<RouterConfig> {
        Arc::clone(&self.in_force().router)
    }

    fn replay<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Replayed> + Send + 'a>> {
        Box::pin(async move {
            let in_force = self.in_force();
            let mut signings = message.state.signings.clone();
            for (occasion, outcome) in self.settle(&in_force, message).await {
                mail_log::signing_replayed(message.id, &outcome.record.profile, occasion);
                outcome.log(message.id);
                signings.put(outcome.record);
            }
            Replayed {
                router: Arc::clone(&in_force.router),
                signings,
            }
        })
    }
}

/// The profiles of the recipients outside who are still to have the message.
fn profiles_of(router: &RouterConfig, message: &Message) -> BTreeSet<ProfileName> {
    let recipients = message
        .envelope
        .recipients
        .iter()
        .zip(&message.state.recipients);
    let pending = recipients.filter(|(_, state)| matches!(state, RecipientState::Pending(_)));
    let outside = pending.filter(|(recipient, _)| !router.is_internal(recipient.domain()));
    outside
        .map(|(recipient, _)| router.signing_profile(recipient.domain()).name.clone())
        .collect()
}

/// Whether a message waits because a check found fault with it, so that only another can let it go.
fn waits_for_a_check(record: &ProfileSigning) -> bool {
    match &record.signing {
        Signing::Deferred(fault) => match fault.class {
            FaultClass::SelfCheckFailed | FaultClass::PublishedKeyMismatch => true,
            FaultClass::StoreAway
            | FaultClass::NekAway
            | FaultClass::KeyMissing
            | FaultClass::KeyRevoked
            | FaultClass::KeyUnreadable
            | FaultClass::KeyTooShort
            | FaultClass::NoSuitableKey
            | FaultClass::CannotSign
            | FaultClass::SenderRule => false,
        },
        Signing::NotNeeded | Signing::Done(_) | Signing::Refused(_) => false,
    }
}

/// The hashes on record. Only a record of an earlier version has none, and then the body is read once more.
fn body_hashes(message: &Message) -> BodyHashes {
    if message.body_hashes == BodyHashes::default() {
        hash_body(message.body())
    } else {
        message.body_hashes.clone()
    }
}

/// The hashes that signatures are made of. None come of a body that DKIM cannot cover, which the step then says.
#[must_use]
pub fn hash_body(body: &[u8]) -> BodyHashes {
    let mut hasher = BodyHasher::new([Canonicalization::Relaxed]);
    match hasher.update(body) {
        Ok(()) => hasher.finish().unwrap_or_default(),
        Err(_) => BodyHashes::default(),
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "sender_tests.rs"]
mod sender_tests;
