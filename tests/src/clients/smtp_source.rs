//! Postfix's smtp-source: many messages with one body, in sessions beside each other.

use std::net::SocketAddr;

use super::{HELO, program, run};

/// What it is told.
#[derive(Debug, Clone, Copy)]
pub struct Burst<'a> {
    /// The sender.
    pub from: &'a str,
    /// The recipient.
    pub to: &'a str,
    /// How many messages.
    pub messages: usize,
    /// Octets of each.
    pub length: usize,
    /// How many sessions at once.
    pub sessions: usize,
    /// What is sent in each.
    pub session: Session,
}

/// What is sent in one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// One message.
    Message,
    /// As many messages as there are.
    Messages,
}

/// Sends.
pub async fn send(edge: SocketAddr, burst: Burst<'_>) {
    let mut source = program("smtp-source");
    source
        .args(["-m", &burst.messages.to_string()])
        .args(["-l", &burst.length.to_string()])
        .args(["-s", &burst.sessions.to_string()])
        .args(["-M", HELO, "-f", burst.from, "-t", burst.to]);
    if burst.session == Session::Messages {
        source.arg("-d");
    }
    source.arg(format!("inet:{}:{}", edge.ip(), edge.port()));
    run(source, b"").await;
}
