//! Sees that the files of certificates have changed, and puts the new ones in force.
//!
//! They are looked at every second. A change counts when it is still there at the next look, so that a certificate and its
//! key that are replaced one after the other are read together. What cannot be used changes nothing and is said once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::Tls;
use crate::mail_log;

/// Looks after the files as long as the process lives.
pub async fn watch(tls: Arc<Tls>) {
    let mut looks = tokio::time::interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let tls = Arc::clone(&tls);
        // The files may be on a disk that does not answer.
        if let Err(error) = tokio::task::spawn_blocking(move || tls.look()).await {
            tracing::error!(why = %error, "the files of certificates cannot be watched");
        }
    }
}

impl Tls {
    /// Looks whether the files have changed and come to rest, and reads them if so.
    fn look(&self) {
        let mut source = self.source();
        let Some(files) = source.files.clone() else {
            return;
        };
        let stamps = files.stamps();
        let is_at_rest = stamps == source.seen;
        source.seen = stamps.clone();
        if !is_at_rest || stamps == source.read {
            return;
        }
        source.read = stamps;
        match files.read() {
            Ok(acceptor) => {
                self.exchange(Some(Arc::new(acceptor)));
                mail_log::certificate_swapped(files.certificate());
            }
            Err(error) => mail_log::certificate_unusable(files.certificate(), &error),
        }
    }
}

const EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
