//! What is in force for signing: a policy, the profiles and the keys that it names. Nothing in it changes; it is swapped
//! whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use credstore::SeenVersions;
use router_config::RouterConfig;

use super::keyring::{KeySource, Keyring};
use super::profiles::{ProfileError, ReadyProfiles};
use crate::envelope::{Mailbox, MailboxError};
use crate::mail_log;

/// One policy and the keys it names. A message is signed under one of these, never under parts of two.
#[derive(Debug)]
pub struct InForce {
    /// The policy.
    pub router: Arc<RouterConfig>,
    /// Its profiles.
    pub profiles: Arc<ReadyProfiles>,
    /// Where its keys come from.
    pub source: KeySource,
    /// Its keys.
    pub keyring: Keyring,
    /// Where mail to the bare `Postmaster` goes.
    pub postmaster: Mailbox,
    /// What was seen of its store, so that nothing that follows it believes an older copy.
    pub(super) seen: SeenVersions,
    /// Whether nothing has been signed under it yet.
    untried: AtomicBool,
}

/// Why a policy cannot be put in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InForceError {
    /// The postmaster is no mailbox.
    #[error("router.postmaster is not a mailbox: write it as local-part@domain")]
    Postmaster(#[source] MailboxError),
    /// A profile cannot be signed by.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl InForce {
    /// Reads the keys that the policy names. Keys that cannot sign are no error here: the policy decides what they mean
    /// for each message.
    ///
    /// # Errors
    /// [`InForceError`].
    pub async fn load(router: Arc<RouterConfig>, source: KeySource) -> Result<Self, InForceError> {
        let seen = SeenVersions::default();
        let keyring = Keyring::load(&source, &router.key_names(), &seen).await;
        Ok(Self {
            seen,
            ..Self::new(router, source, keyring)?
        })
    }

    /// What a reload puts in the place of this: another policy, and its keys as they are now. An older copy of the store is
    /// refused, as the watch refuses it; keys of this that are out of reach for now stay in force.
    ///
    /// # Errors
    /// [`InForceError`].
    pub async fn succeeded_by(
        &self,
        router: Arc<RouterConfig>,
        source: KeySource,
    ) -> Result<Self, InForceError> {
        let seen = self.seen.clone();
        let mut keyring = Keyring::load(&source, &router.key_names(), &seen).await;
        // What another store held says nothing about the keys of this one.
        if source.is_place_of(&self.source) {
            keyring = keyring.keeping(&self.keyring, source.rsa_minimum_bits);
        }
        Ok(Self {
            seen,
            ..Self::new(router, source, keyring)?
        })
    }

    /// A policy with these keys.
    ///
    /// # Errors
    /// [`InForceError`].
    pub fn new(
        router: Arc<RouterConfig>,
        source: KeySource,
        keyring: Keyring,
    ) -> Result<Self, InForceError> {
        let postmaster = router
            .postmaster()
            .parse()
            .map_err(InForceError::Postmaster)?;
        Ok(Self {
            profiles: Arc::new(ReadyProfiles::new(router.signing_policy())?),
            router,
            source,
            keyring,
            postmaster,
            seen: SeenVersions::default(),
            untried: AtomicBool::new(true),
        })
    }

    /// The same policy, with these keys.
    #[must_use]
    pub fn with_keyring(&self, keyring: Keyring) -> Self {
        Self {
            router: Arc::clone(&self.router),
            profiles: Arc::clone(&self.profiles),
            source: self.source.clone(),
            keyring,
            postmaster: self.postmaster.clone(),
            seen: self.seen.clone(),
            untried: AtomicBool::new(true),
        }
    }

    /// Whether this is the first time that it is asked.
    pub(super) fn is_first(&self) -> bool {
        self.untried.swap(false, Ordering::Relaxed)
    }

    /// Logs the keys that cannot sign.
    pub fn log_faults(&self) {
        for (name, fault) in self.keyring.faults() {
            mail_log::key_unusable(name, fault.class, &fault.why);
        }
    }
}
