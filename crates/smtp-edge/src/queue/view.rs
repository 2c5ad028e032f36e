//! What the queue shows of its messages: a page at a time, so that nobody waits for a long list.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::filter::Stage;
use super::worker::Worker;
use crate::ids::QueueId;
use crate::spool::SpoolError;
use crate::spool::message::{Head, Message};

/// A message that the queue has.
#[derive(Debug)]
pub struct Shown {
    /// Its name.
    pub id: QueueId,
    /// Whether a round of it is under way.
    pub running: bool,
    /// The rest of what there is to see; or why it cannot be read.
    pub head: Result<Head, SpoolError>,
}

impl Shown {
    /// Where it stands, with what is known of it otherwise.
    #[must_use]
    pub fn stage(&self, head: &Head) -> Stage {
        if self.running {
            Stage::Active
        } else {
            Stage::by_record(&head.state)
        }
    }
}

/// Which messages are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    /// At most so many, in the order of their names, from the one behind this name.
    Page { after: Option<QueueId>, most: usize },
    /// That one.
    One(QueueId),
}

/// A question to the queue, and where its answer goes.
#[derive(Debug)]
pub(super) enum Look {
    Heads(Wanted, oneshot::Sender<Vec<Shown>>),
    Whole(QueueId, oneshot::Sender<Result<Message, SpoolError>>),
}

impl Worker {
    /// Reads what was asked for of these messages, which the dispatcher has found, and answers.
    pub(super) async fn show(
        self: Arc<Self>,
        found: Vec<(QueueId, bool)>,
        answer: oneshot::Sender<Vec<Shown>>,
    ) {
        let ids: Vec<QueueId> = found.iter().map(|(id, _)| *id).collect();
        let Ok(heads) = self.parts.spool.heads(ids).await else {
            return; // the server ends
        };
        let shown = found.into_iter().zip(heads);
        let shown = shown.map(|((id, running), head)| Shown { id, running, head });
        let _ = answer.send(shown.collect());
    }

    /// Reads a whole message, and answers.
    pub(super) async fn show_whole(
        self: Arc<Self>,
        id: QueueId,
        answer: oneshot::Sender<Result<Message, SpoolError>>,
    ) {
        let read = self.parts.spool.read(id).await;
        let _ = answer.send(read.map(|stored| stored.message));
    }
}
