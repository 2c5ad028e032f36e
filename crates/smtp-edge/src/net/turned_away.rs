//! Why a connection ends before a session begins.

/// The reasons, each with a label of the metrics and the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// As many connections are open as may be (`smtp.max_connections`).
    Full,
    /// The client has as many as it may have (`smtp.max_connections_per_client`).
    ClientFull,
    /// The client opens them too fast (`smtp.connection_rate`).
    ClientRate,
    /// The process has no file descriptor left.
    Descriptors,
    /// A proxy's PROXY header is missing, malformed or late.
    Proxy,
    /// The TLS handshake failed.
    Handshake,
    /// The client spoke another protocol than SMTP.
    OtherProtocol,
}

impl TurnedAway {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Full,
        Self::ClientFull,
        Self::ClientRate,
        Self::Descriptors,
        Self::Proxy,
        Self::Handshake,
        Self::OtherProtocol,
    ];

    /// Its name in the log and the metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ClientFull => "client_full",
            Self::ClientRate => "client_rate",
            Self::Descriptors => "descriptors",
            Self::Proxy => "proxy",
            Self::Handshake => "handshake",
            Self::OtherProtocol => "other_protocol",
        }
    }
}
