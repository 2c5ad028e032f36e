//! A client's connection, in clear or under TLS, as one type.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// As it came.
    Clear(TcpStream),
    /// Under TLS. There is no way back.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Waits for octets and hands them to `take`: none at the client's orderly end.
    ///
    /// The buffer stands on the stack of whoever has octets to read, so that a silent connection has none.
    ///
    /// # Errors
    /// What the socket or TLS said. A TLS connection that ends without a close_notify is an error, too.
    pub async fn read(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        std::future::poll_fn(|context| {
            let mut octets = [MaybeUninit::uninit(); BUFFER];
            let mut buffer = ReadBuf::uninit(&mut octets);
            ready!(Pin::new(&mut *self).poll_read(context, &mut buffer))?;
            take(buffer.filled());
            Poll::Ready(Ok(()))
        })
        .await
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write(context, octets),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// Octets that are read at once.
const BUFFER: usize = 16 * 1024;
