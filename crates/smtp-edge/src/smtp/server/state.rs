//! The states of a session, each named for what it awaits.

use common_config::user_name::UserName;

use super::transaction::Transaction;
use crate::smtp::chunking::ChunkReader;
use crate::smtp::data::DataReader;
use crate::smtp::replies;
use crate::smtp::reply::Reply;
use crate::smtp::sasl::{Exchange, Mechanism, Scram};

/// What the session waits for.
pub(super) enum State {
    /// EHLO or HELO.
    AwaitingHello,
    /// MAIL.
    AwaitingMail,
    /// RCPT, or DATA or BDAT when there is a recipient.
    AwaitingRecipient(Transaction),
    /// The octets of the message, up to the dot.
    AwaitingData(Transaction, DataReader),
    /// BDAT: the message has begun, and its last chunk has not been announced.
    AwaitingChunk(Transaction, ChunkReader),
    /// The rest of the chunk that was announced.
    AwaitingOctets(Transaction, ChunkReader),
    /// The rest of a chunk that was refused, to be thrown away.
    AwaitingDiscard(Discard),
    /// RSET, or another MAIL: a chunk of this transaction was refused, and with it the message (RFC 3030 §2). Further
    /// chunks are told this.
    AwaitingReset(Reply),
    /// The client's next response of an AUTH exchange.
    AwaitingResponse(Exchange),
    /// The driver's answer to [`super::Event::Verifier`].
    AwaitingVerifier(Scram),
    /// The driver's answer to [`super::Event::CheckPassword`].
    AwaitingPassword(Mechanism, UserName),
    /// The end of the input that STARTTLS came in: nothing may stand behind it.
    StartingTls,
    /// The TLS handshake.
    AwaitingTls,
    /// The driver's verdict about a message.
    AwaitingVerdict,
    /// Nothing: the connection is to be closed once the output is sent.
    Closed,
}

/// What the client is to send next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A command, or a response within AUTH.
    Line,
    /// Octets of a message.
    Octets,
    /// BDAT.
    Chunk,
}

/// A chunk that was refused before its octets came.
pub(super) struct Discard {
    /// How many octets are still to come.
    pub(super) left: u64,
    /// What the client is told after them.
    pub(super) reply: Reply,
    /// What is awaited then.
    pub(super) then: Box<State>,
}

impl Discard {
    /// Takes octets of the chunk from the front of `input`, and returns how many.
    pub(super) fn take(&mut self, input: &[u8]) -> usize {
        let used = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(input.len());
        self.left -= used as u64;
        used
    }
}

impl State {
    /// After a chunk was refused for what the client did.
    pub(super) fn awaiting_reset() -> Self {
        Self::AwaitingReset(replies::bad_sequence("a chunk was refused, say RSET"))
    }

    /// What the client is to send next. While the driver is asked, that is a line.
    pub(super) fn next(&self) -> Next {
        match self {
            Self::AwaitingData(..) | Self::AwaitingOctets(..) | Self::AwaitingDiscard(_) => {
                Next::Octets
            }
            Self::AwaitingChunk(..) => Next::Chunk,
            Self::AwaitingHello
            | Self::AwaitingMail
            | Self::AwaitingRecipient(_)
            | Self::AwaitingReset(_)
            | Self::AwaitingResponse(_)
            | Self::AwaitingVerifier(_)
            | Self::AwaitingPassword(..)
            | Self::StartingTls
            | Self::AwaitingTls
            | Self::AwaitingVerdict
            | Self::Closed => Next::Line,
        }
    }

    /// Whether the client loses nothing when the session ends now.
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Self::AwaitingHello
            | Self::AwaitingMail
            | Self::AwaitingRecipient(_)
            | Self::AwaitingReset(_)
            | Self::AwaitingResponse(_)
            | Self::Closed => true,
            Self::AwaitingData(..)
            | Self::AwaitingChunk(..)
            | Self::AwaitingOctets(..)
            | Self::AwaitingDiscard(_)
            | Self::AwaitingVerifier(_)
            | Self::AwaitingPassword(..)
            | Self::StartingTls
            | Self::AwaitingTls
            | Self::AwaitingVerdict => false,
        }
    }

    /// The transaction that is open.
    pub(super) fn transaction(&self) -> Option<&Transaction> {
        match self {
            Self::AwaitingRecipient(transaction)
            | Self::AwaitingData(transaction, _)
            | Self::AwaitingChunk(transaction, _)
            | Self::AwaitingOctets(transaction, _) => Some(transaction),
            Self::AwaitingHello
            | Self::AwaitingMail
            | Self::AwaitingReset(_)
            | Self::AwaitingDiscard(_)
            | Self::AwaitingResponse(_)
            | Self::AwaitingVerifier(_)
            | Self::AwaitingPassword(..)
            | Self::StartingTls
            | Self::AwaitingTls
            | Self::AwaitingVerdict
            | Self::Closed => None,
        }
    }

    /// How many octets of a message are held.
    pub(super) fn held_octets(&self) -> usize {
        match self {
            Self::AwaitingData(_, reader) => reader.octets(),
            Self::AwaitingChunk(_, reader) | Self::AwaitingOctets(_, reader) => reader.octets(),
            Self::AwaitingHello
            | Self::AwaitingMail
            | Self::AwaitingRecipient(_)
            | Self::AwaitingReset(_)
            | Self::AwaitingDiscard(_)
            | Self::AwaitingResponse(_)
            | Self::AwaitingVerifier(_)
            | Self::AwaitingPassword(..)
            | Self::StartingTls
            | Self::AwaitingTls
            | Self::AwaitingVerdict
            | Self::Closed => 0,
        }
    }

    /// Its name, for Debug: what a state holds may be secret.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::AwaitingHello => "AwaitingHello",
            Self::AwaitingMail => "AwaitingMail",
            Self::AwaitingRecipient(_) => "AwaitingRecipient",
            Self::AwaitingData(..) => "AwaitingData",
            Self::AwaitingChunk(..) => "AwaitingChunk",
            Self::AwaitingOctets(..) => "AwaitingOctets",
            Self::AwaitingDiscard(_) => "AwaitingDiscard",
            Self::AwaitingReset(_) => "AwaitingReset",
            Self::AwaitingResponse(_) => "AwaitingResponse",
            Self::AwaitingVerifier(_) => "AwaitingVerifier",
            Self::AwaitingPassword(..) => "AwaitingPassword",
            Self::StartingTls => "StartingTls",
            Self::AwaitingTls => "AwaitingTls",
            Self::AwaitingVerdict => "AwaitingVerdict",
            Self::Closed => "Closed",
        }
    }
}
