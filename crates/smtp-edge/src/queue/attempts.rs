//! The deliveries of a round: it goes where it is called, for as long as a delivery is under way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use router_config::RouterConfig;
use tokio::task::{JoinError, JoinSet};

use super::calls::{Calls, Place};
use super::round::Round;
use super::worker::Worker;
use crate::deliver::outcome::Settled;
use crate::deliver::route::Route;
use crate::mail_log;
use crate::spool::message::Message;

/// Whether the deliveries of a round all ran.
#[derive(PartialEq, Eq)]
pub(super) enum Ended {
    Whole,
    Stopped,
}

/// What a delivery came to; `None` when the server stops before it.
type Delivery = Result<Option<Vec<Settled>>, JoinError>;

impl Worker {
    /// Brings the message to the next hops that the round is called to, for those recipients that it may leave for. It ends
    /// when no delivery is under way and no call has come.
    pub(super) async fn deliver(
        self: &Arc<Self>,
        round: &mut Round,
        router: &RouterConfig,
        mut calls: Calls,
    ) -> Ended {
        let mut running = JoinSet::new();
        let mut ended = Ended::Whole;
        loop {
            if running.is_empty() && calls.is_empty() {
                calls.close(); // and what comes in this moment is still taken
            }
            tokio::select! {
                biased;
                Some(delivery) = running.join_next() => {
                    self.settle(round, delivery, &mut ended);
                    // So that a crash while a slow hop is waited for repeats nothing that is done.
                    if !running.is_empty()
                        && let Err(error) = self.put_on_record(round).await
                    {
                        mail_log::round_failed(round.message.id, "record an outcome", &error);
                    }
                }
                Some(place) = calls.recv() => self.go(round, router, place, &mut running),
                else => return ended,
            }
        }
    }

    fn go(
        self: &Arc<Self>,
        round: &mut Round,
        router: &RouterConfig,
        place: Place,
        running: &mut JoinSet<Option<Vec<Settled>>>,
    ) {
        let copies = round.visit(router, place.hop());
        if copies.is_empty() {
            return; // its recipients wait for their signatures, or go elsewhere since the settings have changed
        }
        let (worker, message) = (Arc::clone(self), Arc::clone(&round.message));
        running.spawn(async move { worker.attempt(&message, &copies, place).await });
    }

    /// Delivers the copies for one destination, one after another.
    async fn attempt(
        &self,
        message: &Message,
        copies: &[(Route, Vec<u8>)],
        place: Place,
    ) -> Option<Vec<Settled>> {
        let mut settled = Vec::new();
        for (route, signatures) in copies {
            if self.stopping.load(Ordering::Relaxed) {
                return None;
            }
            settled.extend(self.parts.deliver.deliver(message, signatures, route).await);
        }
        place.settle(&settled);
        Some(settled)
    }

    fn settle(&self, round: &mut Round, delivery: Delivery, ended: &mut Ended) {
        match delivery {
            Ok(Some(settled)) => {
                for Settled { recipient, outcome } in settled {
                    round.settle(recipient, outcome);
                }
            }
            Ok(None) => *ended = Ended::Stopped,
            Err(error) => mail_log::round_failed(round.message.id, "attempt a delivery", &error),
        }
    }
}
