//! The segment that is written: one batch after the other, each synced before the next.

use std::sync::Arc;

use super::batch::{Batch, Destination, Record};
use super::condition::Refusal;
use super::frame::{BLOCK, End, Epoch};
use super::journal::Journal;
use super::ledger::Stage;
use super::segment::Segment;
use crate::ids::QueueId;
use crate::spool::disk::write_all_at;

/// The head of the log. Only the committer has it.
pub(super) struct Writer {
    journal: Arc<Journal>,
    active: Option<Active>,
    /// The segment that was written before, and its end.
    previous: Option<End>,
}

/// The segment that is written. All before `offset` is synced, nothing after it has been answered.
struct Active {
    segment: Arc<Segment>,
    offset: u32,
}

impl Writer {
    /// A writer without a segment, which takes one from the journal's supply as soon as it needs one.
    pub(super) fn after(journal: Arc<Journal>, previous: Option<End>) -> Self {
        Self {
            journal,
            active: None,
            previous,
        }
    }

    /// Whether there is more left of the segment that is written than what is kept for outcomes, when no other can be made.
    pub(super) fn is_spacious(&self) -> bool {
        let active = self.active.as_ref();
        active.is_some_and(|active| self.room() > active.segment.size / 4)
    }

    /// What is left of the segment that is written.
    pub(super) fn room(&self) -> u32 {
        self.active
            .as_ref()
            .map_or(0, |active| active.segment.size - active.offset)
    }

    /// The segment that is written.
    pub(super) fn epoch(&self) -> Option<Epoch> {
        let segment = self.active.as_ref().map(|active| &active.segment);
        segment.map(|segment| segment.identity.epoch)
    }

    /// Sees to it that a batch of so many octets fits into the segment that is written, which may be a new one.
    ///
    /// No batch may be larger than a segment of full size takes.
    pub(super) fn make_room(&mut self, octets: u64) -> Result<(), Refusal> {
        if self.active.is_some() && u64::from(self.room()) >= octets {
            return Ok(());
        }
        loop {
            let size = self.begin_segment()?;
            if u64::from(self.room()) >= octets || size >= self.journal.shape.segment {
                return Ok(());
            }
        }
    }

    /// Closes the segment that is written, and begins the next, which is of the size that is given back.
    fn begin_segment(&mut self) -> Result<u32, Refusal> {
        // First, so that outcomes still have what is left of the old one when there is no new one.
        let segment = self.journal.supply.take()?;
        self.close(None);
        let size = segment.size;
        let mut index = self.journal.index();
        index.ledger.open(Arc::clone(&segment), Stage::Written);
        self.active = Some(Active {
            segment,
            offset: BLOCK,
        });
        Ok(size)
    }

    /// Ends the segment where it is synced. What comes of `refused`, an attempt to write on, is not to count.
    pub(super) fn close(&mut self, refused: Option<&Refusal>) {
        let Some(Active { segment, offset }) = self.active.take() else {
            return;
        };
        let epoch = segment.identity.epoch;
        // One in which nothing was ever answered has no end to tell of.
        if offset > BLOCK {
            self.previous = Some(End { epoch, end: offset });
        }
        if let Some(account) = self.journal.index().ledger.get_mut(epoch) {
            account.stage = Stage::Closing { end: offset };
            account.failed = refused.is_some();
        }
    }

    /// Writes the records as one batch and syncs it. On success they are on stable storage, and the index knows them; after
    /// an error nothing more is written to this segment.
    ///
    /// The batch must fit into [`Writer::room`].
    pub(super) fn write(&mut self, records: &[Record<'_>]) -> Result<(), Refusal> {
        let Some(active) = &mut self.active else {
            return self.begin_segment().and_then(|_| self.write(records));
        };
        let ids = records.iter().map(|record| record.id);
        let last_id = ids.max().max(self.journal.index().last_id);
        let batch = Batch::lay_out(
            records,
            Destination {
                identity: active.segment.identity,
                offset: active.offset,
                previous: self.previous,
                last_id: last_id.unwrap_or(QueueId::from_number(0)),
            },
        );
        let Segment { file, path, .. } = &*active.segment;
        let written = write_all_at(&**file, &mut batch.octets(), u64::from(active.offset))
            .map_err(|why| Refusal::new("write", path, &why))
            .and_then(|()| file.sync().map_err(|why| Refusal::new("sync", path, &why)));
        if let Err(refusal) = written {
            self.close(Some(&refusal));
            return Err(refusal);
        }
        active.offset += batch.length;
        let mut index = self.journal.index();
        let epoch = active.segment.identity.epoch;
        if let Some(account) = index.ledger.get_mut(epoch) {
            account.answered = true;
        }
        for (entry, place) in &batch.entries {
            index.apply(entry, *place);
        }
        Ok(())
    }
}
