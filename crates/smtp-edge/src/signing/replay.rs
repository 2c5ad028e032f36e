//! What the queue asks of the signing step before a message leaves: that its signatures are what the policy in force wants.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use router_config::RouterConfig;

use super::state::Signings;
use crate::spool::message::Message;

/// Runs the signing step again for a stored message, where that is due.
pub trait Replay: Send + Sync + 'static {
    /// The policy in force now.
    fn router(&self) -> Arc<RouterConfig>;

    /// The outcomes for all pending recipients outside, under the policy and the keys in force now. Those on record that
    /// stand are given back as they are; those that were made anew have been told to the mail log.
    fn replay<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Replayed> + Send + 'a>>;
}

/// Outcomes, and the policy under which they are good: the message leaves under no other.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The policy.
    pub router: Arc<RouterConfig>,
    /// The outcomes that take the place of those on record.
    pub signings: Signings,
}

/// Why the step is run: a closed set, which the log names and the metrics count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Copies are to leave for which it has not been run: the message is new, or a recipient's domain has become external or
    /// has another profile.
    NewCopy,
    /// It was deferred.
    Deferred,
    /// The policy asks for something else than it did.
    PolicyChanged,
    /// A key that signed was revoked, deleted or replaced, or one that could not be had is there.
    KeysChanged,
    /// The signatures' `t=` or `x=` no longer holds.
    Stale,
}

impl Occasion {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::NewCopy,
        Self::Deferred,
        Self::PolicyChanged,
        Self::KeysChanged,
        Self::Stale,
    ];

    /// Its name in logs and metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NewCopy => "new_copy",
            Self::Deferred => "deferred",
            Self::PolicyChanged => "policy_changed",
            Self::KeysChanged => "keys_changed",
            Self::Stale => "stale",
        }
    }
}
