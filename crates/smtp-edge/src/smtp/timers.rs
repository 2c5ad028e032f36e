//! How long the server waits for a client (RFC 5321 §4.5.3.2).

use std::time::Duration;

/// The two waits of a session.
#[derive(Debug, Clone, Copy)]
pub struct Timers {
    /// For the next command: at least 5 minutes (§4.5.3.2.7).
    pub command: Duration,
    /// For the next octets of a message: at least 3 minutes (§4.5.3.2.5).
    pub data: Duration,
}
