//! Listening sockets: our own or systemd's, each with what is spoken on it first.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use router_config::Network;
use tokio::net::{TcpListener, TcpSocket};

use crate::config::ListenSettings;

/// Why no client can connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: see listen.addresses and listen.tls_addresses; ports below 1024 need systemd's socket \
         or CAP_NET_BIND_SERVICE"
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
    /// Everybody could say who they are.
    #[error(
        "an open relay: {setting} lets all or most addresses say who a client is, with {}: list only your own proxies",
        Listed(networks)
    )]
    OpenProxies {
        /// The setting.
        setting: &'static str,
        /// What is too much in it.
        networks: Vec<Network>,
    },
    /// Nothing to listen on.
    #[error("no address to listen on: set listen.addresses, or start by a systemd socket")]
    Nothing,
    /// No descriptor can be kept back.
    #[error("no file descriptor is left at the start: raise LimitNOFILE")]
    Reserve(#[source] io::Error),
}

impl ListenError {
    /// Whether the settings are at fault, so that starting again without a change would fail the same way.
    #[must_use]
    pub fn is_settings(&self) -> bool {
        match self {
            Self::OpenProxies { .. } => true,
            Self::Bind { .. } | Self::Passed { .. } | Self::Nothing | Self::Reserve(_) => false,
        }
    }
}

/// Networks, with commas between them.
struct Listed<'a>(&'a [Network]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks: Vec<String> = self.0.iter().map(Network::to_string).collect();
        f.write_str(&networks.join(", "))
    }
}

/// Sees that not everybody may say who they are: a claim to be in `router.relay_networks` would be enough to relay.
///
/// # Errors
/// [`ListenError::OpenProxies`].
pub fn check(settings: &ListenSettings) -> Result<(), ListenError> {
    let proxies = [
        ("listen.proxy_from", &settings.proxy_from),
        ("listen.xclient_from", &settings.xclient_from),
    ];
    for (setting, listed) in proxies {
        let networks = router_config::open_networks(listed);
        if !networks.is_empty() {
            return Err(ListenError::OpenProxies { setting, networks });
        }
    }
    Ok(())
}

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    pub socket: TcpListener,
    /// What its clients speak first.
    pub entrance: Entrance,
}

/// What the clients of a socket speak first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// SMTP in clear.
    Clear,
    /// TLS (RFC 8314 §3.3).
    Tls,
}

impl Entrance {
    /// That of a socket of this name; systemd's sockets have one (`FileDescriptorName=`).
    fn of_socket(name: &str) -> Self {
        if TLS_NAMES.contains(&name) {
            Self::Tls
        } else {
            Self::Clear
        }
    }

    /// Its name in the log.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Tls => "tls",
        }
    }
}

/// Opens the sockets: those that systemd passed, or else the addresses of the settings.
///
/// # Errors
/// [`ListenError`] for the first that cannot be opened.
pub async fn open(settings: &ListenSettings) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = passed()?;
    if listeners.is_empty() {
        let clear = settings.addresses.iter().map(|at| (at, Entrance::Clear));
        let tls = settings.tls_addresses.iter().map(|at| (at, Entrance::Tls));
        for (address, entrance) in clear.chain(tls) {
            let socket = bind(*address).map_err(|source| ListenError::Bind {
                address: *address,
                source,
            })?;
            listeners.push(Listener { socket, entrance });
        }
    }
    if listeners.is_empty() {
        Err(ListenError::Nothing)
    } else {
        Ok(listeners)
    }
}

/// Listens on an address that may have been in use until a moment ago.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Clients whose connections the kernel holds until they are taken; who comes when there are as many tries again after a second.
/// The kernel has a bound of its own (`net.core.somaxconn`, usually 4,096).
const BACKLOG: u32 = 1024;

fn passed() -> Result<Vec<Listener>, ListenError> {
    // Only the names are taken from here: descriptors that are mere numbers cannot be owned in safe code.
    let names: Vec<String> = sd_notify::listen_fds_with_names()
        .map(|sockets| sockets.map(|(_, name)| name).collect())
        .unwrap_or_default();
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for number in 0..passed.len() {
        let error = |source| ListenError::Passed { number, source };
        if let Some(socket) = passed.take_tcp_listener(number).map_err(error)? {
            socket.set_nonblocking(true).map_err(error)?;
            let name = names.get(number).map(String::as_str).unwrap_or_default();
            listeners.push(Listener {
                socket: TcpListener::from_std(socket).map_err(error)?,
                entrance: Entrance::of_socket(name),
            });
        }
    }
    Ok(listeners)
}

/// The names of sockets whose clients speak TLS first.
const TLS_NAMES: [&str; 2] = ["smtps", "submissions"];

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_crowd_waits_in_the_kernel_until_it_is_taken() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut crowd = Vec::new();
        for _ in 0..300 {
            crowd.push(TcpStream::connect(address).await.unwrap());
        }
    }
}
