//! The admin listener: what monitoring asks of a running server, on this machine alone.
//!
//! [`metrics`] counts the events of the mail log and knows every metric by name, [`health`] decides whether the server is
//! ready, [`explain`] says what it would do with mail and why, [`queue`] shows the queue and takes orders about it, [`http`] answers
//! requests, [`socket`] is where they come in. Orders alone change anything, and `caller` says who may give them. Nothing waits for it: a listener that is off, slow or under attack costs mail nothing.

mod caller;
pub mod explain;
pub mod health;
pub mod http;
pub mod metrics;
pub mod queue;
pub mod socket;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::AdminSettings;
use crate::queue::QueueHandle;
use crate::signing::in_force::InForce;
use crate::signing::step::SigningStep;
use crate::spool::log::Condition;
use health::{Phase, Snapshot};
use metrics::Reading;
use socket::{Socket, SocketError};

/// Whom the listener asks about the server.
pub struct Sources {
    /// Who knows the policy and its keys.
    pub signing: Arc<SigningStep>,
    /// Who knows the queue.
    pub queue: QueueHandle,
    /// How far the server is.
    pub phase: watch::Receiver<Phase>,
    /// Whether messages can be stored.
    pub spool: watch::Receiver<Condition>,
    /// What time it is.
    pub clock: Clock,
}

/// A listener at work. Dropping it ends it and takes a socket file away.
#[derive(Debug)]
pub struct Admin {
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Admin {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Opens the listener at each of its addresses, if the settings name any.
///
/// # Errors
/// [`SocketError`] when its address cannot be had.
pub async fn start(
    settings: &AdminSettings,
    sources: Sources,
) -> Result<Option<Admin>, SocketError> {
    let mut sockets = Vec::new();
    for address in settings.listen.iter() {
        let socket = Socket::open(address).await?;
        tracing::info!(address = socket.name(), "admin_listening");
        sockets.push(socket);
    }
    if sockets.is_empty() {
        return Ok(None);
    }
    let read = (sources.signing.in_force(), sources.clock.instant());
    let (keys_read, age) = watch::channel(read);
    let noting = note_key_readings(sources.signing.changes(), keys_read, sources.clock.clone());
    let server = Arc::new(Server {
        sources,
        keys_read: age,
    });
    let mut tasks = vec![tokio::spawn(noting)];
    for socket in sockets {
        tasks.push(tokio::spawn(http::serve(socket, Arc::clone(&server))));
    }
    Ok(Some(Admin { tasks }))
}

/// What requests are answered from.
pub(crate) struct Server {
    sources: Sources,
    /// The keys in force, as far as that was noted, and when they were read.
    keys_read: watch::Receiver<KeysRead>,
}

impl Server {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let in_force = self.sources.signing.in_force();
        let faults = in_force.keyring.faults();
        Snapshot {
            phase: *self.sources.phase.borrow(),
            spool: *self.sources.spool.borrow(),
            mode: in_force.router.signing_mode(),
            draining: self.sources.queue.is_draining(),
            faults: faults
                .map(|(key, fault)| (key.clone(), fault.class))
                .collect(),
        }
    }

    pub(crate) fn queue(&self) -> &QueueHandle {
        &self.sources.queue
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.sources.clock.now()
    }

    pub(crate) fn instant(&self) -> Instant {
        self.sources.clock.instant()
    }

    pub(crate) fn in_force(&self) -> Arc<InForce> {
        self.sources.signing.in_force()
    }

    pub(crate) fn reading(&self) -> Reading {
        let clock = &self.sources.clock;
        let level = self.sources.queue.level();
        let age = |accepted| clock.now().duration_since(accepted).unwrap_or_default();
        let in_force = self.sources.signing.in_force();
        let (noted, read) = self.keys_read.borrow().clone();
        // Keys that are not noted yet were read this moment.
        let keyring_age = if Arc::ptr_eq(&noted, &in_force) {
            clock.instant().saturating_duration_since(read)
        } else {
            Duration::ZERO
        };
        Reading {
            queue: level,
            oldest: level.oldest.map(|id| age(id.time())).unwrap_or_default(),
            keyring_age,
            unusable: in_force
                .keyring
                .faults()
                .map(|(_, fault)| fault.class)
                .collect(),
            spool: *self.sources.spool.borrow(),
        }
    }
}

/// Whoever replaces what is in force has just read its keys.
async fn note_key_readings(
    mut changes: watch::Receiver<Arc<InForce>>,
    keys_read: watch::Sender<KeysRead>,
    clock: Clock,
) {
    while changes.changed().await.is_ok() {
        let in_force = changes.borrow_and_update().clone();
        keys_read.send_replace((in_force, clock.instant()));
    }
}

type KeysRead = (Arc<InForce>, Instant);
