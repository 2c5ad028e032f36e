//! The committer: gathers whatever waits, writes it as one batch, syncs once, answers all of them; the next batch gathers
//! meanwhile. It alone writes to the log, so that the order of the log is the order of what happened.
//!
//! A failed write or sync is final for its segment. Commits are then refused until a new segment has worked; outcomes are
//! written there first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{Record, batch_octets};
use super::condition::Refusal;
use super::frame::{BLOCK, Epoch};
use super::journal::Journal;
use super::request::{Asks, Request};
use super::writer::Writer;
use crate::ids::QueueId;
use crate::spool::{Durable, SpoolError};

/// Who writes the log.
pub(super) struct Committer {
    journal: Arc<Journal>,
    writer: Writer,
    broken: Option<Broken>,
}

/// A write or a sync has failed, and no segment has worked since.
struct Broken {
    refusal: Refusal,
    try_again: Instant,
}

impl Committer {
    pub(super) fn new(journal: Arc<Journal>, writer: Writer) -> Self {
        Self {
            journal,
            writer,
            broken: None,
        }
    }

    /// Deals with the requests that came first, as many as one batch takes.
    pub(super) fn handle(&mut self, waiting: &mut VecDeque<Request>) {
        self.refuse_too_large(waiting);
        if let Some(broken) = self.broken.take() {
            self.handle_broken(waiting, broken);
            return;
        }
        if let Err(refusal) = self.make_room(waiting) {
            let spacious = self.writer.is_spacious();
            // What is left of the last segment is for what makes room.
            let makes_room =
                |request: &Request| request.is_outcome() || (request.is_copy() && spacious);
            keep(waiting, makes_room, &refusal);
            if first_octets(waiting) > u64::from(self.writer.room()) {
                refuse(waiting.drain(..), &refusal);
            }
        }
        let batch = self.gather(waiting, self.writer.room());
        if let Err((batch, refusal)) = self.write(batch, IfEmpty::Nothing) {
            self.journal.troubles.failed(&refusal);
            let (outcomes, others) = batch.into_iter().partition(Request::is_outcome);
            refuse(others, &refusal);
            self.mend(outcomes);
        }
    }

    /// Whether a failure has not been overcome yet, so that [`Committer::mend_if_due`] is to be called now and then.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Tries a new segment after a failure, when it is time to.
    pub(super) fn mend_if_due(&mut self) {
        let now = self.journal.clock.instant();
        if self
            .broken
            .as_ref()
            .is_some_and(|broken| broken.try_again <= now)
        {
            self.mend(Vec::new());
        }
    }

    /// A clean end: a last, empty batch, which says that all before it is synced.
    pub(super) fn finish(&mut self) {
        if self.broken.is_none() && self.writer.room() >= BLOCK {
            let _ = self.writer.write(&[]);
        }
    }

    fn handle_broken(&mut self, waiting: &mut VecDeque<Request>, broken: Broken) {
        if self.journal.clock.instant() < broken.try_again {
            refuse(waiting.drain(..), &broken.refusal);
            self.broken = Some(broken);
            return;
        }
        keep(waiting, Request::is_outcome, &broken.refusal);
        let outcomes = self.gather(waiting, self.capacity());
        self.mend(outcomes);
    }

    /// Closes what has failed by name, and writes the outcomes to a new segment, which so is tried at once.
    fn mend(&mut self, outcomes: Vec<Request>) {
        let octets = batch_octets(outcomes.iter().map(Request::octets).sum());
        let ready = self
            .journal
            .name_closed()
            .and_then(|()| self.writer.make_room(octets));
        let written = match ready {
            Ok(()) => self.write(outcomes, IfEmpty::Probe),
            Err(refusal) => Err((outcomes, refusal)),
        };
        match written {
            Ok(()) => {
                self.broken = None;
                self.journal.troubles.mended();
            }
            Err((outcomes, refusal)) => {
                refuse(outcomes, &refusal);
                let try_again = self.journal.clock.instant() + PAUSE;
                self.broken = Some(Broken { refusal, try_again });
            }
        }
    }

    /// Begins a new segment when the first request does not fit into the old one. An error means that no new messages can be
    /// taken: when there is no segment after the one that is written, that one is left to outcomes.
    fn make_room(&mut self, waiting: &VecDeque<Request>) -> Result<(), Refusal> {
        self.writer.make_room(first_octets(waiting))?;
        if self.journal.troubles.is_full() {
            return self.journal.supply.fill(1);
        }
        Ok(())
    }

    /// The first requests that fit into a batch and into `room`.
    fn gather(&self, waiting: &mut VecDeque<Request>, room: u32) -> Vec<Request> {
        let shape = &self.journal.shape;
        let mut batch = Vec::new();
        let mut octets = 0;
        while let Some(next) = waiting.front() {
            octets += next.octets();
            let enough = octets > u64::from(shape.batch) || batch.len() >= shape.records;
            if batch_octets(octets) > u64::from(room) || (enough && !batch.is_empty()) {
                break;
            }
            batch.extend(waiting.pop_front());
        }
        batch
    }

