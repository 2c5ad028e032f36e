//! Users that are added or deleted, and passwords that are changed, count without a signal: a task that asks the store's watch
//! twice a second, as [`crate::signing::watch`] does for keys.
//!
//! A store that goes away takes no user with it. That it has gone is logged by the watch of the keys, and here only when
//! no key is named, since that one looks at nothing then.

use std::sync::Arc;
use std::time::Duration;

use credstore::{CredStoreError, StoreWatch};
use tokio::time::MissedTickBehavior;

use super::directory::{UserDirectory, UserSet};
use crate::mail_log::{self, Chain};
use crate::signing::keyring::KeySource;
use crate::signing::step::SigningStep;

/// Keeps the users in force those of the store.
pub struct UserWatch {
    directory: Arc<UserDirectory>,
    signing: Arc<SigningStep>,
    /// Where the store is, by the policy at the last look.
    source: KeySource,
    store: StoreWatch,
    /// What was said of a store that cannot be read, so that it is said once.
    away: Option<String>,
    /// A change was seen, and not all of it could be read.
    unread: bool,
}

impl UserWatch {
    /// Watches the store of the policy that is in force for `signing`, after a first look.
    pub async fn start(signing: Arc<SigningStep>) -> Self {
        let source = signing.in_force().source.clone();
        let mut watch = Self {
            directory: Arc::new(UserDirectory::new(UserSet::empty())),
            signing,
            store: store_of(&source),
            source,
            away: None,
            unread: false,
        };
        watch.look().await;
        watch
    }

    /// The users in force.
    #[must_use]
    pub fn directory(&self) -> Arc<UserDirectory> {
        Arc::clone(&self.directory)
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
        match self.read().await {
            Ok(()) => {
                if self.away.take().is_some() {
                    mail_log::store_back(self.store.path());
                }
            }
            Err(error) => self.miss(&error),
        }
    }

    async fn read(&mut self) -> Result<(), CredStoreError> {
        self.unread |= self.store.changed().await?;
        if let (true, Some(store)) = (self.unread, self.store.store()) {
            let users = UserSet::read(store).await?;
            self.unread = false;
            if !users.is_empty() || !self.directory.in_force().is_empty() {
                mail_log::users_swapped(users.len());
            }
            self.directory.replace(users);
        }
        Ok(())
    }

    /// A server that neither signs nor has users needs no store.
    fn miss(&mut self, error: &CredStoreError) {
        let is_needed = !self.directory.in_force().is_empty()
            || !matches!(error, CredStoreError::Missing { .. });
        let keys_are_watched = !self.signing.in_force().router.key_names().is_empty();
        if keys_are_watched || !is_needed {
            return;
        }
        let why = Chain(error).to_string();
        if self.away.as_ref() != Some(&why) {
            mail_log::store_away(self.store.path(), error);
            self.away = Some(why);
        }
    }

    /// Takes note of a reload that named another store: the users of the one before are nobody's now.
    fn follow(&mut self) {
        let in_force = self.signing.in_force();
        if in_force.source.store == self.source.store && in_force.source.neks == self.source.neks {
            return;
        }
        self.source = in_force.source.clone();
        self.store = store_of(&self.source);
        self.away = None;
        self.unread = true;
        self.directory.replace(UserSet::empty());
    }
}

fn store_of(source: &KeySource) -> StoreWatch {
    StoreWatch::new(source.store.clone(), source.neks.clone())
}

/// How often the store is asked: a change is to be in force within a second.
const PERIOD: Duration = Duration::from_millis(500);

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
