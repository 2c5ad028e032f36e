//! Where requests wait for the committer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::request::Request;
use crate::spool::SpoolError;

/// The way to the committer. Nobody who puts something in waits for the disk.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    closed: bool,
}

impl Inbox {
    /// Adds a request; one that comes after the end is answered at once.
    pub(super) fn put(&self, request: Request) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.closed {
            drop(waiting);
            request.answer(Err(SpoolError::Closed));
            return;
        }
        waiting.requests.push_back(request);
        self.arrived.notify_one();
    }

    /// Moves all that waits behind what is in `taken`. When that is nothing, waits for something to come: for ever, or as long
    /// as `patience` says. `false` when there is nothing and the inbox is closed.
    pub(super) fn take(&self, taken: &mut VecDeque<Request>, patience: Option<Duration>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = |waiting: &mut Waiting| waiting.requests.is_empty() && !waiting.closed;
        if taken.is_empty() {
            waiting = match patience {
                Some(patience) => {
                    self.arrived
                        .wait_timeout_while(waiting, patience, nothing)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self
                    .arrived
                    .wait_while(waiting, nothing)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
        taken.append(&mut waiting.requests);
        !(taken.is_empty() && waiting.closed)
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.closed = true;
        self.arrived.notify_one();
    }
}
