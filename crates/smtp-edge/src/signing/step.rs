//! What is in force for signing, swapped whole on a reload, and the step under it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use router_config::RouterConfig;
use tokio::sync::{Mutex, watch};

use super::keyring::{KeySource, Keyring};
use super::replay::Replay;
use super::sign::{self, Moment, Outcome, Signable};
use super::state::Signing;
use crate::admin::metrics;
use crate::clock::{Clock, unix_seconds};
use crate::envelope::{Mailbox, MailboxError};
use crate::intake::normalize::Normalized;
use crate::mail_log;
use crate::spool::message::{Message, RecipientState};

/// One policy and the keys it names. A message is signed under one of these, never under parts of two.
#[derive(Debug)]
pub struct InForce {
    /// The policy.
    pub router: Arc<RouterConfig>,
    /// Where its keys come from.
    pub source: KeySource,
    /// Its keys.
    pub keyring: Keyring,
    /// Seconds until a signature expires, when it does.
    pub expire_after: Option<u64>,
    /// Where mail to the bare `Postmaster` goes.
    pub postmaster: Mailbox,
}

/// Why a policy cannot be put in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InForceError {
    /// The postmaster is no mailbox.
    #[error("router.postmaster is not a mailbox: write it as local-part@domain")]
    Postmaster(#[source] MailboxError),
}

impl InForce {
    /// Reads the keys that the policy names. Keys that cannot sign are no error here: the policy decides what they mean
    /// for each message.
    ///
    /// # Errors
    /// [`InForceError`].
    pub async fn load(
        router: Arc<RouterConfig>,
        source: KeySource,
        expire_after: Option<u64>,
    ) -> Result<Self, InForceError> {
        let postmaster = router
            .postmaster()
            .parse()
            .map_err(InForceError::Postmaster)?;
        let keyring = Keyring::load(&source, &router.key_names()).await;
        Ok(Self {
            router,
            source,
            keyring,
            expire_after,
            postmaster,
        })
    }

    /// The same policy, with its keys read again.
    async fn with_keys_read_again(&self) -> Self {
        self.with_keyring(Keyring::load(&self.source, &self.router.key_names()).await)
    }

    /// The same policy, with these keys.
    #[must_use]
    pub fn with_keyring(&self, keyring: Keyring) -> Self {
        Self {
            router: Arc::clone(&self.router),
            source: self.source.clone(),
            keyring,
            expire_after: self.expire_after,
            postmaster: self.postmaster.clone(),
        }
    }

    /// Logs the keys that cannot sign.
    pub fn log_faults(&self) {
        for (name, fault) in self.keyring.faults() {
            mail_log::key_unusable(name, fault.class, &fault.why);
        }
    }

    /// Whether a recipient is outside.
    #[must_use]
    pub fn is_external(&self, recipient: &Mailbox) -> bool {
        !self.router.is_internal(recipient.domain())
    }
}

/// The signing step, shared by intake and queue.
#[derive(Debug)]
pub struct SigningStep {
    in_force: watch::Sender<Arc<InForce>>,
    /// Held while keys are read again, so that many deferred messages do it once.
    reading: Mutex<()>,
    clock: Clock,
}

impl SigningStep {
    /// A step under `in_force`.
    #[must_use]
    pub fn new(in_force: InForce, clock: Clock) -> Self {
        Self {
            in_force: watch::Sender::new(Arc::new(in_force)),
            reading: Mutex::new(()),
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

    /// Signs a message for its external recipients, if it has any. `trace` holds the fields that stand before it.
    #[must_use]
    pub fn sign(
        &self,
        in_force: &InForce,
        recipients: &[Mailbox],
        trace: &[u8],
        message: &Normalized,
    ) -> Outcome {
        if !recipients
            .iter()
            .any(|recipient| in_force.is_external(recipient))
        {
            return Outcome::not_needed();
        }
        let header = [trace, message.header()].concat();
        let from: Vec<&[u8]> = message.values("From").collect();
        let sender: Vec<&[u8]> = message.values("Sender").collect();
        let signable = Signable {
            header: &header,
            from: &from,
            sender: &sender,
            body: message.body(),
        };
        let moment = Moment {
            now: unix_seconds(self.clock.now()),
            expire_after: in_force.expire_after,
        };
        let begun = self.clock.instant();
        let outcome = sign::sign(&in_force.router, &in_force.keyring, signable, moment);
        if !outcome.keys().is_empty() {
            metrics::counters().signing_took(self.clock.instant().duration_since(begun));
        }
        if in_force.router.is_quiet() {
            outcome.quieted()
        } else {
            outcome
        }
    }

    /// Reads the keys again if some could not be had; many callers at once cause one reading.
    async fn refreshed(&self) -> Arc<InForce> {
        let before = self.in_force();
        if before.keyring.faults().next().is_none() {
            return before;
        }
        let _reading = self.reading.lock().await;
        let now = self.in_force();
        if !Arc::ptr_eq(&before, &now) {
            return now;
        }
        let again = Arc::new(now.with_keys_read_again().await);
        self.swap(&now, again);
        self.in_force()
    }
}

impl Replay for SigningStep {
    fn replay<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Signing> + Send + 'a>> {
        Box::pin(async move {
            let in_force = self.refreshed().await;
            let pending = message
                .envelope
                .recipients
                .iter()
                .zip(&message.state.recipients);
            let pending = pending.filter(|(_, state)| matches!(state, RecipientState::Pending(_)));
            let recipients: Vec<Mailbox> =
                pending.map(|(recipient, _)| recipient.clone()).collect();
            let content = Normalized::of_kept(message.content.clone());
            let outcome = self.sign(&in_force, &recipients, &message.trace, &content);
            outcome.log(message.id);
            outcome.signing
        })
    }
}
