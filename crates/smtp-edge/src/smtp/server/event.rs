//! What a session asks of its driver, and what it is answered.

use crate::envelope::{Mailbox, ReversePath};
use crate::ids::QueueId;
use crate::smtp::command::CommandError;
use crate::smtp::data::DataNotes;
use crate::smtp::reply::Reply;
use crate::spool::Durable;

/// What a session has for its driver.
#[derive(Debug)]
pub enum Event {
    /// A message has come in whole. Nothing more is read from the client until the verdict is given.
    Message(Box<Received>),
    /// The client was refused something; for the log.
    Rejected {
        /// The sender of the transaction, when there is one.
        from: Option<ReversePath>,
        /// What the client was told.
        reply: Reply,
        /// Why.
        why: Rejection,
    },
}

/// Why a client was refused something before its message was looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// A recipient for which this client may not send.
    #[error(
        "the client is in none of the networks that may relay (router.relay_networks), and {recipient} is not our postmaster"
    )]
    Relay {
        /// The recipient.
        recipient: Mailbox,
    },
    /// A line that is no command.
    #[error("the client sent a line that is no command")]
    Command(#[source] CommandError),
    /// The message is over the limit.
    #[error("the message is larger than smtp.max_message_size")]
    TooBig,
    /// Too many errors in a session.
    #[error("the client made more errors than smtp.max_errors")]
    Errors,
}

/// A message as a client handed it over.
#[derive(Debug)]
pub struct Received {
    /// The name the client gave in EHLO or HELO.
    pub helo: Box<str>,
    /// Whether it said EHLO.
    pub extended: bool,
    /// Where reports go.
    pub reverse_path: ReversePath,
    /// Who is to have it: at least one.
    pub recipients: Vec<Mailbox>,
    /// Whether MAIL said SMTPUTF8.
    pub smtputf8: bool,
    /// The message, unstuffed.
    pub content: Vec<u8>,
    /// What was noticed in it.
    pub notes: DataNotes,
}

/// What became of a message.
#[derive(Debug)]
pub enum Verdict {
    /// It is ours, on stable storage.
    Accepted(Durable<QueueId>),
    /// It is not taken; the reply says so.
    Refused(Reply),
}
