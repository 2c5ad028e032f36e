//! Signals, the service manager, and an end that loses nothing: clients finish the message they are in, deliveries under
//! way get a moment, and what is left is on stable storage anyway.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};

use crate::queue::Queue;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP.
    Reload,
    /// SIGTERM or SIGINT.
    Stop,
}

/// The signals of the process.
#[derive(Debug)]
pub struct Signals {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts catching them.
    ///
    /// # Errors
    /// What the system said.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
        }
    }
}

/// Ends the server in the order of a message's way: no new connections, clients finish, then the queue.
pub async fn stop(stop: &watch::Sender<bool>, room: &Semaphore, connections: usize, queue: Queue) {
    tell_manager(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("stopping");
    stop.send_replace(true);
    let all = u32::try_from(connections).unwrap_or(u32::MAX);
    if tokio::time::timeout(GRACE, room.acquire_many(all))
        .await
        .is_err()
    {
        tracing::warn!(
            "some clients were cut off in the midst of a message; they will send it again"
        );
    }
    queue.shutdown(GRACE).await;
    tracing::info!("stopped");
}

/// Tells systemd, if it listens.
pub fn tell_manager(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(why = %error, "the service manager cannot be told");
    }
}

/// Tells systemd that a reload has begun (`Type=notify-reload` needs the monotonic time with it).
pub fn tell_reloading() {
    match sd_notify::NotifyState::monotonic_usec_now() {
        Ok(time) => tell_manager(&[sd_notify::NotifyState::Reloading, time]),
        Err(error) => tracing::warn!(why = %error, "the service manager cannot be told"),
    }
}

/// How long clients, and then deliveries, may take to finish.
const GRACE: Duration = Duration::from_secs(10);