    /// Writes a batch, for which there is room, and answers it. An error gives back what could not be written.
    fn write(
        &mut self,
        batch: Vec<Request>,
        if_empty: IfEmpty,
    ) -> Result<(), (Vec<Request>, Refusal)> {
        let Resolved {
            possible,
            impossible,
        } = self.resolve(batch);
        let records: Vec<Record<'_>> = possible
            .iter()
            .map(|(request, home)| request.record(*home))
            .collect();
        let written = if records.is_empty() && if_empty == IfEmpty::Nothing {
            Ok(())
        } else {
            self.writer.write(&records)
        };
        let batch = possible.into_iter().map(|(request, _)| request);
        match written {
            Ok(()) => {
                for request in batch {
                    let id = request.id;
                    request.answer(Ok(Durable::synced(id)));
                }
                for (request, error) in impossible {
                    request.answer(Err(error));
                }
                Ok(())
            }
            // What was impossible after what was to come before it may be possible now.
            Err(refusal) => {
                let impossible = impossible.into_iter().map(|(request, _)| request);
                Err((batch.chain(impossible).collect(), refusal))
            }
        }
    }

    /// Finds the segment in which each request's message lies when the request's turn comes, and tells which have none.
    ///
    /// What is copied comes first: it is a message as it was before this batch.
    fn resolve(&self, mut batch: Vec<Request>) -> Resolved {
        batch.sort_by_key(|request| !request.is_copy()); // stable
        let mut turns = Turns {
            journal: &self.journal,
            active: self.writer.epoch(),
            changed: BTreeMap::new(),
        };
        let mut resolved = Resolved::default();
        for request in batch {
            match turns.home(&request) {
                Ok(home) => resolved.possible.push((request, home)),
                Err(error) => resolved.impossible.push((request, error)),
            }
        }
        resolved
    }

    fn refuse_too_large(&self, waiting: &mut VecDeque<Request>) {
        while first_octets(waiting) > u64::from(self.capacity()) {
            if let Some(request) = waiting.pop_front() {
                let id = request.id;
                request.answer(Err(SpoolError::TooLarge { id }));
            }
        }
    }

    /// What a whole segment takes.
    fn capacity(&self) -> u32 {
        self.journal.shape.segment - BLOCK
    }
}

/// What becomes of a batch without records.
#[derive(PartialEq, Eq)]
enum IfEmpty {
    /// It is not written.
    Nothing,
    /// It is written, to see whether the disk works.
    Probe,
}

/// The requests of a batch, when their turn has come.
#[derive(Default)]
struct Resolved {
    /// Those that can be recorded, and the segment in which the message of each lies.
    possible: Vec<(Request, Epoch)>,
    impossible: Vec<(Request, SpoolError)>,
}

/// Where messages lie in the midst of a batch: those that it changes, and by the index the others.
struct Turns<'a> {
    journal: &'a Journal,
    /// The segment that the batch goes to.
    active: Option<Epoch>,
    changed: BTreeMap<QueueId, Option<Epoch>>,
}

impl Turns<'_> {
    fn home(&mut self, request: &Request) -> Result<Epoch, SpoolError> {
        let id = request.id;
        let known = self.journal.index().get(id);
        let changed = self.changed.get(&id).copied();
        let home = changed.unwrap_or(known.map(|known| known.message.segment));
        match &request.asks {
            Asks::Commit { .. } if home.is_some() => return Err(SpoolError::Taken { id }),
            Asks::Commit { .. } => {
                self.changed.insert(id, self.active);
                return self.active.ok_or(SpoolError::NotFound { id });
            }
            Asks::Move { was, .. } | Asks::CopyState { was, .. } => {
                if known != Some(*was) || changed.is_some() {
                    return Err(SpoolError::NotFound { id });
                }
                if matches!(request.asks, Asks::Move { .. }) {
                    self.changed.insert(id, self.active);
                }
            }
            Asks::CopyDone { home } => return Ok(*home),
            Asks::Remove => {
                self.changed.insert(id, None);
            }
            Asks::Update { .. } => {}
        }
        home.ok_or(SpoolError::NotFound { id })
    }
}

/// What the first request takes of a segment, and 0 when there is none.
fn first_octets(waiting: &VecDeque<Request>) -> u64 {
    waiting
        .front()
        .map_or(0, |request| batch_octets(request.octets()))
}

/// Refuses all others.
fn keep(waiting: &mut VecDeque<Request>, wanted: impl Fn(&Request) -> bool, refusal: &Refusal) {
    let (kept, others) = waiting.drain(..).partition(wanted);
    *waiting = kept;
    refuse::<VecDeque<_>>(others, refusal);
}

fn refuse<T: IntoIterator<Item = Request>>(requests: T, refusal: &Refusal) {
    for request in requests {
        request.answer(Err(refusal.told()));
    }
}

/// How long a disk that failed is left alone.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
