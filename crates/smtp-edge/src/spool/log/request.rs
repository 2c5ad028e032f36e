//! What is asked of the committer, and how the answer comes back.

use tokio::sync::oneshot;

use super::batch::{Content, Record, Says};
use super::frame::Epoch;
use super::index::Known;
use crate::ids::QueueId;
use crate::spool::message::Waiting;
use crate::spool::{Durable, SpoolError};

/// The answer to a request: its record is on stable storage.
pub(super) type Answer = Result<Durable<QueueId>, SpoolError>;

/// Something that is to be recorded.
pub(super) struct Request {
    pub(super) id: QueueId,
    pub(super) asks: Asks,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What is to be recorded.
pub(super) enum Asks {
    /// A new message.
    Commit {
        head: Vec<u8>,
        content: Held,
        waiting: Waiting,
    },
    /// A message's latest state.
    Update { head: Vec<u8>, waiting: Waiting },
    /// That a message is done.
    Remove,
    /// The message anew with its latest state, out of a segment that is being emptied, if it still is what it was.
    Move {
        was: Known,
        head: Vec<u8>,
        content: Held,
        waiting: Waiting,
    },
    /// The latest state anew, if it still is what it was.
    CopyState {
        was: Known,
        head: Vec<u8>,
        waiting: Waiting,
    },
    /// Anew that the copy of the message in this segment does not count.
    CopyDone { home: Epoch },
}

/// The content of a message.
pub(super) enum Held {
    Here { octets: Vec<u8>, checksum: u32 },
    Apart { length: u32, checksum: u32 },
}

impl Held {
    fn content(&self) -> Content<'_> {
        match self {
            Self::Here { octets, checksum } => Content::Here {
                octets,
                checksum: *checksum,
            },
            Self::Apart { length, checksum } => Content::Apart {
                length: *length,
                checksum: *checksum,
            },
        }
    }
}

impl Request {
    /// The request, and where its answer will be.
    pub(super) fn new(id: QueueId, asks: Asks) -> (Self, oneshot::Receiver<Answer>) {
        let (answer, answered) = oneshot::channel();
        (Self { id, asks, answer }, answered)
    }

    /// The record that answers the request; `home` is the segment in which the message lies.
    pub(super) fn record(&self, home: Epoch) -> Record<'_> {
        let says = match &self.asks {
            Asks::Commit {
                head,
                content,
                waiting,
            } => Says::Message {
                head,
                content: content.content(),
                waiting: *waiting,
                from: None,
            },
            Asks::Move {
                was,
                head,
                content,
                waiting,
            } => Says::Message {
                head,
                content: content.content(),
                waiting: *waiting,
                from: Some(was.message.segment),
            },
            Asks::Update { head, waiting } | Asks::CopyState { head, waiting, .. } => Says::State {
                head,
                waiting: *waiting,
            },
            Asks::Remove => Says::Done { home },
            Asks::CopyDone { home } => Says::Done { home: *home },
        };
        Record { id: self.id, says }
    }

    /// What the record will take of a batch.
    pub(super) fn octets(&self) -> u64 {
        self.record(Epoch(0)).octets()
    }

    /// Whether it tells what has happened in the world, and so must be written before work goes on.
    pub(super) fn is_outcome(&self) -> bool {
        match self.asks {
            Asks::Update { .. } | Asks::Remove => true,
            Asks::Commit { .. }
            | Asks::Move { .. }
            | Asks::CopyState { .. }
            | Asks::CopyDone { .. } => false,
        }
    }

    /// Whether it writes anew what is in the log already.
    pub(super) fn is_copy(&self) -> bool {
        match self.asks {
            Asks::Move { .. } | Asks::CopyState { .. } | Asks::CopyDone { .. } => true,
            Asks::Commit { .. } | Asks::Update { .. } | Asks::Remove => false,
        }
    }

    /// Who asked may have gone meanwhile.
    pub(super) fn answer(self, answer: Answer) {
        let _ = self.answer.send(answer);
    }
}
