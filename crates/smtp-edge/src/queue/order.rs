//! What an administrator orders about a message, and what came of it.

use common_config::net::HostPort;

use super::filter::Filter;
use crate::spool::SpoolError;

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// It is not attempted and not given up until it is released.
    Hold,
    /// It is held no longer, and due at once.
    Release,
    /// It is due at once.
    Retry,
    /// It goes to this next hop, in place of those that the settings give, and is due at once; without one, to those of the
    /// settings again.
    Requeue(Option<HostPort>),
    /// It has failed for everybody who does not have it yet, and the sender is told.
    Expire,
    /// It is gone, and nobody is told.
    Delete,
}

impl Order {
    /// The names of all of them.
    pub const LABELS: [&'static str; 6] =
        ["hold", "release", "retry", "requeue", "expire", "delete"];

    /// Its name in logs, metrics and commands.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Retry => "retry",
            Self::Requeue(_) => "requeue",
            Self::Expire => "expire",
            Self::Delete => "delete",
        }
    }
}

/// Whether the queue is to run empty: no mail of clients is taken then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draining {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// An order as it was given.
#[derive(Debug)]
pub struct Instruction {
    /// What is to be done.
    pub order: Order,
    /// With which messages, of those that are named: it is compared at the moment when the order is carried out.
    pub filter: Filter,
    /// The user id of who gave it.
    pub by: u32,
    /// Why, in the words of who gave it.
    pub reason: Box<str>,
}

/// What came of an order for one message.
#[derive(Debug)]
pub enum Obeyed {
    /// It was done, and that is on stable storage.
    Done,
    /// There was nothing to do: it is, or is not, held already, or it is tried at this moment.
    Unneeded,
    /// It is held, and must be released first.
    Held,
    /// The filter does not mean it any more.
    Unlike,
    /// It is not in the queue any more.
    Gone,
    /// A round of it is under way and has not ended in the time that there was.
    Busy,
    /// The spool could not do it; nothing has changed.
    Failed(SpoolError),
}

impl Obeyed {
    /// Its name in answers.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unneeded => "unneeded",
            Self::Held => "held",
            Self::Unlike => "unlike",
            Self::Gone => "gone",
            Self::Busy => "busy",
            Self::Failed(_) => "failed",
        }
    }
}
