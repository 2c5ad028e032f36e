//! What a round of a message came to: when another is due, and where the message is still to go.

use std::time::SystemTime;

use super::origin::Origin;
use super::schedule::Awaiting;
use crate::deliver::route::Hop;
use crate::spool::message::MessageState;

/// What a round of a message came to.
#[derive(Debug)]
pub enum Next {
    /// Nothing is left to do.
    Done,
    /// Another round is due.
    Again(Again),
}

/// When another round is due.
#[derive(Debug)]
pub struct Again {
    /// When what the round tried is due again.
    pub due: SystemTime,
    /// What else the message waits for.
    pub awaiting: Awaiting,
    /// Where it is still to go.
    pub remaining: Remaining,
    /// When it needs a round, wherever it stands then.
    pub upkeep: SystemTime,
    /// Whose the message is, where that was not known.
    pub origin: Option<Origin>,
    /// What the spool could not record; it must be recorded before anything else is done.
    pub unrecorded: Option<Box<MessageState>>,
}

/// Where a message is to go after a round.
#[derive(Debug, PartialEq, Eq)]
pub enum Remaining {
    /// Where it was to go before, and nowhere before it is due.
    AsBefore,
    /// Where it was to go before, and everywhere when it is due.
    AllDue,
    /// To these. If there are none, a round that goes nowhere is due.
    Are {
        /// The round tried them: not before it is due.
        put_off: Vec<Hop>,
        /// It did not try them: as they stand, and at once if they are new.
        untried: Vec<Hop>,
    },
}

impl Next {
    /// The same, with what was tried due then.
    pub(super) fn due_at(self, due: SystemTime) -> Self {
        match self {
            Self::Done => Self::Done,
            Self::Again(again) => Self::Again(Again { due, ..again }),
        }
    }
}
