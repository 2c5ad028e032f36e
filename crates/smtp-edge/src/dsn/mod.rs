//! Reports (RFC 3464) of failures and of delays: who is to be told of what ([`due`]), and the message that tells it
//! ([`report`]).
//!
//! A report enters the server like any other message, through a [`Reporter`], so that it is routed, signed and
//! retried like one. A message with a null sender is never reported (RFC 5321 §4.5.5).

pub mod due;
pub mod report;
mod text;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

pub use due::Due;

use crate::envelope::Mailbox;
use crate::ids::QueueId;
use crate::spool::Durable;

/// Takes a report into the spool.
pub trait Reporter: Send + Sync + 'static {
    /// Accepts `message`, a complete report, for `to`, with a null reverse-path. A recipient counts as reported only
    /// when the report is on stable storage, hence the answer.
    fn report<'a>(
        &'a self,
        to: Mailbox,
        message: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<Durable<QueueId>, ReportError>> + Send + 'a>>;
}

/// A report could not be stored. It is tried again in the next round.
#[derive(Debug, thiserror::Error)]
#[error("the report could not be stored: it is tried again")]
pub struct ReportError(#[source] Box<dyn Error + Send + Sync>);

impl ReportError {
    /// Wraps what went wrong.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}
