//! Listening sockets: our own or systemd's, and the connections they bring, within a bound.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{self, Service};
use crate::signing::step::SigningStep;
use crate::smtp::replies;
use crate::smtp::server::{Client, Policy, Session, SessionSettings};

/// Why no client can connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: see listen.addresses; ports below 1024 need systemd's socket or CAP_NET_BIND_SERVICE"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A socket that systemd passed is not a listening TCP socket.
    #[error(
        "the socket number {number} that was passed by systemd is not a listening TCP socket: see the .socket unit"
    )]
    Passed {
        /// Counted from 0.
        number: usize,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// Nothing to listen on.
    #[error("no address to listen on: set listen.addresses, or start by a systemd socket")]
    Nothing,
}

/// Opens the sockets: those that systemd passed, or else the addresses of the settings.
///
/// # Errors
/// [`ListenError`] for the first that cannot be opened.
pub async fn open(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for number in 0..passed.len() {
        let error = |source| ListenError::Passed { number, source };
        if let Some(socket) = passed.take_tcp_listener(number).map_err(error)? {
            socket.set_nonblocking(true).map_err(error)?;
            listeners.push(TcpListener::from_std(socket).map_err(error)?);
        }
    }
    if listeners.is_empty() {
        for address in addresses {
            let listener = TcpListener::bind(address).await;
            listeners.push(listener.map_err(|source| ListenError::Bind {
                address: *address,
                source,
            })?);
        }
    }
    if listeners.is_empty() {
        Err(ListenError::Nothing)
    } else {
        Ok(listeners)
    }
}

/// Who may do what on a new connection, and how many there may be.
#[derive(Clone)]
pub struct Door {
    /// What sessions are told.
    pub settings: SessionSettings,
    /// What connections are served with.
    pub service: Service,
    /// One permit for each connection that may be open.
    pub room: Arc<Semaphore>,
}

/// Takes connections until the server stops.
pub async fn accept(listener: TcpListener, door: Door) {
    let mut stopping = door.service.stopping.clone();
    while !*stopping.borrow() {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => admit(stream, peer, &door),
                Err(error) => {
                    // Out of file descriptors, or a client that has gone already. The pause keeps the former from
                    // spinning until descriptors are free again.
                    tracing::error!(why = %error, "accept_failed");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            _ = stopping.changed() => {}
        }
    }
}

fn admit(stream: TcpStream, peer: SocketAddr, door: &Door) {
    let Ok(permit) = Arc::clone(&door.room).try_acquire_owned() else {
        let hostname = door.settings.hostname.clone();
        tracing::warn!(client = %peer.ip(), "too_many_connections");
        tokio::spawn(async move { turn_away(stream, &hostname).await });
        return;
    };
    let signing = Arc::clone(&door.service.intake.signing);
    // A reload may have changed the postmaster, and the store its users.
    let settings = SessionSettings {
        postmaster: signing.in_force().postmaster.clone(),
        auth: door.service.users.are_there(),
        ..door.settings.clone()
    };
    let policy = Arc::new(PolicyInForce(signing));
    let session = Session::new(Arc::new(settings), Client::direct(peer.ip()), policy);
    // Replies are small and each is waited for; without this the kernel would hold them back. A socket that refuses is
    // merely slower.
    let _ = stream.set_nodelay(true);
    tokio::spawn(serve(stream, peer, session, door.service.clone(), permit));
}

/// The policy as it is at the moment of the question.
struct PolicyInForce(Arc<SigningStep>);

impl Policy for PolicyInForce {
    fn may_relay(&self, client: &Client) -> bool {
        self.0.in_force().router.may_relay(&client.proved())
    }

    fn may_begin(&self, _: &Client) -> bool {
        true
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    session: Session,
    service: Service,
    permit: OwnedSemaphorePermit,
) {
    if let Err(error) = connection::serve(stream, session, service).await {
        tracing::debug!(client = %peer.ip(), why = %error, "connection_lost");
    }
    drop(permit);
}

async fn turn_away(mut stream: TcpStream, hostname: &str) {
    let mut output = Vec::new();
    replies::too_many_connections(hostname).encode(&mut output);
    let told = async {
        stream.write_all(&output).await?;
        stream.shutdown().await
    };
    // A client that does not read its refusal is of no concern.
    let _ = tokio::time::timeout(PAUSE, told).await;
}

const PAUSE: Duration = Duration::from_millis(100);
