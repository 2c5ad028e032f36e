//! TLS for clients: the certificate in force, and the handshake.
//!
//! [`files`] reads and checks what the settings name, `client_certificate` accepts whoever proves to hold a
//! certificate, [`watch`] sees files change. Nothing here trusts anybody: what the handshake has shown is handed on as
//! facts. There are no session tickets and no session cache, so that nothing outlives a connection and a certificate
//! that is exchanged is gone.

mod client_certificate;
pub mod files;
pub mod watch;

use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{CommonState, ProtocolVersion};
use tokio_rustls::server::TlsStream;

use self::files::{Acceptor, Stamps, TlsError, TlsFiles};
use crate::clock::Clock;
use crate::smtp::server::{Handshake, TlsFacts, TlsVersion};

/// What is spoken under TLS now, if anything; exchanged when files or settings change.
pub struct Tls {
    clock: Clock,
    current: RwLock<Option<Arc<Acceptor>>>,
    source: Mutex<Source>,
}

/// Where the certificate in force comes from.
#[derive(Debug, Default)]
struct Source {
    files: Option<TlsFiles>,
    /// The files as they were when they were read.
    read: Stamps,
    /// As they were when they were looked at last.
    seen: Stamps,
    /// Whether there is a socket on which nothing but TLS is spoken.
    needed: bool,
}

/// A certificate that has been read and can be put in force.
pub struct Prepared {
    files: Option<TlsFiles>,
    stamps: Stamps,
    acceptor: Option<Arc<Acceptor>>,
}

/// Why a handshake came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The settings name no certificate any more.
    #[error("no certificate is in force")]
    Off,
    /// It took too long.
    #[error("the TLS handshake took too long")]
    Late,
    /// There is no time for it.
    #[error("the server stops")]
    Stopping,
    /// The client or its connection failed.
    #[error("the TLS handshake failed")]
    Failed(#[source] io::Error),
}

impl Tls {
    /// With this in force.
    #[must_use]
    pub fn new(prepared: Prepared, clock: Clock) -> Self {
        let tls = Self {
            clock,
            current: RwLock::default(),
            source: Mutex::default(),
        };
        tls.put(prepared);
        tls
    }

    /// Reads what the settings name; nothing is in force by it. `None` is no TLS.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn prepare(files: Option<TlsFiles>) -> Result<Prepared, TlsError> {
        // Taken first: what changes while it is read is seen as a change afterwards.
        let stamps = files.as_ref().map(TlsFiles::stamps).unwrap_or_default();
        let acceptor = files.as_ref().map(TlsFiles::read).transpose()?;
        Ok(Prepared {
            files,
            stamps,
            acceptor: acceptor.map(Arc::new),
        })
    }

    /// Puts it in force for the handshakes from now on.
    pub fn put(&self, prepared: Prepared) {
        let mut source = self.source();
        source.files = prepared.files;
        source.read = prepared.stamps.clone();
        source.seen = prepared.stamps;
        self.exchange(prepared.acceptor);
    }

    /// Notes that there is a socket on which nothing but TLS is spoken.
    ///
    /// # Errors
    /// [`TlsError::Needed`] when no certificate is in force.
    pub fn need(&self) -> Result<(), TlsError> {
        self.source().needed = true;
        if self.is_on() {
            Ok(())
        } else {
            Err(TlsError::Needed)
        }
    }

    /// Whether what was prepared may be put in force.
    ///
    /// # Errors
    /// [`TlsError::Needed`] when it would end TLS where nothing else is spoken.
    pub fn allows(&self, prepared: &Prepared) -> Result<(), TlsError> {
        if prepared.acceptor.is_none() && self.source().needed {
            Err(TlsError::Needed)
        } else {
            Ok(())
        }
    }

    /// Whether there is a certificate to do a handshake with.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.current().is_some()
    }

    /// Does the handshake with a client within `time`.
    ///
    /// # Errors
    /// [`HandshakeError`]; the connection is of no more use.
    pub async fn handshake(
        &self,
        stream: TcpStream,
        time: Duration,
    ) -> Result<(TlsStream<TcpStream>, Handshake), HandshakeError> {
        let acceptor = self.current().ok_or(HandshakeError::Off)?;
        let accepting =
            TlsAcceptor::from(Arc::clone(&acceptor.config)).accept_with(stream, |connection| {
                connection.set_buffer_limit(Some(SEND_BUFFER));
            });
        let stream = tokio::time::timeout(time, accepting)
            .await
            .map_err(|_| HandshakeError::Late)?
            .map_err(HandshakeError::Failed)?;
        let (_, connection) = stream.get_ref();
        let handshake = Handshake {
            facts: facts(connection),
            certificate: acceptor.client_certificate(connection, self.clock.now()),
        };
        Ok((stream, handshake))
    }

    fn current(&self) -> Option<Arc<Acceptor>> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn exchange(&self, acceptor: Option<Arc<Acceptor>>) {
        let current = self.current.write();
        *current.unwrap_or_else(PoisonError::into_inner) = acceptor;
    }

    fn source(&self) -> std::sync::MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn facts(connection: &CommonState) -> TlsFacts {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
        // No other is offered, and there is one after a handshake.
        _ => TlsVersion::Tls13,
    };
    let suite = connection.negotiated_cipher_suite();
    let cipher = suite.and_then(|suite| suite.suite().as_str());
    TlsFacts {
        version,
        cipher: cipher.unwrap_or("unknown").into(),
    }
}

/// Octets that wait for the client to take them.
const SEND_BUFFER: usize = 16 * 1024;

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
