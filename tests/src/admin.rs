//! Monitoring: a client of the admin listener in plain octets, and the metrics as Prometheus's own parser reads them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::Command;

use crate::edge::Edge;
use crate::environment;
use crate::log::field;
use crate::mock_mta::PATIENCE;

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code; 0 when the connection was closed without an answer.
    pub status: u16,
    /// The header as it came.
    pub header: String,
    /// The body.
    pub body: String,
}

impl Answer {
    fn read(octets: &[u8]) -> Self {
        let text = String::from_utf8_lossy(octets);
        let (header, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = header.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.unwrap_or_default(),
            header: header.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }
}

/// The loopback address of the edge's admin listener, by its log.
pub async fn address(edge: &Edge) -> SocketAddr {
    let event = edge.log.event("admin_listening", &[]).await;
    field(&event, "address").parse().expect("an address")
}

/// Asks for a path on a loopback address.
pub async fn get(address: SocketAddr, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    send(address, request.as_bytes()).await
}

/// Asks for a path on a socket file.
pub async fn get_unix(file: &Path, path: &str) -> Answer {
    let stream = UnixStream::connect(file).await.expect("the edge listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: edge\r\n\r\n");
    converse(stream, request.as_bytes()).await
}

/// Sends octets as they are, and gives what comes until the edge closes.
///
/// # Panics
/// When it does not close in time.
pub async fn send(address: SocketAddr, octets: &[u8]) -> Answer {
    let stream = TcpStream::connect(address).await.expect("the edge listens");
    converse(stream, octets).await
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, octets: &[u8]) -> Answer {
    let mut answer = Vec::new();
    let conversation = async {
        // The edge may refuse before it has read everything; what it said is read all the same.
        let _ = stream.write_all(octets).await;
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    };
    let ended = tokio::time::timeout(PATIENCE, conversation).await;
    assert!(ended.is_ok(), "the edge keeps an admin connection open");
    Answer::read(&answer)
}

/// The samples of `/metrics`, as Prometheus's client library for Python parses them.
#[derive(Debug)]
pub struct Metrics(Vec<Sample>);

#[derive(Debug, Deserialize)]
struct Sample {
    kind: String,
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Metrics {
    /// Asks for them, and requires that the parser takes the whole page.
    pub async fn read(address: SocketAddr) -> Self {
        let answer = get(address, "/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.header);
        assert!(
            answer
                .header
                .contains("content-type: text/plain; version=0.0.4"),
            "{}",
            answer.header
        );
        let page = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(page.path(), &answer.body).expect("a temporary file");
        let output = Command::new(environment::judges().join("venv/bin/python"))
            .arg("-I")
            .arg(environment::script("metrics.py"))
            .arg(page.path())
            .output()
            .await
            .expect("the judges are installed: run `cargo xtask test`");
        assert!(
            output.status.success(),
            "the parser refuses the page: {}\n{}",
            String::from_utf8_lossy(&output.stderr),
            answer.body
        );
        Self(serde_json::from_slice(&output.stdout).expect("the script prints JSON"))
    }

    /// The value of the one sample with that name and exactly these labels.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: BTreeMap<String, String> = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let found: Vec<f64> = self
            .0
            .iter()
            .filter(|sample| sample.name == name && sample.labels == wanted)
            .map(|sample| sample.value)
            .collect();
        match found[..] {
            [value] => value,
            _ => panic!("{name} {labels:?} is there {} times: {self:?}", found.len()),
        }
    }

    /// The names of the samples of a kind.
    #[must_use]
    pub fn names(&self, kind: &str) -> Vec<&str> {
        let samples = self.0.iter().filter(|sample| sample.kind == kind);
        samples.map(|sample| sample.name.as_str()).collect()
    }
}
