//! A batch on its way into a segment: records in, octets and entries out. Pure, and no content is copied.

use std::io::IoSlice;

use super::entry::{ENTRY, Entry, Extent, Flags, Kind, head_checksum};
use super::frame::{BATCH_HEADER, BLOCK, BatchHeader, End, Epoch, Identity, block_after};
use super::index::{Place, nanoseconds};
use crate::ids::QueueId;
use crate::spool::message::Waiting;

/// A record that is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) id: QueueId,
    pub(super) says: Says<'a>,
}

/// What it says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Says<'a> {
    /// The message, with the state in its head.
    Message {
        head: &'a [u8],
        content: Content<'a>,
        waiting: Waiting,
        /// The segment that it is moved from.
        from: Option<Epoch>,
    },
    /// The state.
    State { head: &'a [u8], waiting: Waiting },
    /// The message that lies in the segment `home` is done.
    Done { home: Epoch },
}

/// Where a message's content is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    /// In the batch.
    Here { octets: &'a [u8], checksum: u32 },
    /// In a file of its own.
    Apart { length: u32, checksum: u32 },
}

impl<'a> Record<'a> {
    /// What the record takes of a batch.
    pub(super) fn octets(&self) -> u64 {
        let (head, body) = self.parts();
        (ENTRY + head.len() + body.len()) as u64
    }

    fn parts(&self) -> (&'a [u8], &'a [u8]) {
        match self.says {
            Says::Message {
                head,
                content: Content::Here { octets, .. },
                ..
            } => (head, octets),
            Says::Message {
                head,
                content: Content::Apart { .. },
                ..
            }
            | Says::State { head, .. } => (head, &[]),
            Says::Done { .. } => (&[], &[]),
        }
    }

    /// Its entry, in a batch whose next head and body are at these places.
    fn entry(&self, head_at: u32, body_at: u32) -> Entry {
        let head = |head: &[u8]| Extent {
            at: head_at,
            length: small(head.len()),
            checksum: head_checksum(head),
        };
        let done = Entry {
            kind: Kind::Done,
            flags: Flags::default(),
            id: self.id,
            reference: None,
            head: Extent::default(),
            body: Extent::default(),
            due: 0,
        };
        match self.says {
            Says::Message {
                head: octets,
                content,
                waiting,
                from,
            } => {
                let (kind, at, length, checksum) = match content {
                    Content::Here { octets, checksum } => {
                        (Kind::Message, body_at, small(octets.len()), checksum)
                    }
                    Content::Apart { length, checksum } => {
                        (Kind::LargeMessage, 0, length, checksum)
                    }
                };
                Entry {
                    kind,
                    flags: waiting.into(),
                    reference: from,
                    head: head(octets),
                    body: Extent {
                        at,
                        length,
                        checksum,
                    },
                    due: nanoseconds(waiting.next_attempt),
                    ..done
                }
            }
            Says::State {
                head: octets,
                waiting,
            } => Entry {
                kind: Kind::State,
                flags: waiting.into(),
                head: head(octets),
                due: nanoseconds(waiting.next_attempt),
                ..done
            },
            Says::Done { home } => Entry {
                reference: Some(home),
                ..done
            },
        }
    }
}

/// Where a batch goes, and what its header says beside that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Destination {
    pub(super) identity: Identity,
    pub(super) offset: u32,
    pub(super) previous: Option<End>,
    pub(super) last_id: QueueId,
}

/// A batch that is ready to be written.
pub(super) struct Batch<'a> {
    front: Vec<u8>,
    bodies: Vec<&'a [u8]>,
    padding: usize,
    /// Octets of it, padding included.
    pub(super) length: u32,
    /// Its entries, and where they will be.
    pub(super) entries: Vec<(Entry, Place)>,
}

impl<'a> Batch<'a> {
    /// Lays the records out, which must fit their segment.
    pub(super) fn lay_out(records: &[Record<'a>], to: Destination) -> Self {
        let parts: Vec<_> = records.iter().map(Record::parts).collect();
        let heads: usize = parts.iter().map(|(head, _)| head.len()).sum();
        let bodies: usize = parts.iter().map(|(_, body)| body.len()).sum();
        let front = BATCH_HEADER + records.len() * ENTRY + heads;
        let length = small(front + bodies).next_multiple_of(BLOCK);
        let header = BatchHeader {
            offset: to.offset,
            synced: to.offset,
            previous: to.previous,
            last_id: to.last_id,
            count: small(records.len()),
            length,
            front: small(front),
        };
        let mut octets = Vec::with_capacity(front);
        octets.extend_from_slice(&header.encode(to.identity));
        let mut entry_at = to.offset + small(BATCH_HEADER);
        let mut head_at = to.offset + small(front - heads);
        let mut body_at = to.offset + small(front);
        let mut entries = Vec::with_capacity(records.len());
        for (record, (head, body)) in records.iter().zip(&parts) {
            let entry = record.entry(head_at, body_at);
            octets.extend_from_slice(&entry.encode(to.identity, entry_at));
            entries.push((
                entry,
                Place::new(to.identity.epoch, entry_at, entry.octets()),
            ));
            entry_at += small(ENTRY);
            head_at += small(head.len());
            body_at += small(body.len());
        }
        for (head, _) in &parts {
            octets.extend_from_slice(head);
        }
        Self {
            front: octets,
            bodies: parts.into_iter().map(|(_, body)| body).collect(),
            padding: length as usize - front - bodies,
            length,
            entries,
        }
    }

    /// Its octets in their order.
    pub(super) fn octets(&self) -> Vec<IoSlice<'_>> {
        let padding = PADDING.get(..self.padding).unwrap_or_default();
        let bodies = self.bodies.iter().copied();
        std::iter::once(&*self.front)
            .chain(bodies)
            .chain([padding])
            .map(IoSlice::new)
            .collect()
    }
}

/// What a batch takes of its segment when its records have so many octets.
pub(super) fn batch_octets(records: u64) -> u64 {
    block_after(BATCH_HEADER as u64 + records)
}

/// Lengths within a segment: whoever fills a batch asks [`batch_octets`] first, and segments are far below 2^32.
fn small(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

const PADDING: [u8; BLOCK as usize] = [0; BLOCK as usize];
