//! What the queue asks of the signing step when a message was deferred.

use std::future::Future;
use std::pin::Pin;

use super::state::Signing;
use crate::spool::message::Message;

/// Signs a stored message again, under the policy and the keys in force now.
pub trait Replay: Send + Sync + 'static {
    /// The outcome, which takes the place of the one on record and has been told to the mail log.
    fn replay<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Signing> + Send + 'a>>;
}
