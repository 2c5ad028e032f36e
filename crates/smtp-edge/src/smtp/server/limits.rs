//! The limits of a session, and what has been counted towards them.

/// How much one session may ask for.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest message, in octets.
    pub message_size: usize,
    /// Recipients of one message.
    pub recipients: usize,
    /// MAIL commands, whether they succeed or not (RFC 9422 `MAILMAX`).
    pub messages: u32,
    /// Octets of a command line with its CRLF. AUTH has [`crate::smtp::line::MAX_AUTH_LINE`].
    pub line_length: usize,
    /// Refused commands, of whatever kind.
    pub errors: u32,
    /// Commands since the last message that bring none nearer: NOOP, RSET, VRFY, HELP, EHLO and the like.
    pub idle_commands: u32,
    /// Lines whose verb is none of SMTP's.
    pub unrecognized: u32,
    /// AUTH commands that failed.
    pub auth_failures: u32,
    /// Octets read only to be thrown away: refused chunks, and what is over `message_size`.
    pub discarded: u64,
}

/// A limit that ends the session when it is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::messages`].
    Messages,
    /// [`Limits::errors`].
    Errors,
    /// [`Limits::idle_commands`].
    IdleCommands,
    /// [`Limits::unrecognized`].
    Unrecognized,
    /// [`Limits::auth_failures`].
    AuthFailures,
    /// [`Limits::discarded`].
    Discarded,
}

impl Limit {
    /// The setting that moves it.
    #[must_use]
    pub fn setting(self) -> &'static str {
        match self {
            Self::Messages => "smtp.max_messages",
            Self::Errors => "smtp.max_errors",
            Self::IdleCommands => "smtp.max_idle_commands",
            Self::Unrecognized => "smtp.max_unrecognized",
            Self::AuthFailures => "smtp.max_auth_failures",
            Self::Discarded => "smtp.max_discarded",
        }
    }
}

/// What a session has done so far. TLS, AUTH and XCLIENT reset none of it: it belongs to the connection.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) messages: u32,
    pub(super) errors: u32,
    pub(super) idle_commands: u32,
    pub(super) unrecognized: u32,
    pub(super) auth_failures: u32,
    pub(super) discarded: u64,
    /// Messages whose content has begun; no limit.
    pub(super) contents: u64,
}

impl Counters {
    /// The limit that refusals have reached, if one has. [`Limit::Messages`] and [`Limit::IdleCommands`] count commands that
    /// are obeyed, and are looked at where those are.
    pub(super) fn reached(&self, limits: &Limits) -> Option<Limit> {
        let reached = [
            (self.discarded > limits.discarded, Limit::Discarded),
            (
                self.auth_failures >= limits.auth_failures,
                Limit::AuthFailures,
            ),
            (
                self.unrecognized >= limits.unrecognized,
                Limit::Unrecognized,
            ),
            (self.errors >= limits.errors, Limit::Errors),
        ];
        reached
            .into_iter()
            .find_map(|(reached, limit)| reached.then_some(limit))
    }
}
