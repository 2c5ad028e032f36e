//! The octets of a segment: its header, and the headers of batches. `docs/spool-format.md` draws them.
//!
//! Pure: octets in, values out. What cannot be read is [`Unreadable`], and is never guessed at.

use super::entry::ENTRY;
use super::fields::{CHECKSUM, Fields, salted, split_checksum};
use crate::ids::QueueId;

/// The number of a segment's use. It orders segments and is never given twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Epoch(pub(super) u64);

/// What a segment is told by. The salt stands before everything that a checksum in it covers, so that the octets of an
/// older use of the file do not parse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Identity {
    pub(super) epoch: Epoch,
    pub(super) salt: u64,
}

/// Why octets are not what they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unreadable {
    /// They are damaged, of an older use of the file, or nothing at all.
    Damaged,
    /// They are whole, and a later version of this server wrote them.
    Version(u8),
}

/// The first block of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SegmentHeader {
    pub(super) identity: Identity,
    /// Octets of the file.
    pub(super) size: u32,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(BLOCK as usize);
        octets.extend_from_slice(SEGMENT_MAGIC);
        octets.extend_from_slice(&u32::from(VERSION).to_le_bytes());
        octets.extend_from_slice(&BLOCK.to_le_bytes());
        octets.extend_from_slice(&self.identity.epoch.0.to_le_bytes());
        octets.extend_from_slice(&self.identity.salt.to_le_bytes());
        octets.extend_from_slice(&u64::from(self.size).to_le_bytes());
        octets.resize(SEGMENT_HEADER - CHECKSUM, 0);
        let checksum = crc32fast::hash(&octets);
        octets.extend_from_slice(&checksum.to_le_bytes());
        octets.resize(BLOCK as usize, 0);
        octets
    }

    pub(super) fn decode(block: &[u8]) -> Result<Self, Unreadable> {
        let header = block.get(..SEGMENT_HEADER).ok_or(Unreadable::Damaged)?;
        let (covered, checksum) = split_checksum(header)?;
        if covered.get(..8) != Some(SEGMENT_MAGIC) || crc32fast::hash(covered) != checksum {
            return Err(Unreadable::Damaged);
        }
        let mut fields = Fields(covered);
        fields.skip(8)?;
        let version = fields.u32()?;
        if version != u32::from(VERSION) {
            return Err(Unreadable::Version(
                u8::try_from(version).unwrap_or(u8::MAX),
            ));
        }
        let block = fields.u32()?;
        let identity = Identity {
            epoch: Epoch(fields.u64()?),
            salt: fields.u64()?,
        };
        let size = fields.small()?;
        if block == BLOCK {
            Ok(Self { identity, size })
        } else {
            Err(Unreadable::Damaged)
        }
    }
}

/// A segment and where what it holds ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct End {
    pub(super) epoch: Epoch,
    pub(super) end: u32,
}

/// What stands before the records that are written and synced together.
///
/// `BATCH_HEADER + count * ENTRY <= front <= length`, and `length` is a multiple of [`BLOCK`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BatchHeader {
    /// Where in its segment it is.
    pub(super) offset: u32,
    /// Everything before this in the segment was on stable storage when this was written.
    pub(super) synced: u32,
    /// The segment that was written before this one.
    pub(super) previous: Option<End>,
    /// The highest queue id that the spool has seen.
    pub(super) last_id: QueueId,
    /// How many entries follow.
    pub(super) count: u32,
    /// Octets of the batch, with the padding behind it.
    pub(super) length: u32,
    /// Octets of header, entries and heads.
    pub(super) front: u32,
}

impl BatchHeader {
    pub(super) fn encode(&self, identity: Identity) -> Vec<u8> {
        let previous = self.previous.unwrap_or(End {
            epoch: Epoch(0),
            end: 0,
        });
        let mut octets = Vec::with_capacity(BATCH_HEADER);
        octets.extend_from_slice(BATCH_MAGIC);
        octets.extend_from_slice(&[VERSION, 0, 0, 0]);
        for field in [
            identity.salt,
            identity.epoch.0,
            u64::from(self.offset),
            u64::from(self.synced),
            previous.epoch.0,
            u64::from(previous.end),
            self.last_id.number(),
        ] {
            octets.extend_from_slice(&field.to_le_bytes());
        }
        for field in [self.count, self.length, self.front] {
            octets.extend_from_slice(&field.to_le_bytes());
        }
        octets.resize(BATCH_HEADER - CHECKSUM, 0);
        let checksum = salted(identity.salt, &[&octets]);
        octets.extend_from_slice(&checksum.to_le_bytes());
        octets
    }

    /// Reads the header that stands at `offset` of the segment.
    pub(super) fn decode(
        octets: &[u8],
        identity: Identity,
        offset: u32,
    ) -> Result<Self, Unreadable> {
        let (found, header) = Self::read(octets)?;
        let front = (BATCH_HEADER as u64) + u64::from(header.count) * (ENTRY as u64);
        if found == identity
            && header.offset == offset
            && header.synced <= offset
            && header.length.is_multiple_of(BLOCK)
            && header.front <= header.length
            && front <= u64::from(header.front)
        {
            Ok(header)
        } else {
            Err(Unreadable::Damaged)
        }
    }

    /// The identity of the segment that this batch was written to, for one whose own header is lost.
    pub(super) fn identify(octets: &[u8]) -> Option<Identity> {
        Self::read(octets).ok().map(|(identity, _)| identity)
    }

    fn read(octets: &[u8]) -> Result<(Identity, Self), Unreadable> {
        let header = octets.get(..BATCH_HEADER).ok_or(Unreadable::Damaged)?;
        let (covered, checksum) = split_checksum(header)?;
        let mut fields = Fields(covered);
        if fields.array()? != *BATCH_MAGIC {
            return Err(Unreadable::Damaged);
        }
        let version = fields.u8()?;
        fields.skip(3)?;
        let salt = fields.u64()?;
        if salted(salt, &[covered]) != checksum {
            return Err(Unreadable::Damaged);
        }
        if version != VERSION {
            return Err(Unreadable::Version(version));
        }
        let epoch = Epoch(fields.u64()?);
        let (offset, synced) = (fields.small()?, fields.small()?);
        let previous = End {
            epoch: Epoch(fields.u64()?),
            end: fields.small()?,
        };
        let header = Self {
            offset,
            synced,
            previous: (previous.epoch != Epoch(0)).then_some(previous),
            last_id: QueueId::from_number(fields.u64()?),
            count: fields.u32()?,
            length: fields.u32()?,
            front: fields.u32()?,
        };
        Ok((Identity { epoch, salt }, header))
    }
}

/// The next offset that is the beginning of a block.
pub(super) fn block_after(offset: u64) -> u64 {
    offset.next_multiple_of(u64::from(BLOCK))
}

/// The unit in which batches begin and end: nothing that was synced shares a block with what is written later.
pub(super) const BLOCK: u32 = 4096;
/// Octets of a batch header.
pub(super) const BATCH_HEADER: usize = 128;

/// The format's version, of headers and entries alike.
pub(super) const VERSION: u8 = 1;

const SEGMENT_HEADER: usize = 64;
const SEGMENT_MAGIC: &[u8; 8] = b"EDGELOG\0";
const BATCH_MAGIC: &[u8; 4] = b"EDGB";
