//! The log without its threads, on a disk that fails: every step is taken when a case says so.

mod damage;
mod faults;
mod format;
mod reclaiming;
mod threads;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::committer::Committer;
use super::condition::{Condition, Troubles};
use super::folder::Folder;
use super::journal::{Journal, Shape};
use super::reclaim::{self, Copies};
use super::recover::Start;
use super::request::{Answer, Asks, Held, Request};
use crate::clock::Clock;
use crate::ids::QueueId;
use crate::spool::message::{Head, Message, MessageState, Stored};
use crate::spool::tests::disk::SimulatedDisk;
use crate::spool::tests::model::{Ask, Chore, Subject};
use crate::spool::{Recovered, SpoolError, sample};

/// Small enough that every case fills segments, and that most messages are within and some are large.
const SMALL: Shape = Shape {
    first_segment: 32 * 1024,
    segment: 64 * 1024,
    batch: 16 * 1024,
    records: 6,
    large_over: 7000,
    spares: 2,
    slack: 2,
};

/// A log whose committer runs when it is told to.
struct Rig {
    disk: SimulatedDisk,
    clock: Clock,
    journal: Arc<Journal>,
    committer: Committer,
    condition: watch::Receiver<Condition>,
}

impl Rig {
    fn start(disk: &SimulatedDisk, shape: Shape) -> Result<(Self, Recovered), SpoolError> {
        let (told, condition) = watch::channel(Condition::Works);
        let clock = Clock::manual(sample::accepted());
        let folder = Path::new("/spool");
        let start = Start {
            folder: Folder::of(folder),
            disk: Arc::new(disk.clone()),
            shape,
            clock: clock.clone(),
            troubles: Arc::new(Troubles::new(told)),
        };
        let started = start.run()?;
        let recovered = started.journal.recovered(&started.damages);
        let rig = Self {
            disk: disk.clone(),
            clock,
            committer: Committer::new(Arc::clone(&started.journal), started.writer),
            journal: started.journal,
            condition,
        };
        Ok((rig, recovered))
    }

    fn open(disk: &SimulatedDisk) -> Self {
        Self::start(disk, SMALL).unwrap().0
    }

    /// Has requests committed together.
    fn put(&mut self, asked: Vec<(QueueId, Asks)>) -> Vec<Answer> {
        put(&mut self.committer, asked)
    }

    fn commit(&mut self, message: Message) -> Answer {
        let id = message.id;
        let asks = super::commit(&self.journal, message)?;
        let large = is_large(&asks);
        let answer = self.put(vec![(id, asks)]).remove(0);
        if answer.is_err() && large {
            super::large::remove(&self.disk, &self.journal.folder, id);
        }
        answer
    }

    fn update(&mut self, id: QueueId, state: &MessageState) -> Answer {
        self.put(vec![(id, super::update(id, state))]).remove(0)
    }

    fn remove(&mut self, id: QueueId) -> Answer {
        self.put(vec![(id, Asks::Remove)]).remove(0)
    }

    /// Gives back all that can be, and says whether there was anything.
    fn give_back(&mut self) -> Result<bool, SpoolError> {
        let Self {
            journal, committer, ..
        } = self;
        let mut ask = |copies: Copies| {
            for answer in put(committer, copies) {
                match answer {
                    Ok(_) | Err(SpoolError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        let mut any = false;
        while reclaim::step(journal, &mut ask)? {
            any = true;
        }
        Ok(any)
    }

    fn end(mut self) {
        self.committer.finish();
    }
}

fn is_large(asks: &Asks) -> bool {
    matches!(
        asks,
        Asks::Commit {
            content: Held::Apart { .. },
            ..
        }
    )
}

fn put(committer: &mut Committer, asked: Vec<(QueueId, Asks)>) -> Vec<Answer> {
    let (requests, answers): (VecDeque<Request>, Vec<oneshot::Receiver<Answer>>) = asked
        .into_iter()
        .map(|(id, asks)| Request::new(id, asks))
        .unzip();
    let mut waiting = requests;
    while !waiting.is_empty() {
        committer.handle(&mut waiting);
    }
    answers
        .into_iter()
        .map(|mut answer| answer.try_recv().expect("every request is answered"))
        .collect()
}

impl Subject for Rig {
    const FORGETS_REFUSED: bool = true;

    fn open(disk: &SimulatedDisk) -> Result<(Self, Recovered), SpoolError> {
        Self::start(disk, SMALL)
    }

    fn ask(&mut self, asks: Vec<Ask>) -> Vec<Result<(), SpoolError>> {
        // A large message's content that cannot be written never comes to the committer.
        let mut answers: Vec<Option<Result<(), SpoolError>>> = Vec::new();
        let mut asked = Vec::new();
        for ask in asks {
            let prepared = match ask {
                Ask::Commit(message) => {
                    let id = message.id;
                    super::commit(&self.journal, *message).map(|asks| (id, asks))
                }
                Ask::Update(id, state) => Ok((id, super::update(id, &state))),
                Ask::Remove(id) => Ok((id, Asks::Remove)),
            };
            match prepared {
                Ok(prepared) => {
                    answers.push(None);
                    asked.push(prepared);
                }
                Err(error) => answers.push(Some(Err(error))),
            }
        }
        let large: Vec<(QueueId, bool)> = asked
            .iter()
            .map(|(id, asks)| match asks {
                Asks::Remove => (
                    *id,
                    self.journal
                        .index()
                        .get(*id)
                        .is_some_and(|known| known.large),
                ),
                _ => (*id, is_large(asks)),
            })
            .collect();
        let removals: Vec<bool> = asked
            .iter()
            .map(|(_, asks)| matches!(asks, Asks::Remove))
            .collect();
        let put = self.put(asked);
        let mut results = Vec::new();
        for ((answer, (id, large)), removal) in put.into_iter().zip(large).zip(removals) {
            if large && answer.is_ok() == removal {
                super::large::remove(&self.disk, &self.journal.folder, id);
            }
            results.push(answer.map(drop));
        }
        let mut results = results.into_iter();
        answers
            .into_iter()
            .map(|answer| answer.or_else(|| results.next()).unwrap())
            .collect()
    }

    fn read(&self, id: QueueId) -> Result<Stored, SpoolError> {
        self.journal.read(id)
    }

    fn head(&self, id: QueueId) -> Result<Head, SpoolError> {
        self.journal.head(id)
    }

    fn chore(&mut self, chore: Chore) {
        match chore {
            Chore::MakeReady => drop(self.journal.supply.fill(1)),
            Chore::GiveBack => drop(self.give_back()),
            Chore::Wait => {
                self.clock.advance(Duration::from_secs(6));
                self.committer.mend_if_due();
            }
        }
    }

    fn end(self) {
        Self::end(self);
    }
}
