//! The accounts of the segments: what each is needed for, so that none is given up too early and none is kept for ever.
//!
//! A segment is needed for the messages and the latest states in it, and for entries that keep an older copy of a message,
//! in another segment, from counting. The second ends when that other segment has been given up.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::entry::ENTRY;
use super::frame::{BLOCK, Epoch};
use super::index::Place;
use super::segment::Segment;

/// How far a segment is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Batches are written to it.
    Written,
    /// Nothing more is written to it, and its name does not say so yet.
    Closing { end: u32 },
    /// Its name says where it ends.
    Closed { end: u32 },
}

/// The account of a segment.
pub(super) struct Account {
    pub(super) segment: Arc<Segment>,
    pub(super) stage: Stage,
    /// Octets of messages and latest states in it.
    live: u64,
    /// Octets of entries in it that speak about copies in other segments.
    pins: BTreeMap<Epoch, u64>,
    /// Whether a batch in it was answered, so that it names the highest queue id.
    pub(super) answered: bool,
    /// Writing to it failed: its file is not used again.
    pub(super) failed: bool,
    /// Something in it could not be copied: it is left as it is.
    pub(super) kept: bool,
}

impl Account {
    /// Octets of it that are needed.
    pub(super) fn needed(&self) -> u64 {
        self.live + self.pins.values().sum::<u64>()
    }
}

/// The accounts of all segments that hold something, in the order of their epochs.
#[derive(Default)]
pub(super) struct Ledger {
    accounts: BTreeMap<Epoch, Account>,
}

impl Ledger {
    /// Opens the account of a segment.
    pub(super) fn open(&mut self, segment: Arc<Segment>, stage: Stage) {
        let answered = match stage {
            Stage::Written => false,
            Stage::Closing { end } | Stage::Closed { end } => end > BLOCK,
        };
        let account = Account {
            stage,
            answered,
            live: 0,
            pins: BTreeMap::new(),
            failed: false,
            kept: false,
            segment,
        };
        self.accounts
            .insert(account.segment.identity.epoch, account);
    }

    pub(super) fn get(&self, epoch: Epoch) -> Option<&Account> {
        self.accounts.get(&epoch)
    }

    pub(super) fn get_mut(&mut self, epoch: Epoch) -> Option<&mut Account> {
        self.accounts.get_mut(&epoch)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Epoch, &Account)> {
        self.accounts
            .iter()
            .map(|(epoch, account)| (*epoch, account))
    }

    /// A record is needed from now on.
    pub(super) fn need(&mut self, place: Place) {
        if let Some(account) = self.accounts.get_mut(&place.segment) {
            account.live += u64::from(place.octets);
        }
    }

    /// A record is not needed any more.
    pub(super) fn release(&mut self, place: Place) {
        if let Some(account) = self.accounts.get_mut(&place.segment) {
            account.live = account.live.saturating_sub(u64::from(place.octets));
        }
    }

    /// An entry in `segment` speaks about a copy in `other`. What is gone cannot come back, and needs no such entry.
    pub(super) fn pin(&mut self, segment: Epoch, other: Option<Epoch>) {
        let Some(other) =
            other.filter(|other| *other != segment && self.accounts.contains_key(other))
        else {
            return;
        };
        if let Some(account) = self.accounts.get_mut(&segment) {
            *account.pins.entry(other).or_default() += ENTRY as u64;
        }
    }

    /// All that `segment` says about other segments has been written elsewhere.
    pub(super) fn unpin(&mut self, segment: Epoch) {
        if let Some(account) = self.accounts.get_mut(&segment) {
            account.pins.clear();
        }
    }

    /// The segment does not exist any more, durably.
    pub(super) fn give_up(&mut self, epoch: Epoch) {
        self.accounts.remove(&epoch);
        for account in self.accounts.values_mut() {
            account.pins.remove(&epoch);
        }
    }

    /// The closed segments that are needed for nothing. The last one in which anything was answered names the highest queue id,
    /// and stays until a later one does.
    pub(super) fn idle(&self) -> Vec<Epoch> {
        let mut newest = self.accounts.iter().rev();
        let Some((last, _)) = newest.find(|(_, account)| account.answered) else {
            return Vec::new();
        };
        let idle = self.closed().filter(|(_, account)| account.needed() == 0);
        idle.map(|(epoch, _)| epoch)
            .filter(|epoch| epoch < last)
            .collect()
    }

    /// The segment to empty next: the one in which least is needed, when the closed ones take more than twice what is
    /// needed of them and `slack` segments beside. At most half of it is needed, so that emptying it frees at least as much
    /// as it copies.
    pub(super) fn most_wasteful(&self, slack: usize) -> Option<Epoch> {
        let (mut taken, mut needed, mut largest) = (0_u64, 0_u64, 0_u64);
        for (_, account) in self.closed() {
            taken += u64::from(account.segment.size);
            needed += account.needed();
            largest = largest.max(u64::from(account.segment.size));
        }
        if taken <= 2 * needed + largest * slack as u64 {
            return None;
        }
        // One that is needed for nothing waits for its successor, and has nothing to be emptied of.
        let candidates = self
            .closed()
            .filter(|(_, account)| !account.kept && account.needed() > 0);
        candidates
            .min_by_key(|(_, account)| account.needed())
            .filter(|(_, account)| 2 * account.needed() <= u64::from(account.segment.size))
            .map(|(epoch, _)| epoch)
    }

    /// Whether there is anything to name, to give up or to empty.
    pub(super) fn has_work(&self, slack: usize) -> bool {
        let mut stages = self.iter().map(|(_, account)| &account.stage);
        stages.any(|stage| matches!(stage, Stage::Closing { .. }))
            || !self.idle().is_empty()
            || self.most_wasteful(slack).is_some()
    }

    fn closed(&self) -> impl Iterator<Item = (Epoch, &Account)> {
        self.iter()
            .filter(|(_, account)| matches!(account.stage, Stage::Closed { .. }))
    }
}
