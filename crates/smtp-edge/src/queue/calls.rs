//! Calls of a round to destinations: each holds a place there, which is given back whatever becomes of it.

use tokio::sync::mpsc;

use super::destinations::{DestinationId, Ended};
use super::start::Call;
use super::window::Reached;
use crate::deliver::outcome::{Outcome, Settled};
use crate::deliver::route::Hop;

/// Where a round is told where to go. What was sent before it is closed still comes; what comes after goes back.
pub(super) type Calls = mpsc::UnboundedReceiver<Place>;

/// What the dispatcher is told of each place that was given back.
pub(super) type GivenBack = (DestinationId, Ended);

/// A place at a destination. Dropping it gives it back: a round that ends, or a defect of ours, leaks none.
#[derive(Debug)]
pub(super) struct Place {
    call: Call,
    ended: Ended,
    back: mpsc::UnboundedSender<GivenBack>,
}

impl Place {
    pub(super) fn new(call: Call, back: &mpsc::UnboundedSender<GivenBack>) -> Self {
        Self {
            call,
            ended: Ended::UNTRIED,
            back: back.clone(),
        }
    }

    /// Where it is.
    pub(super) fn hop(&self) -> &Hop {
        &self.call.hop
    }

    /// Gives it back after a delivery that came to this.
    pub(super) fn settle(mut self, settled: &[Settled]) {
        self.ended = ended(settled);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let ended = std::mem::replace(&mut self.ended, Ended::UNTRIED);
        // When nobody listens the server has stopped.
        let _ = self.back.send((self.call.destination, ended));
    }
}

/// A destination was reached when anybody's outcome says so.
fn ended(settled: &[Settled]) -> Ended {
    let mut trouble = None;
    for one in settled {
        match &one.outcome {
            Outcome::Delivered(_) | Outcome::Later(_) | Outcome::Failed(_) => {
                return Ended {
                    reached: Reached::Yes,
                    trouble: None,
                };
            }
            Outcome::Unreachable(fault) => trouble = Some(fault.clone()),
        }
    }
    match trouble {
        Some(fault) => Ended {
            reached: Reached::No,
            trouble: Some(fault),
        },
        None => Ended::UNTRIED,
    }
}
