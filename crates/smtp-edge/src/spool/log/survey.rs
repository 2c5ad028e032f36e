//! Which segments count at a start, and where what counts in each of them ends. `docs/spool-format.md` has the rules.

use std::collections::BTreeMap;

use super::frame::{End, Epoch};
use super::scan::{Front, Part, Scan};
use super::segment::Segment;
use crate::spool::SpoolError;

/// What is to be made of the segments that a start finds.
#[derive(Default)]
pub(super) struct Survey {
    /// Segments that count, and where they end. All before that was synced.
    pub(super) ends: BTreeMap<Epoch, u32>,
    /// The batch that may have been answered and is to be written anew, and the segment it is in.
    pub(super) in_doubt: Option<(Epoch, Front)>,
    /// Batches that were not written to their end, by segment and offset: they were never answered.
    pub(super) torn: Vec<End>,
    /// The last segment that counts.
    pub(super) last: Option<End>,
    /// The highest epoch that is named anywhere.
    pub(super) highest: Option<Epoch>,
}

impl Survey {
    /// Looks at segments, each with its end if its name says one.
    pub(super) fn of(
        segments: &BTreeMap<Epoch, (Segment, Option<u32>)>,
    ) -> Result<Self, SpoolError> {
        let mut survey = Self {
            highest: segments.keys().next_back().copied(),
            ..Self::default()
        };
        // From the newest to the oldest, since a later segment says where the one before it ends.
        let mut claim: Option<End> = None;
        for (epoch, (segment, named)) in segments.iter().rev() {
            if let Some(end) = named {
                survey.counts(*epoch, *end);
                continue;
            }
            let open = Open::read(segment)?;
            survey.highest = survey.highest.max(open.previous.map(|end| end.epoch));
            if let Some(end) = claim.filter(|claim| claim.epoch == *epoch) {
                survey.counts(*epoch, end.end);
                claim = open.previous;
            } else if open.proven {
                claim = open.previous;
                survey.settle(*epoch, open);
            } else if let Some(torn) = open.last {
                let end = torn.header.offset;
                survey.torn.push(End { epoch: *epoch, end });
            }
        }
        Ok(survey)
    }

    /// Decides about a segment whose end nobody knows but itself.
    fn settle(&mut self, epoch: Epoch, open: Open) {
        let Some(last) = open.last else {
            return;
        };
        let (begins, ends) = (last.header.offset, last.header.offset + last.header.length);
        if !open.last_is_whole {
            self.torn.push(End { epoch, end: begins });
            self.counts(epoch, begins);
        } else if self.last.is_none() {
            self.in_doubt = Some((epoch, last));
            self.counts(epoch, begins);
        } else {
            self.counts(epoch, ends);
        }
    }

    fn counts(&mut self, epoch: Epoch, end: u32) {
        self.ends.insert(epoch, end);
        self.last = self.last.or(Some(End { epoch, end }));
    }
}

/// What a segment without an end in its name says of itself.
struct Open {
    /// Its last batch header, and what that begins.
    last: Option<Front>,
    last_is_whole: bool,
    /// Whether anything in it may ever have been answered: only a first batch that is torn proves nothing.
    proven: bool,
    previous: Option<End>,
}

impl Open {
    fn read(segment: &Segment) -> Result<Self, SpoolError> {
        let mut scan = Scan::new(segment, None);
        let (mut last, mut batches) = (None, 0_u32);
        while let Some(part) = scan.next()? {
            match part {
                Part::Batch(front) => {
                    batches += 1;
                    last = Some(front);
                }
                // What follows damage was written after it had been synced.
                Part::Damage { .. } => batches += 1,
            }
        }
        let last_is_whole = match &last {
            Some(front) => front.is_whole(segment)?,
            None => false,
        };
        Ok(Self {
            last_is_whole,
            proven: batches > 1 || last_is_whole,
            previous: last.as_ref().and_then(|front| front.header.previous),
            last,
        })
    }
}
