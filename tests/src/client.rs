//! Clients of the edge: mail-send for ordinary mail, and a plain socket where every byte counts.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mail_send::SmtpClientBuilder;
use mail_send::smtp::message::Message;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::mock_mta::PATIENCE;
use crate::tls::{ClientTls, Transport};

/// Sends a message with mail-send, requires success, and gives the queue id of the reply.
pub async fn submit(edge: SocketAddr, from: &str, to: &[&str], message: &[u8]) -> String {
    try_submit(edge, from, to, message)
        .await
        .unwrap_or_else(|error| panic!("the edge refuses the message: {error}"))
}

/// Sends a message with mail-send, and gives the queue id or the refusal.
///
/// # Errors
/// What mail-send makes of the edge's reply.
pub async fn try_submit(
    edge: SocketAddr,
    from: &str,
    to: &[&str],
    message: &[u8],
) -> mail_send::Result<String> {
    let builder = SmtpClientBuilder::new_with_tls_connector(
        edge.ip().to_string(),
        edge.port(),
        trusting_nobody(),
    )
    .helo_host("client.renovations.com")
    .timeout(PATIENCE);
    let mut client = builder.connect_plain().await?;
    // mail-send ends the data with a CRLF of its own.
    let body = message.strip_suffix(b"\r\n").unwrap_or(message);
    let to: Vec<String> = to.iter().map(|&to| to.to_owned()).collect();
    let reply = client.send(Message::new(from.to_owned(), to, body)).await?;
    client.quit().await?;
    Ok(reply
        .message
        .rsplit(' ')
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned())
}

/// Sends `data` to one recipient byte for byte, with the line of the dot behind it, and gives the reply to it.
pub async fn submit_bytes(edge: SocketAddr, from: &str, to: &str, data: &[u8]) -> Reply {
    let mut client = RawClient::connect(edge).await;
    client.begin_data(from, to).await;
    client.write(data).await;
    client.write(b".\r\n").await;
    let reply = client.reply().await;
    client.expect("QUIT", 221).await;
    reply
}

/// These connections are in clear; mail-send asks for a connector all the same.
fn trusting_nobody() -> TlsConnector {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// A connection on which bytes go out as they are given, and when they are: Nagle's algorithm is off.
#[derive(Debug)]
pub struct RawClient {
    stream: BufReader<Transport>,
}

/// A reply of the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The text of each line.
    pub lines: Vec<String>,
}

impl Reply {
    /// The last line's text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.lines.last().map(String::as_str).unwrap_or_default()
    }
}

impl RawClient {
    /// Connects and requires the greeting.
    pub async fn connect(edge: SocketAddr) -> Self {
        let mut client = Self::open(edge).await;
        assert_eq!(client.reply().await.code, 220);
        client
    }

    /// Connects from another address of this machine, and requires the greeting.
    pub async fn connect_from(source: IpAddr, edge: SocketAddr) -> Self {
        let mut client = Self::open_from(source, edge).await;
        assert_eq!(client.reply().await.code, 220);
        client
    }

    /// Connects from another address of this machine without reading anything.
    pub async fn open_from(source: IpAddr, edge: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("the system has sockets");
        let bound = socket.bind(SocketAddr::new(source, 0));
        bound.expect("all of 127.0.0.0/8 is this machine");
        let stream = socket.connect(edge).await.expect("the edge listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self::over(Transport::Clear(stream))
    }

    /// Connects without reading anything.
    pub async fn open(edge: SocketAddr) -> Self {
        let stream = TcpStream::connect(edge).await.expect("the edge listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self::over(Transport::Clear(stream))
    }

    /// A client on a connection that is there already.
    #[must_use]
    pub fn over(stream: Transport) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Connects where TLS comes first, and requires the greeting.
    pub async fn connect_tls(edge: SocketAddr, tls: ClientTls) -> Self {
        let mut client = Self::open(edge).await.handshake(tls).await;
        assert_eq!(client.reply().await.code, 220);
        client
    }

    /// From EHLO to an encrypted connection.
    pub async fn start_tls(mut self, tls: ClientTls) -> Self {
        self.expect("EHLO client.renovations.com", 250).await;
        self.expect("STARTTLS", 220).await;
        self.handshake(tls).await
    }

    /// Does a handshake on the connection as it is.
    pub async fn handshake(self, tls: ClientTls) -> Self {
        let stream = tls.connect(self.into_transport().into_clear()).await;
        let stream = stream.expect("the edge does the handshake");
        Self::over(Transport::Tls(Box::new(stream)))
    }

    /// The connection; nothing of the edge's is left unread.
    #[must_use]
    pub fn into_transport(self) -> Transport {
        assert!(self.stream.buffer().is_empty(), "unread replies");
        self.stream.into_inner()
    }

    /// Writes bytes.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the edge reads");
        self.stream.flush().await.expect("the edge reads");
    }

    /// Reads a whole reply.
    pub async fn reply(&mut self) -> Reply {
        self.next_reply()
            .await
            .expect("a reply, not the end of the connection")
    }

    /// Reads a whole reply, or finds the connection closed.
    pub async fn next_reply(&mut self) -> Option<Reply> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = tokio::time::timeout(PATIENCE, self.stream.read_line(&mut line))
                .await
                .expect("a reply in time");
            if !matches!(read, Ok(count) if count > 0) {
                return None;
            }
            assert!(
                line.ends_with("\r\n"),
                "a reply line ends in CRLF: {line:?}"
            );
            let code = line[..3]
                .parse()
                .unwrap_or_else(|_| panic!("not a reply: {line:?}"));
            let last = line.as_bytes()[3] == b' ';
            lines.push(line[4..].trim_end().to_owned());
            if last {
                return Some(Reply { code, lines });
            }
        }
    }

    /// Sends a command line and reads the reply.
    pub async fn command(&mut self, line: &str) -> Reply {
        self.write(format!("{line}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Sends a command line and requires this code.
    pub async fn expect(&mut self, line: &str, code: u16) -> Reply {
        let reply = self.command(line).await;
        assert_eq!(reply.code, code, "{line}: {reply:?}");
        reply
    }

    /// From EHLO to the 354, for one recipient.
    pub async fn begin_data(&mut self, from: &str, to: &str) {
        self.expect("EHLO client.renovations.com", 250).await;
        self.expect(&format!("MAIL FROM:<{from}> BODY=8BITMIME"), 250)
            .await;
        self.expect(&format!("RCPT TO:<{to}>"), 250).await;
        self.expect("DATA", 354).await;
    }
}
