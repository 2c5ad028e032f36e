//! Space that comes back: segments that are needed for nothing are given up, and one that is needed for little is emptied
//! by writing what is needed of it anew at the head of the log.
//!
//! A segment is emptied only when at most half of it is needed, so that no more is copied than is freed; what is freed was
//! written once. So all copying together writes no more than was written in the first place.

use std::sync::Arc;

use super::condition::Refusal;
use super::entry::{Entry, Kind};
use super::frame::{Epoch, Unreadable};
use super::index::Known;
use super::journal::{Journal, decode, read_state};
use super::ledger::Stage;
use super::request::{Asks, Held};
use super::scan::{Found, Item, Part, Scan};
use super::segment::Segment;
use crate::ids::QueueId;
use crate::spool::message::Waiting;
use crate::spool::{SpoolError, record};

/// Copies that are asked for.
pub(super) type Copies = Vec<(QueueId, Asks)>;

/// Does what there is to do first, and says whether there was anything. `ask` has copies written, and gives the first error
/// that is none of [`SpoolError::NotFound`]: what has changed meanwhile need not be copied.
pub(super) fn step(
    journal: &Journal,
    ask: &mut dyn FnMut(Copies) -> Result<(), SpoolError>,
) -> Result<bool, SpoolError> {
    let told = |refusal: Refusal| refusal.told();
    journal.name_closed().map_err(told)?;
    let idle = journal.index().ledger.idle();
    if !idle.is_empty() {
        journal.give_up(&idle).map_err(told)?;
        return Ok(true);
    }
    let wasteful = journal.index().ledger.most_wasteful(journal.shape.slack);
    let Some(epoch) = wasteful else {
        return Ok(false);
    };
    match empty(journal, epoch, ask) {
        Ok(()) => journal.index().ledger.unpin(epoch),
        Err(SpoolError::Damaged { .. }) => {
            // What cannot be read cannot be moved, and is not thrown away.
            if let Some(account) = journal.index().ledger.get_mut(epoch) {
                account.kept = true;
            }
        }
        Err(other) => return Err(other),
    }
    Ok(true)
}

/// Has everything that is needed of a segment written anew.
fn empty(
    journal: &Journal,
    epoch: Epoch,
    ask: &mut dyn FnMut(Copies) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let (segment, end) = {
        let index = journal.index();
        let Some(account) = index.ledger.get(epoch) else {
            return Ok(());
        };
        let Stage::Closed { end } = account.stage else {
            return Ok(());
        };
        (Arc::clone(&account.segment), end)
    };
    let damaged = |at| Err(segment.unreadable(at, Unreadable::Damaged));
    let mut scan = Scan::new(&segment, Some(end));
    let (mut copies, mut octets) = (Copies::new(), 0);
    while let Some(part) = scan.next()? {
        let front = match part {
            Part::Batch(front) => front,
            Part::Damage { from, .. } => return damaged(from),
        };
        for found in front.records(&segment)? {
            match found {
                Found::Whole(item) => octets += copy(journal, &segment, &item, &mut copies)?,
                Found::Damaged { .. } | Found::Unreadable { .. } => {
                    return damaged(front.header.offset);
                }
            }
            if octets > AT_ONCE {
                ask(std::mem::take(&mut copies))?;
                octets = 0;
            }
        }
    }
    if copies.is_empty() {
        return Ok(());
    }
    ask(copies)
}

/// Adds what is needed of a record, and says how many octets that is.
fn copy(
    journal: &Journal,
    segment: &Segment,
    item: &Item<'_>,
    copies: &mut Copies,
) -> Result<u64, SpoolError> {
    let Entry { id, reference, .. } = item.entry;
    let before = copies.len();
    let (known, pinned) = {
        let index = journal.index();
        let other = reference.filter(|other| *other != item.place.segment);
        let pinned = other.filter(|other| index.ledger.get(*other).is_some());
        (index.get(id), pinned)
    };
    if let Some(home) = pinned {
        copies.push((id, Asks::CopyDone { home }));
    }
    match item.entry.kind {
        Kind::Message | Kind::LargeMessage => {
            if let Some(was) = known.filter(|known| known.message == item.place) {
                copies.push((id, moved(journal, segment, item, was)?));
            }
        }
        Kind::State => {
            // With a message that is in the same segment, its state goes along.
            let here = item.place.segment;
            let own = known.filter(|known| known.state == Some(item.place));
            if let Some(was) = own.filter(|known| known.message.segment != here) {
                let head = item.head.to_vec();
                let waiting = item.entry.waiting();
                copies.push((id, Asks::CopyState { was, head, waiting }));
            }
        }
        Kind::Done => {}
    }
    Ok(if copies.len() > before {
        u64::from(item.place.octets)
    } else {
        0
    })
}

/// The message in `item`, with its latest state as its head.
fn moved(
    journal: &Journal,
    segment: &Segment,
    item: &Item<'_>,
    was: Known,
) -> Result<Asks, SpoolError> {
    let Entry { id, body, kind, .. } = item.entry;
    let mut message = decode(segment, item.entry.head.at, item.head)?;
    if let Some(place) = was.state {
        let index = journal.index();
        let holder = index.ledger.get(place.segment);
        let holder = holder.map(|account| Arc::clone(&account.segment));
        drop(index);
        // Without one the state has changed since, and the request will be refused.
        if let Some(holder) = holder {
            message.state = read_state(id, &holder, place.at(), &message)?;
        }
    }
    let content = match kind {
        Kind::LargeMessage => Held::Apart {
            length: body.length,
            checksum: body.checksum,
        },
        Kind::Message | Kind::State | Kind::Done => Held::Here {
            octets: segment.body(body)?,
            checksum: body.checksum,
        },
    };
    Ok(Asks::Move {
        was,
        head: record::encode_message(&message),
        content,
        waiting: Waiting::from(&message.state),
    })
}

/// What is copied with one request after the other before the answers are waited for.
const AT_ONCE: u64 = 1024 * 1024;
