//! What the spool keeps of a message: its envelope, the headers we put before it, its bytes, and how far it has come.

use std::time::SystemTime;

use common_config::net::HostPort;
use dkim_core::BodyHashes;
use memchr::memmem;

use crate::envelope::Envelope;
use crate::ids::QueueId;
use crate::signing::state::Signings;

/// A message as it is accepted. Nothing in it changes afterwards; what changes is its [`MessageState`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Its name.
    pub id: QueueId,
    /// Who sent it and who is to have it.
    pub envelope: Envelope,
    /// Header fields that we added on acceptance (Received, a missing Date or Message-ID), each ended by CRLF. They
    /// stand before `content` on every copy.
    pub trace: Vec<u8>,
    /// The message from its first header field to its last line; every line ends in CRLF, nothing is dot-stuffed.
    pub content: Vec<u8>,
    /// The hashes of its body, so that signing again needs no second look at it. Empty in records of version 1.
    pub body_hashes: BodyHashes,
    /// Where each recipient and the signing step stand at acceptance.
    pub state: MessageState,
}

impl Message {
    /// The header of `content`: every field with its line end, without the empty line after them.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        self.content.get(..self.header_length()).unwrap_or_default()
    }

    /// The body: everything after the empty line.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.content
            .get(self.header_length() + 2..)
            .unwrap_or_default()
    }

    fn header_length(&self) -> usize {
        if self.content.starts_with(b"\r\n") {
            return 0;
        }
        memmem::find(&self.content, b"\r\n\r\n").map_or(self.content.len(), |end| end + 2)
    }
}

/// What is known of a message's way: the part of a record that is written again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageState {
    /// One for each recipient of the envelope, in its order.
    pub recipients: Vec<RecipientState>,
    /// The outcomes of the signing step.
    pub signings: Signings,
    /// How many rounds of delivery have ended.
    pub attempts: u32,
    /// When the next round is due.
    pub next_attempt: SystemTime,
    /// What an administrator has ordered.
    pub orders: Orders,
    /// When the sender was told that the message is delayed, which happens once.
    pub delay_told: Option<SystemTime>,
}

/// What an administrator has ordered about a message; it stands until another order takes it back.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Orders {
    /// Whether the message is held: it is neither attempted nor given up.
    pub held: Option<Held>,
    /// The next hop of all its recipients, in place of those that the settings give.
    pub next_hop: Option<HostPort>,
}

/// Since when a message is held, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// Since when.
    pub since: SystemTime,
    /// Why.
    pub why: HeldFor,
}

/// Why a message is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeldFor {
    /// An administrator has ordered it.
    Order,
    /// A start could not read the latest record about it, which may have said that it was delivered.
    Damage,
}

/// A message without its content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Its name.
    pub id: QueueId,
    /// Who sent it and who is to have it.
    pub envelope: Envelope,
    /// The header fields that stand before the content on every copy.
    pub trace: Vec<u8>,
    /// Octets of the content.
    pub size: u64,
    /// Its latest state.
    pub state: MessageState,
}

impl From<Message> for Head {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            envelope: message.envelope,
            trace: message.trace,
            size: message.content.len() as u64,
            state: message.state,
        }
    }
}

/// What the queue keeps in memory of a message that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// When the next round is due.
    pub next_attempt: SystemTime,
    /// Whether it waits for its signing step, too.
    pub signing_deferred: bool,
    /// Whether it is held, so that it is due only when it has been released.
    pub held: bool,
}

impl From<&MessageState> for Waiting {
    fn from(state: &MessageState) -> Self {
        let signing_deferred = state.signings.deferred().next().is_some();
        Self {
            next_attempt: state.next_attempt,
            signing_deferred,
            held: state.orders.held.is_some(),
        }
    }
}

/// Where one recipient stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecipientState {
    /// To be delivered, with the last fault, if there was an attempt.
    Pending(Option<Fault>),
    /// A next hop has taken it.
    Delivered,
    /// It cannot be delivered, and the sender is still to be told.
    Failed(Fault),
    /// It cannot be delivered; the report is on stable storage, or none is due.
    Reported,
}

/// A failed attempt for one recipient, as logs and reports tell it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The enhanced status code (RFC 3463), such as `5.1.1`.
    pub status: Box<str>,
    /// The host that answered, when one did.
    pub remote: Option<Box<str>>,
    /// The reply of that host, one line, printable ASCII; or our own words when no host answered.
    pub text: Box<str>,
}

/// A message read back from the spool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// The message as it was accepted, but for `state`, which is the latest.
    pub message: Message,
}
