//! A mail exchanger that behaves as a test tells it to, and keeps what it was given byte for byte.
//!
//! It speaks real SMTP on a real socket. [`Behaviour`] says what it answers at each stage and which extensions it has;
//! it can be changed while connections are open, and holds from the next command on. Nothing in it sleeps: slowness is
//! a [`Gate`] that the test opens.

mod arrived;
mod behaviour;
mod session;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use arrived::{Arrived, Recipient};
pub use behaviour::{Behaviour, Extensions, Gate, StartTls, Step};

/// How long a test waits for something that must happen. Reached only by a test that fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running mock mail exchanger; it ends when it is dropped.
#[derive(Debug)]
pub struct MockMta {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
}

impl MockMta {
    /// Listens on `address`; port 0 lets the system choose.
    ///
    /// # Errors
    /// What the system says when the address cannot be had.
    pub async fn listen(address: SocketAddr, behaviour: Behaviour) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            arrived: watch::Sender::new(Vec::new()),
            transcripts: watch::Sender::new(Vec::new()),
            tls: tls::acceptor(),
        });
        let acceptor = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            acceptor,
        })
    }

    /// Listens on `ip`, on a port that the system chooses, and accepts everything.
    pub async fn on(ip: impl Into<IpAddr>) -> Self {
        Self::listen(SocketAddr::new(ip.into(), 0), Behaviour::default())
            .await
            .expect("a loopback address and a free port")
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does from the next command on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().expect("no holder panics") = behaviour;
    }

    /// Everything that arrived so far, in order.
    #[must_use]
    pub fn arrived(&self) -> Vec<Arc<Arrived>> {
        self.shared.arrived.borrow().clone()
    }

    /// Everything that arrives, as it comes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Vec<Arc<Arrived>>> {
        self.shared.arrived.subscribe()
    }

    /// Waits for the `count`th arrival (the first is 1) and gives it.
    pub async fn arrival(&self, count: usize) -> Arc<Arrived> {
        self.arrivals(count).await[count - 1].clone()
    }

    /// Waits for the `count`th arrival however long it takes.
    pub async fn next_arrival(&self, count: usize) -> Arc<Arrived> {
        let mut watch = self.shared.arrived.subscribe();
        let all = watch.wait_for(|all| all.len() >= count).await;
        all.expect("the sender lives as long as this")[count - 1].clone()
    }

    /// Waits until `count` messages have arrived, and gives all.
    pub async fn arrivals(&self, count: usize) -> Vec<Arc<Arrived>> {
        let mut watch = self.shared.arrived.subscribe();
        let waited = tokio::time::timeout(PATIENCE, watch.wait_for(|all| all.len() >= count)).await;
        match waited {
            Ok(all) => all.expect("the sender lives as long as this").clone(),
            Err(_) => panic!(
                "{}: only {} of {count} messages arrived; sessions: {:#?}",
                self.address,
                self.arrived().len(),
                self.transcripts()
            ),
        }
    }

    /// What each connection said so far: its command lines, without the data.
    #[must_use]
    pub fn transcripts(&self) -> Vec<Vec<String>> {
        self.shared.transcripts.borrow().clone()
    }

    /// Waits until `count` connections have been opened.
    pub async fn connections(&self, count: usize) {
        let mut watch = self.shared.transcripts.subscribe();
        let waited = tokio::time::timeout(PATIENCE, watch.wait_for(|all| all.len() >= count)).await;
        assert!(
            waited.is_ok(),
            "{}: fewer than {count} connections came",
            self.address
        );
    }
}

impl Drop for MockMta {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// What the sessions of one exchanger have in common.
pub(crate) struct Shared {
    behaviour: Mutex<Behaviour>,
    arrived: watch::Sender<Vec<Arc<Arrived>>>,
    transcripts: watch::Sender<Vec<Vec<String>>>,
    tls: tokio_rustls::TlsAcceptor,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    fn behaviour(&self) -> Behaviour {
        self.behaviour.lock().expect("no holder panics").clone()
    }

    fn keep(&self, arrived: Arrived) {
        self.arrived.send_modify(|all| all.push(Arc::new(arrived)));
    }

    fn begin_transcript(&self) -> usize {
        let mut index = 0;
        self.transcripts.send_modify(|all| {
            index = all.len();
            all.push(Vec::new());
        });
        index
    }

    fn note(&self, session: usize, line: &str) {
        self.transcripts
            .send_modify(|all| all[session].push(line.to_owned()));
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut sessions = tokio::task::JoinSet::new();
    while let Ok((stream, client)) = listener.accept().await {
        sessions.spawn(session::run(stream, client, Arc::clone(&shared)));
        while sessions.try_join_next().is_some() {}
    }
}
