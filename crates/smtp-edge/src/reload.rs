//! SIGHUP: the settings are read anew, checked whole, and only then put in force. What fails changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use crate::mail_log::Chain;
use crate::net::tls::Tls;
use crate::queue::QueueHandle;
use crate::run::{self, RunError};
use crate::shutdown;
use crate::signing::step::SigningStep;

/// Carries new settings to those who work under them.
///
/// Routing, signing policy, keys and the certificate of `[tls]` are replaced. Addresses, limits and time-outs of
/// `[listen]`, `[smtp]`, `[message]`, `[dns]`, `[delivery]`, `[admin]` and `[log]` stay as they were at the start.
pub struct Reloader {
    /// What is read.
    pub settings_file: PathBuf,
    /// Who signs, and says under which policy mail leaves.
    pub signing: Arc<SigningStep>,
    /// Who does handshakes with clients.
    pub tls: Arc<Tls>,
    /// Who holds messages whose signing was deferred: they are tried again at once.
    pub queue: QueueHandle,
}

impl Reloader {
    /// Reloads, and says in the log and to the service manager how it went.
    pub async fn reload(&self) {
        shutdown::tell_reloading();
        match self.replace().await {
            Ok(()) => tracing::info!("reloaded"),
            Err(error) => tracing::error!(why = %Chain(&error), "reload_failed"),
        }
        shutdown::tell_manager(&[sd_notify::NotifyState::Ready]);
    }

    async fn replace(&self) -> Result<(), RunError> {
        let loaded = run::load_settings(&self.settings_file)?;
        let router = Arc::new(run::router(&loaded)?);
        let certificate = Tls::prepare(run::tls_files(&loaded.settings)?)?;
        self.tls.allows(&certificate)?;
        let in_force = run::in_force(&loaded.settings, router).await?;
        self.tls.put(certificate);
        self.signing.replace(in_force);
        self.queue.retry_deferred_signing();
        Ok(())
    }
}
