//! Tells the sender of a message that is still not delivered that it is delayed, once.

use std::sync::Arc;

use router_config::RouterConfig;

use super::round::Round;
use super::worker::Worker;
use crate::dsn;
use crate::dsn::report::{Action, Context};
use crate::mail_log;

impl Worker {
    /// Has the sender told, if it is time and nobody has told it.
    ///
    /// That it is told is on record before it is: a crash in between costs the notice, and repeats none. A notice that cannot
    /// be stored is tried again in the next round.
    pub(super) async fn tell_of_delay(&self, round: &mut Round, router: &RouterConfig) {
        let message = Arc::clone(&round.message);
        let (id, envelope) = (message.id, &message.envelope);
        let now = self.parts.clock.now();
        if round.state.delay_told.is_some() || !self.retry.is_delayed(envelope.accepted, now) {
            return;
        }
        let Some(to) = dsn::due::delay_told_to(&envelope.reverse_path).cloned() else {
            return;
        };
        let delayed = round.delayed(router);
        if delayed.is_empty() {
            return;
        }
        round.state.delay_told = Some(now);
        if let Err(error) = self.put_on_record(round).await {
            mail_log::round_failed(id, "record a notice of the delay", &error);
            round.state.delay_told = None;
            return;
        }
        let context = Context {
            hostname: &self.parts.hostname,
            postmaster: router.postmaster(),
            give_up_after: self.retry.give_up_after,
            now,
            action: Action::Delayed,
        };
        let notice = dsn::report::render(&message, &delayed, &to, &context);
        match self.parts.reporter.report(to, notice).await {
            Ok(notice) => {
                mail_log::delay_told(id, notice.get(), &envelope.reverse_path);
            }
            Err(error) => {
                mail_log::round_failed(id, "store the notice of the delay", &error);
                round.state.delay_told = None;
            }
        }
    }
}
