//! Reads a segment from its first batch to its end, skipping bodies, and tells damage from the end of the log.

use super::entry::{ENTRY, Entry, Extent, Kind, head_holds};
use super::frame::{BATCH_HEADER, BLOCK, BatchHeader, Unreadable};
use super::index::Place;
use super::segment::Segment;
use crate::ids::QueueId;
use crate::spool::SpoolError;

/// A reader of a segment's batches.
pub(super) struct Scan<'a> {
    segment: &'a Segment,
    at: u32,
    end: Option<u32>,
}

/// What stands in a segment.
pub(super) enum Part {
    /// A batch whose header holds.
    Batch(Front),
    /// Octets from here to there that hold no batch and should.
    Damage { from: u32, to: u32 },
}

impl<'a> Scan<'a> {
    /// Reads up to `end`, before which everything was synced: what is no batch there is damaged. Without an end, what comes
    /// after the last batch is the end of the log.
    pub(super) fn new(segment: &'a Segment, end: Option<u32>) -> Self {
        Self {
            segment,
            at: BLOCK,
            end: end.map(|end| end.min(segment.size)),
        }
    }

    /// The next batch, or the next damage; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Part>, SpoolError> {
        let limit = self.end.unwrap_or(self.segment.size);
        if self.at >= limit {
            return Ok(None);
        }
        if let Some(header) = self.header(self.at, limit)? {
            self.at += header.length;
            return Front::read(self.segment, header).map(|front| Some(Part::Batch(front)));
        }
        let from = self.at;
        let to = match (self.search(from, limit)?, self.end) {
            (Some(to), _) => to,
            (None, Some(end)) => end,
            (None, None) => return Ok(None),
        };
        self.at = to;
        Ok(Some(Part::Damage { from, to }))
    }

    /// The first batch header after `from`.
    fn search(&self, from: u32, limit: u32) -> Result<Option<u32>, SpoolError> {
        let mut at = from + BLOCK;
        while at < limit {
            let window = self.segment.at_most(at, WINDOW as usize)?;
            for (place, block) in (at..limit)
                .step_by(BLOCK as usize)
                .zip(window.chunks(BLOCK as usize))
            {
                if self.decode(block, place, limit)?.is_some() {
                    return Ok(Some(place));
                }
            }
            at = at.saturating_add(WINDOW);
        }
        Ok(None)
    }

    fn header(&self, at: u32, limit: u32) -> Result<Option<BatchHeader>, SpoolError> {
        self.decode(&self.segment.at_most(at, BATCH_HEADER)?, at, limit)
    }

    fn decode(
        &self,
        octets: &[u8],
        at: u32,
        limit: u32,
    ) -> Result<Option<BatchHeader>, SpoolError> {
        match BatchHeader::decode(octets, self.segment.identity, at) {
            Ok(header)
                if at
                    .checked_add(header.length)
                    .is_some_and(|end| end <= limit) =>
            {
                Ok(Some(header))
            }
            Ok(_) | Err(Unreadable::Damaged) => Ok(None),
            Err(version @ Unreadable::Version(_)) => Err(self.segment.unreadable(at, version)),
        }
    }
}

/// A batch without its bodies.
pub(super) struct Front {
    pub(super) header: BatchHeader,
    octets: Vec<u8>,
}

/// A record of a batch.
pub(super) enum Found<'a> {
    /// Its entry and head hold.
    Whole(Item<'a>),
    /// The head does not.
    Damaged { id: QueueId },
    /// The entry does not; the id is what stands in it.
    Unreadable { perhaps: Option<QueueId> },
}

/// A record whose entry and head hold.
pub(super) struct Item<'a> {
    pub(super) entry: Entry,
    pub(super) place: Place,
    pub(super) head: &'a [u8],
}

impl Front {
    fn read(segment: &Segment, header: BatchHeader) -> Result<Self, SpoolError> {
        // A file that ends early shows as entries and heads that do not hold.
        let octets = segment.at_most(header.offset, header.front as usize)?;
        Ok(Self { header, octets })
    }

