//! Mail clients that are not ours, each told to send a message to the edge: swaks, curl, msmtp, Python's smtplib, and
//! Postfix.
//!
//! Where there is TLS they check the edge's certificate, swaks without its name, and Postfix as its settings say. One that
//! fails ends the test with what it said.

pub mod curl;
pub mod msmtp;
pub mod postfix;
pub mod smtp_source;
pub mod smtplib;
pub mod swaks;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::environment;
use crate::mock_mta::PATIENCE;

/// Who clients of these tests say they are, in EHLO.
const HELO: &str = "client.renovations.com";

/// How a client comes to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Clear,
    /// By STARTTLS, without which it sends nothing.
    StartTls,
    /// From the first octet.
    TlsFirst,
}

/// A user, and the mechanism to authenticate by.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// The SASL mechanism.
    pub mechanism: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a str,
}

/// What a client is told.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// Where the edge listens.
    pub edge: SocketAddr,
    /// How to come to TLS.
    pub security: Security,
    /// The authority for the edge's certificate.
    pub authority: &'a Path,
    /// As whom to authenticate.
    pub login: Option<Login<'a>>,
    /// The sender.
    pub from: &'a str,
    /// The recipient.
    pub to: &'a str,
    /// The message, with CRLF line ends and no dot doubled.
    pub message: &'a [u8],
}

/// Runs a line of a shell that names clients, in `folder`; they trust the certificate in `authority` as one of the machine's
/// own.
pub async fn shell(line: &str, folder: &Path, authority: &Path) -> String {
    let mut shell = Command::new("sh");
    let clients = environment::clients().join("bin");
    shell
        .args([
            "-e",
            "-c",
            &format!("PATH={}:$PATH; {line}", clients.display()),
        ])
        .env("SSL_CERT_FILE", authority) // of OpenSSL
        .env("CURL_CA_BUNDLE", authority)
        .current_dir(folder);
    run(shell, b"").await
}

/// A client that `cargo xtask clients` has installed.
fn program(name: &str) -> Command {
    Command::new(environment::clients().join("bin").join(name))
}

/// Runs a client to its end with `input`, and gives what it said.
///
/// # Panics
/// When it ends with another status than 0, or not in time.
async fn run(mut command: Command, input: &[u8]) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}: run `cargo xtask test`"));
    let mut stdin = child.stdin.take().expect("it is piped");
    let written = async {
        // One that ends without reading it says why, and with which status.
        let _ = stdin.write_all(input).await;
        drop(stdin);
    };
    let ended = tokio::time::timeout(PATIENCE, async {
        tokio::join!(written, child.wait_with_output()).1
    })
    .await;
    let output = ended
        .unwrap_or_else(|_| panic!("{command:?} does not end"))
        .expect("the child is ours");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{said}",
        output.status
    );
    said
}

/// The message as programs of Unix take it: lines end with LF.
fn unix(message: &[u8]) -> Vec<u8> {
    let octets = message.iter().copied();
    octets.filter(|octet| *octet != b'\r').collect()
}
