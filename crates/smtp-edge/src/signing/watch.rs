//! Changes of the credential store come into force without a signal: a task that asks the store's watch twice a second,
//! and after a change reads the keys beside those in force and swaps them whole.
//!
//! The policy is not read here: a settings file that is half edited must not come into force, so that waits for SIGHUP.
//! A store that goes away takes no key with it: those in force go on signing, the log says so, and the task goes on asking.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common_config::name::KeyName;
use credstore::StoreWatch;
use tokio::time::MissedTickBehavior;

use super::in_force::InForce;
use super::keyring::Keyring;
use super::step::SigningStep;
use crate::mail_log::{self, Chain};
use crate::queue::QueueHandle;

/// Keeps the keys in force those of the store.
pub struct KeyringWatch {
    signing: Arc<SigningStep>,
    queue: QueueHandle,
    /// What was in force at the last look. When it is no longer, somebody else has put it there.
    in_force: Arc<InForce>,
    /// The keys that its policy names.
    names: BTreeSet<KeyName>,
    store: StoreWatch,
    /// What was said of a store that cannot be read, so that it is said once.
    away: Option<String>,
    /// A change was seen, and not all of it could be read.
    unread: bool,
}

impl KeyringWatch {
    /// Watches for `signing`, and wakes messages in `queue` whose signing was deferred.
    #[must_use]
    pub fn new(signing: Arc<SigningStep>, queue: QueueHandle) -> Self {
        let in_force = signing.in_force();
        Self {
            names: in_force.router.key_names(),
            store: store_of(&in_force),
            signing,
            queue,
            in_force,
            away: None,
            unread: false,
        }
    }

    /// Watches for as long as the server runs.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// One look: nothing but a small read when the store is as it was.
    pub async fn look(&mut self) {
        self.follow();
        if self.names.is_empty() {
            return;
        }
        match self.store.changed().await {
            Ok(changed) => {
                self.unread |= changed;
                if self.away.take().is_some() {
                    mail_log::store_back(self.store.path());
                }
            }
            Err(error) => {
                let why = Chain(&error).to_string();
                if self.away.as_ref() != Some(&why) {
                    mail_log::store_away(self.store.path(), &error);
                    self.away = Some(why);
                }
                return;
            }
        }
        if let (true, Some(store)) = (self.unread, self.store.store()) {
            let bits = self.in_force.source.rsa_minimum_bits;
            let keyring = Keyring::read(store, &self.names, bits).await;
            self.unread = keyring.has_transient_faults();
            self.bring_into_force(keyring);
        }
    }

    /// Takes note of what a reload, or a message that was signed again, has put in force since the last look.
    fn follow(&mut self) {
        let now = self.signing.in_force();
        if Arc::ptr_eq(&self.in_force, &now) {
            return;
        }
        if now.source != self.in_force.source {
            self.store = store_of(&now);
            self.away = None;
        }
        // Its keys were read at another moment than that of our last look.
        self.unread = true;
        self.names = now.router.key_names();
        self.in_force = now;
        // One message that was signed again has found the keys; the others need not wait for their time.
        if !self.in_force.keyring.has_transient_faults() {
            self.queue.retry_deferred_signing();
        }
    }

    /// Swaps the keys if any of them has changed.
    fn bring_into_force(&mut self, keyring: Keyring) {
        let before = &self.in_force.keyring;
        let changed = keyring.changed_since(before);
        // The store went away while it was read: the keys in force are better than none.
        if changed.is_empty() || keyring.lost_for_now(before) {
            return;
        }
        let new = Arc::new(self.in_force.with_keyring(keyring));
        if !self.signing.swap(&self.in_force, Arc::clone(&new)) {
            return; // a reload came meanwhile; the next look follows it
        }
        let keyring = &new.keyring;
        let unusable = keyring.faults().count();
        mail_log::keyring_swapped(&changed, keyring.usable(), unusable);
        for (name, fault) in keyring.faults().filter(|(name, _)| changed.contains(*name)) {
            mail_log::key_unusable(name, fault.class, &fault.why);
        }
        self.in_force = new;
        self.queue.retry_deferred_signing();
    }
}

fn store_of(in_force: &InForce) -> StoreWatch {
    let source = &in_force.source;
    StoreWatch::remembering(
        source.store.clone(),
        source.neks.clone(),
        in_force.seen.clone(),
    )
}

/// How often the store is asked: a change is to be in force within a second.
const PERIOD: Duration = Duration::from_millis(500);

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
