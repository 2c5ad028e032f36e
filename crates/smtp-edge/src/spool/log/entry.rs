//! The octets of an entry: what a record says, and where its head and its body are. `docs/spool-format.md` draws it.

use std::time::{Duration, SystemTime};

use super::fields::{CHECKSUM, Fields, salted, split_checksum};
use super::frame::{Epoch, Identity, Unreadable, VERSION};
use crate::ids::QueueId;
use crate::spool::message::Waiting;

/// What a record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A message, its content behind the heads of the batch.
    Message,
    /// A message whose content is a file of its own.
    LargeMessage,
    /// Where the recipients of a message stand.
    State,
    /// Nothing is left to do for a message.
    Done,
}

/// Where some octets of a segment are, and their checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Extent {
    pub(super) at: u32,
    pub(super) length: u32,
    pub(super) checksum: u32,
}

/// What the queue has to know of a message beside when it is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Flags {
    /// Whether it waits for its signing step.
    pub(super) signing_deferred: bool,
    /// Whether an administrator holds it.
    pub(super) held: bool,
}

impl Flags {
    fn octet(self) -> u8 {
        u8::from(self.signing_deferred) | u8::from(self.held) << 1
    }

    fn from_octet(octet: u8) -> Self {
        Self {
            signing_deferred: octet & 1 != 0,
            held: octet & 2 != 0,
        }
    }

    /// What a message with these flags, and due so many nanoseconds after 1970, waits for.
    pub(super) fn waiting(self, due: u64) -> Waiting {
        Waiting {
            next_attempt: SystemTime::UNIX_EPOCH + Duration::from_nanos(due),
            signing_deferred: self.signing_deferred,
            held: self.held,
        }
    }
}

impl From<Waiting> for Flags {
    fn from(waiting: Waiting) -> Self {
        Self {
            signing_deferred: waiting.signing_deferred,
            held: waiting.held,
        }
    }
}

/// One record of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) flags: Flags,
    pub(super) id: QueueId,
    /// The segment of the message that is done, or that the message was moved from.
    pub(super) reference: Option<Epoch>,
    /// The record of `spool::record`; its checksum is [`head_checksum`].
    pub(super) head: Extent,
    /// The content; of a large message only length and checksum.
    pub(super) body: Extent,
    /// When the next attempt is due, in nanoseconds since 1970.
    pub(super) due: u64,
}

impl Entry {
    /// The entry's octets at `at` of its segment.
    pub(super) fn encode(&self, identity: Identity, at: u32) -> Vec<u8> {
        let kind = match self.kind {
            Kind::Message => 1,
            Kind::LargeMessage => 2,
            Kind::State => 3,
            Kind::Done => 4,
        };
        let mut octets = Vec::with_capacity(ENTRY);
        octets.extend_from_slice(&[kind, VERSION, self.flags.octet(), 0]);
        octets.extend_from_slice(&self.head.length.to_le_bytes());
        octets.extend_from_slice(&self.id.number().to_le_bytes());
        let reference = self.reference.map_or(0, |Epoch(epoch)| epoch);
        octets.extend_from_slice(&reference.to_le_bytes());
        for field in [
            self.head.at,
            self.head.checksum,
            self.body.at,
            self.body.checksum,
        ] {
            octets.extend_from_slice(&field.to_le_bytes());
        }
        octets.extend_from_slice(&u64::from(self.body.length).to_le_bytes());
        octets.extend_from_slice(&self.due.to_le_bytes());
        octets.resize(ENTRY - CHECKSUM, 0);
        let checksum = salted(identity.salt, &[&u64::from(at).to_le_bytes(), &octets]);
        octets.extend_from_slice(&checksum.to_le_bytes());
        octets
    }

    /// Reads the entry that stands at `at` of its segment.
    pub(super) fn decode(octets: &[u8], identity: Identity, at: u32) -> Result<Self, Unreadable> {
        let entry = octets.get(..ENTRY).ok_or(Unreadable::Damaged)?;
        let (covered, checksum) = split_checksum(entry)?;
        if salted(identity.salt, &[&u64::from(at).to_le_bytes(), covered]) != checksum {
            return Err(Unreadable::Damaged);
        }
        let mut fields = Fields(covered);
        let [kind, version, flags, _] = fields.array()?;
        let kind = match (version, kind) {
            (VERSION, 1) => Kind::Message,
            (VERSION, 2) => Kind::LargeMessage,
            (VERSION, 3) => Kind::State,
            (VERSION, 4) => Kind::Done,
            (VERSION, _) => return Err(Unreadable::Damaged),
            (later, _) => return Err(Unreadable::Version(later)),
        };
        let head_length = fields.u32()?;
        let id = QueueId::from_number(fields.u64()?);
        let reference = fields.u64()?;
        let head = Extent {
            at: fields.u32()?,
            length: head_length,
            checksum: fields.u32()?,
        };
        let body = Extent {
            at: fields.u32()?,
            checksum: fields.u32()?,
            length: fields.small()?,
        };
        Ok(Self {
            kind,
            flags: Flags::from_octet(flags),
            id,
            reference: (reference != 0).then_some(Epoch(reference)),
            head,
            body,
            due: fields.u64()?,
        })
    }

    /// The queue id that stands in an entry whose checksum does not hold: a hint, and no more.
    pub(super) fn id_of_damaged(octets: &[u8]) -> Option<QueueId> {
        let id = octets.get(8..16)?.first_chunk().copied()?;
        Some(QueueId::from_number(u64::from_le_bytes(id)))
    }

    /// What the message waits for, as the entry says.
    pub(super) fn waiting(&self) -> Waiting {
        self.flags.waiting(self.due)
    }

    /// The octets that the record takes in its segment.
    pub(super) fn octets(&self) -> u32 {
        let body = match self.kind {
            Kind::Message => self.body.length,
            Kind::LargeMessage | Kind::State | Kind::Done => 0,
        };
        (ENTRY as u32)
            .saturating_add(self.head.length)
            .saturating_add(body)
    }
}

/// The checksum of a head: of its octets before its own checksum, since a CRC over octets and their CRC is the same for
/// all octets and would vouch for nothing.
pub(super) fn head_checksum(head: &[u8]) -> u32 {
    let own = head.len().saturating_sub(CHECKSUM);
    crc32fast::hash(head.get(..own).unwrap_or_default())
}

/// Whether a head is as it was written, the checksum that ends it as well: a tear may have lost nothing else.
pub(super) fn head_holds(head: &[u8], checksum: u32) -> bool {
    split_checksum(head).is_ok_and(|(_, own)| own == checksum) && head_checksum(head) == checksum
}

/// Octets of an entry.
pub(super) const ENTRY: usize = 64;
