//! The threads of the log, and what they share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::bell::Bell;
use super::committer::{Committer, PAUSE};
use super::inbox::Inbox;
use super::journal::Journal;
use super::reclaim::{self, Copies};
use super::request::Request;
use crate::mail_log;
use crate::spool::SpoolError;

/// Where the threads meet.
pub(super) struct Rooms {
    pub(super) journal: Arc<Journal>,
    pub(super) inbox: Inbox,
    pub(super) supply: Bell,
    pub(super) reclaim: Bell,
}

impl Rooms {
    pub(super) fn new(journal: Arc<Journal>) -> Self {
        Self {
            journal,
            inbox: Inbox::default(),
            supply: Bell::default(),
            reclaim: Bell::default(),
        }
    }

    /// Writes what comes until there is an end and nothing is left.
    pub(super) fn commit(&self, mut committer: Committer) {
        let _closed_at_the_end = ClosedAtTheEnd(&self.inbox);
        let mut waiting = VecDeque::new();
        let patience = |committer: &Committer| committer.is_broken().then_some(PAUSE);
        while self.inbox.take(&mut waiting, patience(&committer)) {
            if waiting.is_empty() {
                committer.mend_if_due();
            } else {
                committer.handle(&mut waiting);
            }
            if self.journal.supply.ready() == 0 {
                self.supply.ring();
            }
            if self
                .journal
                .index()
                .ledger
                .has_work(self.journal.shape.slack)
            {
                self.reclaim.ring();
            }
        }
        committer.finish();
    }

    /// Keeps a segment ready.
    pub(super) fn make_ready(&self) {
        let mut patience: Option<Duration> = None;
        while self.supply.wait(patience) {
            let filled = self.journal.supply.fill(1);
            patience = filled.err().map(|_| PAUSE);
        }
    }

    /// Gives back what is needed no more.
    pub(super) fn give_back(&self) {
        let mut patience: Option<Duration> = None;
        while self.reclaim.wait(patience) {
            let done = loop {
                match reclaim::step(&self.journal, &mut |copies| self.copy(copies)) {
                    Ok(true) => self.supply.ring(), // there may be a spare
                    Ok(false) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            match done {
                Ok(()) => patience = None,
                Err(SpoolError::Closed) => return,
                Err(error) => {
                    if patience.is_none() {
                        mail_log::spool_not_reclaimed(&error);
                    }
                    patience = Some(PAUSE);
                }
            }
        }
    }

    fn copy(&self, copies: Copies) -> Result<(), SpoolError> {
        let mut answers = Vec::with_capacity(copies.len());
        for (id, asks) in copies {
            let (request, answer) = Request::new(id, asks);
            self.inbox.put(request);
            answers.push(answer);
        }
        for answer in answers {
            match answer.blocking_recv().unwrap_or(Err(SpoolError::Closed)) {
                Ok(_) | Err(SpoolError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Sees to it that nobody waits for a committer that is gone, whatever ended it.
struct ClosedAtTheEnd<'a>(&'a Inbox);

impl Drop for ClosedAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.close();
        self.0.take(&mut VecDeque::new(), Some(Duration::ZERO));
    }
}
