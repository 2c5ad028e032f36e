//! Memory for messages that are being received: a bound over all clients and one for each, so that neither a crowd nor a
//! single client can take it all.
//!
//! A message holds what has come of it until it is answered. One that the budget has no room for is thrown away and
//! answered 452; nobody is made to wait for room, since messages that wait for each other would wait for ever. That a
//! client cannot hold its share by sending slowly is the work of [`crate::smtp::timers`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::admin::metrics::counters;

/// So many octets, part of them in use.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    /// `used <= limit`
    used: AtomicU64,
}

impl Budget {
    /// Of `limit` octets.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            used: AtomicU64::new(0),
        }
    }

    fn take(&self, octets: u64) -> Result<(), Exhausted> {
        let more = |used: u64| used.checked_add(octets).filter(|sum| *sum <= self.limit);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .map(drop)
            .map_err(|_| Exhausted)
    }

    fn give_back(&self, octets: u64) {
        self.used.fetch_sub(octets, Ordering::Relaxed);
    }
}

/// There is no room for so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

/// What one connection holds of the budget of all and of its client's.
#[derive(Debug)]
pub struct Share {
    all: Arc<Budget>,
    client: Arc<Budget>,
    held: u64,
}

impl Share {
    /// A share of nothing yet.
    #[must_use]
    pub fn new(all: Arc<Budget>, client: Arc<Budget>) -> Self {
        Self {
            all,
            client,
            held: 0,
        }
    }

    /// Makes the share so large.
    ///
    /// # Errors
    /// [`Exhausted`]; the share is as it was then.
    pub fn resize(&mut self, octets: usize) -> Result<(), Exhausted> {
        let octets = octets as u64;
        let more = octets.saturating_sub(self.held);
        if more > 0 {
            self.client.take(more)?;
            self.all.take(more).inspect_err(|_| {
                self.client.give_back(more);
            })?;
        } else {
            self.give_back(self.held - octets);
        }
        counters().receiving_changed(self.held, octets);
        self.held = octets;
        Ok(())
    }

    fn give_back(&self, octets: u64) {
        self.client.give_back(octets);
        self.all.give_back(octets);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back(self.held);
        counters().receiving_changed(self.held, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(budget: &Budget) -> u64 {
        budget.used.load(Ordering::Relaxed)
    }

    #[test]
    fn neither_one_client_nor_all_together_go_over_their_budgets() {
        let all = Arc::new(Budget::new(100));
        let client = || Arc::new(Budget::new(60));
        let (first, second) = (client(), client());
        let mut share = Share::new(Arc::clone(&all), Arc::clone(&first));
        let mut sibling = Share::new(Arc::clone(&all), Arc::clone(&first));
        let mut other = Share::new(Arc::clone(&all), Arc::clone(&second));
        assert_eq!(share.resize(60), Ok(()));
        assert_eq!(sibling.resize(1), Err(Exhausted)); // the client's own
        assert_eq!(other.resize(41), Err(Exhausted)); // that of all
        assert_eq!((used(&all), used(&second)), (60, 0)); // nothing of it stays taken
        assert_eq!(other.resize(40), Ok(()));
        assert_eq!(share.resize(20), Ok(())); // an answered message gives room back
        assert_eq!(sibling.resize(40), Ok(()));
        drop((share, sibling, other));
        assert_eq!((used(&all), used(&first), used(&second)), (0, 0, 0));
    }
}
