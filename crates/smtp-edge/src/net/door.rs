//! The door: takes connections from the listening sockets, learns who the client is, and lets it in or turns it away.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use router_config::Network;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::admission::{Admission, Guest, Refusal};
use super::connection::{Connection, Service};
use super::descriptors::{self, Reserve};
use super::listener::{Entrance, Listener};
use super::proxy_protocol::{self, Claim, HeaderError};
use super::stream::Stream;
use super::turned_away::TurnedAway;
use crate::admin::metrics::counters;
use crate::mail_log;
use crate::queue::QueueHandle;
use crate::signing::step::SigningStep;
use crate::smtp::replies;
use crate::smtp::reply::Reply;
use crate::smtp::server::{Client, Policy, Session, SessionSettings};

/// Who may do what on a new connection, and how many there may be.
pub struct Door {
    /// What sessions are told.
    pub settings: SessionSettings,
    /// What connections are served with.
    pub service: Service,
    /// One permit for each connection that may be open.
    pub room: Arc<Semaphore>,
    /// The limits of each client.
    pub admission: Arc<Admission>,
    /// Whose connections begin with a PROXY header.
    pub proxies: Vec<Network>,
    /// The descriptor that is kept back.
    pub reserve: Reserve,
}

/// Takes connections until the server stops.
pub async fn accept(listener: Listener, door: Arc<Door>) {
    let mut stopping = door.service.stopping.clone();
    while !*stopping.borrow() {
        tokio::select! {
            accepted = listener.socket.accept() => match accepted {
                Ok((stream, peer)) => admit(stream, peer, listener.entrance, &door),
                Err(error) if descriptors::are_exhausted(&error) => {
                    turn_one_away(&listener, &door, &error).await;
                }
                Err(error) => {
                    // A client that has gone already, or the system is in want of something.
                    tracing::error!(why = %error, "accept_failed");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            _ = stopping.changed() => {}
        }
    }
}

/// Answers the client that no descriptor is left for with the one that was kept back. The next one is taken, or turned
/// away, when the listener is asked again; only where not even this one can be had is there a pause, which keeps the
/// listener from spinning.
async fn turn_one_away(listener: &Listener, door: &Door, error: &io::Error) {
    if door.reserve.give_up()
        && let Ok(Ok((stream, peer))) = tokio::time::timeout(PAUSE, listener.socket.accept()).await
    {
        let reply = replies::too_many_connections(&door.settings.hostname);
        mail_log::turned_away(peer.ip().to_canonical(), TurnedAway::Descriptors, None);
        turn_away(stream, listener.entrance, reply).await;
    }
    if !door.reserve.refill() {
        tracing::error!(why = %error, "accept_failed");
        tokio::time::sleep(PAUSE).await;
    }
}

fn admit(stream: TcpStream, peer: SocketAddr, entrance: Entrance, door: &Arc<Door>) {
    let Ok(permit) = Arc::clone(&door.room).try_acquire_owned() else {
        let reply = replies::too_many_connections(&door.settings.hostname);
        mail_log::turned_away(peer.ip().to_canonical(), TurnedAway::Full, None);
        tokio::spawn(turn_away(stream, entrance, reply));
        return;
    };
    // Replies are small and each is waited for; without this the kernel would hold them back. A socket that refuses is
    // merely slower.
    let _ = stream.set_nodelay(true);
    tokio::spawn(receive(stream, peer, entrance, Arc::clone(door), permit));
}

/// One connection from its first octet to its last.
async fn receive(
    mut stream: TcpStream,
    peer: SocketAddr,
    entrance: Entrance,
    door: Arc<Door>,
    permit: OwnedSemaphorePermit,
) {
    let peer = peer.ip().to_canonical();
    // Boxed, as all steps are that are over soon: what they need is free again while the connection lasts.
    let calling = Box::pin(caller(&mut stream, peer, &door));
    let caller = match door.service.unless_stopping(calling).await {
        None => return,
        Some(Ok(caller)) => caller,
        Some(Err(error)) => return mail_log::turned_away(peer, TurnedAway::Proxy, Some(&error)),
    };
    let guest = match door.admission.enter(caller.address) {
        Ok(guest) => guest,
        Err(refusal) => {
            let (reason, reply) = refused(refusal, &door.settings.hostname);
            mail_log::turned_away(caller.address, reason, None);
            return Box::pin(turn_away(stream, entrance, reply)).await;
        }
    };
    let counted = Counted::new();
    serve(stream, caller.client, entrance, guest, &door).await;
    drop((counted, permit));
}

/// Who is at the other end of a connection.
struct Caller {
    /// Whose limits hold.
    address: IpAddr,
    /// Whom the session knows.
    client: Client,
}

async fn caller(stream: &mut TcpStream, peer: IpAddr, door: &Door) -> Result<Caller, HeaderError> {
    if !door.proxies.iter().any(|network| network.contains(peer)) {
        return Ok(Caller {
            address: peer,
            client: Client::direct(peer),
        });
    }
    let time = HEADER.min(door.service.timers.command);
    Ok(match proxy_protocol::read(stream, time).await? {
        Claim::Client(address) => Caller {
            address,
            client: Client::forwarded(address),
        },
        // The proxy's own connections count as its own, and are trusted with nothing.
        Claim::Nobody => Caller {
            address: peer,
            client: Client::forwarded(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        },
    })
}

async fn serve(stream: TcpStream, client: Client, entrance: Entrance, guest: Guest, door: &Door) {
    let address = client.address;
    let (stream, client) = match entrance {
        Entrance::Clear => (Stream::Clear(stream), client),
        Entrance::Tls => match Box::pin(door.service.handshake(stream)).await {
            Ok((stream, handshake)) => (stream, client.with_tls(handshake)),
            Err(error) => {
                return mail_log::turned_away(address, TurnedAway::Handshake, Some(&error));
            }
        },
    };
    // A reload may have changed the postmaster and the certificate, and the store its users.
    let signing = Arc::clone(&door.service.intake.signing);
    let settings = SessionSettings {
        postmaster: signing.in_force().postmaster.clone(),
        starttls: door.service.tls.is_on(),
        auth: door.service.users.are_there(),
        ..door.settings.clone()
    };
    let share = guest.share();
    let queue = door.service.intake.queue.clone();
    let rights = Arc::new(Rights {
        signing,
        guest,
        queue,
    });
    let session = Session::new(Arc::new(settings), client, rights);
    let connection = Connection::new(stream, session, share, &door.service);
    if let Err(error) = connection.serve().await {
        tracing::debug!(client = %address, why = %error, "connection_lost");
    }
}

/// What a guest may do: as the settings have it at the moment of the question, and as fast as it may.
struct Rights {
    signing: Arc<SigningStep>,
    guest: Guest,
    queue: QueueHandle,
}

impl Policy for Rights {
    fn may_relay(&self, client: &Client) -> bool {
        self.signing.in_force().router.may_relay(&client.proved())
    }

    fn takes_mail(&self) -> bool {
        !self.queue.is_draining()
    }

    fn may_begin(&self, _: &Client) -> bool {
        self.guest.may_send()
    }
}

/// A connection that is counted as long as this lives.
struct Counted;

impl Counted {
    fn new() -> Self {
        counters().connection_opened();
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        counters().connection_closed();
    }
}

fn refused(refusal: Refusal, hostname: &str) -> (TurnedAway, Reply) {
    match refusal {
        Refusal::Connections => (
            TurnedAway::ClientFull,
            replies::too_many_from_client(hostname),
        ),
        Refusal::Rate => (TurnedAway::ClientRate, replies::too_fast(hostname)),
    }
}

/// Tells the client why, and closes. Under TLS it is only closed: a handshake is more than it should cost.
async fn turn_away(mut stream: TcpStream, entrance: Entrance, reply: Reply) {
    match entrance {
        Entrance::Clear => {}
        Entrance::Tls => return,
    }
    let mut output = Vec::new();
    reply.encode(&mut output);
    let told = async {
        stream.write_all(&output).await?;
        stream.shutdown().await
    };
    // A client that does not read its refusal is of no concern.
    let _ = tokio::time::timeout(PAUSE, told).await;
}

/// The longest that a proxy may take for its header, which it sends at once.
const HEADER: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
