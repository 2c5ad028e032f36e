//! The latest version of each store that was seen, so that nobody who shares this believes an older copy.
//!
//! It lives as long as the process: one file cannot tell that it is not the newest, and a process that starts has seen
//! nothing yet.

use std::collections::HashMap;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};

/// What was seen of stores, by their identities. Clones share it, and so do all stores that are opened with it
/// ([`CredStore::open_remembering`](crate::CredStore::open_remembering)): what one of them has read, no other goes behind.
#[derive(Debug, Clone, Default)]
pub struct SeenVersions(Arc<Mutex<Latest>>);

/// Versions by the identities of their stores.
type Latest = HashMap<Vec<u8>, Arc<AtomicI64>>;

impl SeenVersions {
    /// The latest version of the store with this identity; 0 when it was never seen.
    pub(crate) fn of(&self, store_id: &[u8]) -> Arc<AtomicI64> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(latest.entry(store_id.to_vec()).or_default())
    }
}