    /// The records, in the order in which they were written.
    pub(super) fn records(&self, segment: &Segment) -> Result<Vec<Found<'_>>, SpoolError> {
        (0..self.header.count)
            .map(|number| self.record(number, segment))
            .collect()
    }

    fn record(&self, number: u32, segment: &Segment) -> Result<Found<'_>, SpoolError> {
        let within = BATCH_HEADER + number as usize * ENTRY;
        let at = self.header.offset + within as u32;
        let octets = self.octets.get(within..).unwrap_or_default();
        let entry = match Entry::decode(octets, segment.identity, at) {
            Ok(entry) => entry,
            Err(Unreadable::Damaged) => {
                let perhaps = Entry::id_of_damaged(octets);
                return Ok(Found::Unreadable { perhaps });
            }
            Err(version @ Unreadable::Version(_)) => return Err(segment.unreadable(at, version)),
        };
        let found = match self.head(entry.head) {
            Some(head) if self.holds(entry.kind, entry.body) => Found::Whole(Item {
                entry,
                place: Place::new(segment.identity.epoch, at, entry.octets()),
                head,
            }),
            Some(_) | None => Found::Damaged { id: entry.id },
        };
        Ok(found)
    }

    fn head(&self, head: Extent) -> Option<&[u8]> {
        if head == Extent::default() {
            return Some(&[]);
        }
        let start = head.at.checked_sub(self.header.offset)? as usize;
        let octets = self
            .octets
            .get(start..start.checked_add(head.length as usize)?)?;
        head_holds(octets, head.checksum).then_some(octets)
    }

    /// Whether a body lies in this batch, as it must.
    fn holds(&self, kind: Kind, body: Extent) -> bool {
        match kind {
            Kind::Message => {
                let start = self.header.offset.saturating_add(self.header.front);
                let end = self.header.offset.saturating_add(self.header.length);
                body.at >= start
                    && body
                        .at
                        .checked_add(body.length)
                        .is_some_and(|last| last <= end)
            }
            Kind::LargeMessage | Kind::State | Kind::Done => true,
        }
    }

    /// Whether every octet that the batch's checksums cover is as it was written.
    pub(super) fn is_whole(&self, segment: &Segment) -> Result<bool, SpoolError> {
        for found in self.records(segment)? {
            let Found::Whole(item) = found else {
                return Ok(false);
            };
            match item.entry.kind {
                Kind::Message => match segment.body(item.entry.body) {
                    Ok(_) => {}
                    Err(SpoolError::Damaged { .. }) => return Ok(false),
                    Err(other) => return Err(other),
                },
                Kind::LargeMessage | Kind::State | Kind::Done => {}
            }
        }
        Ok(true)
    }
}

/// An entry that stands where no batch header does.
pub(super) struct Stray {
    pub(super) entry: Entry,
    pub(super) place: Place,
    /// Whether the head that it names holds.
    pub(super) whole: bool,
}

/// The entries between two offsets, for a batch whose header is lost: each says by its own checksum that it is one of this
/// segment, and where its head and its body are.
pub(super) fn strays(segment: &Segment, from: u32, to: u32) -> Result<Vec<Stray>, SpoolError> {
    let octets = segment.at_most(from, to.saturating_sub(from) as usize)?;
    let mut strays = Vec::new();
    for (at, octets) in (from..to).step_by(ENTRY).zip(octets.chunks(ENTRY)) {
        let entry = match Entry::decode(octets, segment.identity, at) {
            Ok(entry) => entry,
            Err(Unreadable::Damaged) => continue,
            Err(version @ Unreadable::Version(_)) => return Err(segment.unreadable(at, version)),
        };
        let whole = match segment.head(entry.head) {
            _ if entry.head == Extent::default() => true,
            Ok(_) => true,
            Err(SpoolError::Damaged { .. }) => false,
            Err(other) => return Err(other),
        };
        let place = Place::new(segment.identity.epoch, at, entry.octets());
        strays.push(Stray {
            entry,
            place,
            whole,
        });
    }
    Ok(strays)
}

/// What is read at once when a batch is searched for.
const WINDOW: u32 = 1024 * 1024;
