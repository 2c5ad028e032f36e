//! What the schedule says is to be done next.

use std::sync::Arc;

use super::destinations::DestinationId;
use crate::deliver::route::Hop;
use crate::ids::QueueId;
use crate::spool::message::{Fault, MessageState};

/// What there is to do.
#[derive(Debug)]
pub enum Start {
    /// A round of a message begins.
    Round {
        /// Which.
        id: QueueId,
        /// Where it goes first.
        to: Option<Call>,
        /// What it is for.
        purpose: Purpose,
        /// What an earlier round could not record.
        unrecorded: Option<Box<MessageState>>,
        /// Where it does not go, and why those were not reached last.
        troubles: Vec<(Hop, Arc<Fault>)>,
    },
    /// The round of a message that goes on is to go there as well.
    Further {
        /// Which.
        id: QueueId,
        /// Where.
        to: Call,
    },
}

/// What a round is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It goes somewhere.
    Delivery,
    /// The time for the message's upkeep has come.
    Upkeep,
    /// Where the message is to go is not known, or it goes nowhere and only a report is left.
    Survey,
}

/// A destination that a message may go to now. [`Schedule::ended`](super::schedule::Schedule::ended) is to be told of its end, whatever becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub destination: DestinationId,
    /// Where it is.
    pub hop: Hop,
}
