//! A spool under random operations on a failing disk, against a model of what it has promised.
//!
//! What befalls the disk, several of it at a time: an operation fails, once or from then on; the file system can only be read;
//! there is no room; a read, a list or a look fails, once or from then on; it is healed; the process dies in an operation; the
//! process is killed; the power is lost. A start is befallen by the same.
//!
//! What is a failure:
//! - a message whose commit was answered and that is not there, or not octet for octet, or in a state older than the latest
//!   that was answered;
//! - a message whose removal was answered and that is there;
//! - a message whose commit was refused, while the process lived on and had something later answered, and that is there
//!   (of those spools that promise that);
//! - something set aside as damaged, since no operation here damages what was synced;
//! - a start that fails although nothing does any more;
//! - a message that cannot be read while reading works;
//! - a queue id known to the spool at some time that is above the highest that a start tells of (same).
//!
//! What is none:
//! - after an update or a removal that was not answered, or was refused, the message as before or as after;
//! - a message whose commit was not answered before the process ended, or refused in its last moments.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use proptest::prelude::*;

use super::disk::{Crash, Fault, SimulatedDisk};
use super::figures::Figures;
use crate::ids::QueueId;
use crate::spool::message::{Head, Message, MessageState, Stored, Waiting};
use crate::spool::{Recovered, SpoolError, sample};

/// A spool on a simulated disk, without threads of its own.
pub(in crate::spool) trait Subject: Sized {
    /// Whether refused commits never come back once something later was answered, and ids are remembered for ever.
    const FORGETS_REFUSED: bool;

    fn open(disk: &SimulatedDisk) -> Result<(Self, Recovered), SpoolError>;

    /// Does these at once, and gives the answers in their order.
    fn ask(&mut self, asks: Vec<Ask>) -> Vec<Result<(), SpoolError>>;

    fn read(&self, id: QueueId) -> Result<Stored, SpoolError>;

    fn head(&self, id: QueueId) -> Result<Head, SpoolError>;

    /// What threads would do meanwhile.
    fn chore(&mut self, chore: Chore);

    /// Ends cleanly.
    fn end(self);
}

/// What a spool is asked to do.
#[derive(Clone, Debug)]
pub(in crate::spool) enum Ask {
    Commit(Box<Message>),
    Update(QueueId, MessageState),
    Remove(QueueId),
}

/// Work behind the scenes.
#[derive(Clone, Copy, Debug)]
pub(in crate::spool) enum Chore {
    /// Make ready what will be needed.
    MakeReady,
    /// Give back what is needed no more.
    GiveBack,
    /// Let some seconds pass.
    Wait,
}

/// One step of a case.
#[derive(Clone, Debug)]
pub(in crate::spool) enum Operation {
    Ask(Vec<Step>),
    Read(u64),
    Chore(Chore),
    Befall(Trouble),
    Heal,
    /// The end of the process, what befalls the start after it, and how it ends if it dies of that.
    Restart(End, Vec<Trouble>, Crash),
}

/// What befalls a disk.
#[derive(Clone, Copy, Debug)]
pub(in crate::spool) enum Trouble {
    /// The change that comes so many later is hit.
    Change(usize, Fault),
    /// The same for what reads, lists, looks or opens.
    Reading(usize, Fault),
    /// There is room for so many octets.
    Room(usize),
}

impl Trouble {
    fn befall(self, disk: &SimulatedDisk) {
        match self {
            Self::Change(later, fault) => disk.strike(later, fault),
            Self::Reading(later, fault) => disk.strike_reading(later, fault),
            Self::Room(octets) => disk.leave_room(octets),
        }
    }
}

/// What to ask for: messages are named by how many commits ago they came.
#[derive(Clone, Debug)]
pub(in crate::spool) enum Step {
    Commit(usize),
    Update(u64, u32),
    Remove(u64),
}

/// How a process ends.
#[derive(Clone, Copy, Debug)]
pub(in crate::spool) enum End {
    Clean,
    Crash(Crash),
}

/// So many operations.
pub(in crate::spool) fn operations(count: Range<usize>) -> impl Strategy<Value = Vec<Operation>> {
    proptest::collection::vec(operation(), count)
}

fn operation() -> impl Strategy<Value = Operation> {
    let crash = || prop_oneof![Just(Crash::Kill), Just(Crash::PowerLoss)];
    let end = prop_oneof![
        1 => Just(End::Clean),
        4 => crash().prop_map(End::Crash),
    ];
    let chore = prop_oneof![
        1 => Just(Chore::MakeReady),
        2 => Just(Chore::GiveBack),
        1 => Just(Chore::Wait),
    ];
    let troubles = proptest::collection::vec(trouble(25), 0..3);
    prop_oneof![
        12 => proptest::collection::vec(step(), 1..6).prop_map(Operation::Ask),
        2 => (0..12_u64).prop_map(Operation::Read),
        3 => chore.prop_map(Operation::Chore),
        3 => trouble(8).prop_map(Operation::Befall),
        1 => Just(Operation::Heal),
        2 => (end, troubles, crash()).prop_map(|(end, troubles, crash)| Operation::Restart(end, troubles, crash)),
    ]
}

/// Something that befalls one of the next operations.
fn trouble(within: usize) -> impl Strategy<Value = Trouble> {
    let change = prop_oneof![
        4 => Just(Fault::Error),
        4 => Just(Fault::Death),
        1 => Just(Fault::Broken),
        1 => Just(Fault::ReadOnly),
    ];
    let reading = prop_oneof![3 => Just(Fault::Error), 1 => Just(Fault::Broken)];
    prop_oneof![
        8 => (0..within, change).prop_map(|(later, fault)| Trouble::Change(later, fault)),
        2 => (0..within, reading).prop_map(|(later, fault)| Trouble::Reading(later, fault)),
        1 => (0..80_000_usize).prop_map(Trouble::Room),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![0..300_usize, 0..9000_usize].prop_map(Step::Commit),
        3 => (0..12_u64, any::<u32>()).prop_map(|(ago, attempts)| Step::Update(ago, attempts)),
        3 => (0..12_u64).prop_map(Step::Remove),
    ]
}

/// What a message may be.
#[derive(Clone, Debug)]
struct Possible {
    message: Message,
    states: Vec<MessageState>,
    gone: bool,
    refused: bool,
}

struct Case<S> {
    disk: SimulatedDisk,
    spool: Option<S>,
    model: BTreeMap<QueueId, Possible>,
    commits: u64,
    highest: Option<QueueId>,
    crashes: u64,
    figures: Figures,
}

/// Runs one case, and says what happened in it.
pub(in crate::spool) fn run<S: Subject>(
    seed: u64,
    operations: Vec<Operation>,
) -> Result<Figures, TestCaseError> {
    let mut case = Case::<S> {
        disk: SimulatedDisk::new(seed),
        spool: None,
        model: BTreeMap::new(),
        commits: 100, // so that messages of long ago have names
        highest: None,
        crashes: seed,
        figures: Figures::default(),
    };
    case.start(&[], Crash::Kill)?;
    for operation in operations {
        case.operation(operation)?;
        if case.disk.is_dead() {
            case.crashes += 1;
            let crash = if case.crashes.is_multiple_of(2) {
                Crash::Kill
            } else {
                Crash::PowerLoss
            };
            case.restart(End::Crash(crash), &[], crash)?;
        }
    }
    case.restart(End::Crash(Crash::PowerLoss), &[], Crash::Kill)?;
    case.figures.faults = case.disk.hit();
    Ok(case.figures)
}

impl<S: Subject> Case<S> {
    fn operation(&mut self, operation: Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::Ask(steps) => self.ask(steps),
            Operation::Read(ago) => self.read(self.id(ago)),
            Operation::Chore(chore) => {
                if let Some(spool) = &mut self.spool {
                    spool.chore(chore);
                }
                Ok(())
            }
            Operation::Befall(trouble) => {
                trouble.befall(&self.disk);
                Ok(())
            }
            Operation::Heal => {
                self.disk.heal();
                Ok(())
            }
            Operation::Restart(end, troubles, crash) => self.restart(end, &troubles, crash),
        }
    }

    fn id(&self, ago: u64) -> QueueId {
        sample::message(self.commits - ago).id
    }

    fn ask(&mut self, steps: Vec<Step>) -> Result<(), TestCaseError> {
        let mut asks = Vec::new();
        for step in steps {
            asks.push(match step {
                Step::Commit(size) => {
                    self.commits += 1; // names are never given twice
                    let mut message = sample::message(self.commits);
                    let mut random = fastrand::Rng::with_seed(self.commits);
                    message.content = std::iter::repeat_with(|| random.u8(..))
                        .take(size)
                        .collect();
                    Ask::Commit(Box::new(message))
                }
                Step::Update(ago, attempts) => Ask::Update(
                    self.id(ago),
                    MessageState {
                        attempts,
                        ..sample::worked_on()
                    },
                ),
                Step::Remove(ago) => Ask::Remove(self.id(ago)),
            });
        }
        let Some(spool) = &mut self.spool else {
            return Ok(());
        };
        let answers = spool.ask(asks.clone());
        prop_assert_eq!(answers.len(), asks.len());
        let refused: Vec<QueueId> = self
            .model
            .iter()
            .filter(|(_, possible)| possible.refused)
            .map(|(id, _)| *id)
            .collect();
        let answered = answers.iter().any(Result::is_ok);
        for (ask, answer) in asks.into_iter().zip(answers) {
            self.note(ask, answer)?;
        }
        if answered && S::FORGETS_REFUSED {
            for id in refused {
                self.model.remove(&id);
            }
        }
        Ok(())
    }

    /// Takes note of an answer.
    fn note(&mut self, ask: Ask, answer: Result<(), SpoolError>) -> Result<(), TestCaseError> {
        let (id, model) = match &ask {
            Ask::Commit(message) => {
                let refused = answer.is_err();
                if !refused {
                    self.figures.messages += 1;
                    self.highest = self.highest.max(Some(message.id));
                }
                let possible = Possible {
                    states: vec![message.state.clone()],
                    message: message.as_ref().clone(),
                    gone: refused,
                    refused,
                };
                self.model.insert(message.id, possible);
                return Ok(());
            }
            Ask::Update(id, _) | Ask::Remove(id) => (*id, &mut self.model),
        };
        let Some(possible) = model.get_mut(&id) else {
            prop_assert!(answer.is_err(), "{id} is not there");
            return Ok(());
        };
        match (ask, answer) {
            (_, Err(SpoolError::NotFound { .. })) => {
                prop_assert!(possible.gone, "{id} is lost");
            }
            (Ask::Update(_, state), Ok(())) => {
                possible.states = vec![state];
                possible.gone = false;
                possible.refused = false;
            }
            (Ask::Update(_, state), Err(_)) => possible.states.push(state),
            (Ask::Remove(_), Ok(())) => drop(model.remove(&id)),
            (Ask::Remove(_), Err(_)) => possible.gone = true,
            (Ask::Commit(_), _) => {}
        }
        Ok(())
    }

    fn read(&self, id: QueueId) -> Result<(), TestCaseError> {
        let Some(spool) = &self.spool else {
            return Ok(());
        };
        let hit = self.disk.hit();
        match (spool.read(id), self.model.get(&id)) {
            (Err(SpoolError::Io { .. }), _) if self.disk.hit() > hit => Ok(()),
            (Ok(Stored { message }), Some(possible)) => {
                possible.allows(&message)?;
                match spool.head(id) {
                    Err(SpoolError::Io { .. }) if self.disk.hit() > hit => {}
                    head => {
                        let head = head.map_err(|error| format!("{error:?}"));
                        prop_assert_eq!(head, Ok(Head::from(message)));
                    }
                }
                Ok(())
            }
            (Ok(_), None) => Err(TestCaseError::fail(format!("{id} has come back"))),
            (Err(error), Some(possible)) if !possible.gone => Err(TestCaseError::fail(format!(
                "{id} cannot be read: {error:?}"
            ))),
            (Err(_), _) => Ok(()),
        }
    }

    fn restart(
        &mut self,
        end: End,
        troubles: &[Trouble],
        crash: Crash,
    ) -> Result<(), TestCaseError> {
        let spool = self.spool.take();
        self.figures.ended(end);
        match end {
            End::Clean if !self.disk.is_dead() => {
                if let Some(spool) = spool {
                    spool.end();
                }
                self.disk.crash(Crash::Kill);
            }
            End::Clean => self.disk.crash(Crash::Kill),
            End::Crash(crash) => self.disk.crash(crash),
        }
        self.start(troubles, crash)
    }

    fn start(&mut self, troubles: &[Trouble], crash: Crash) -> Result<(), TestCaseError> {
        for trouble in troubles {
            trouble.befall(&self.disk);
        }
        let opened = match S::open(&self.disk) {
            Ok(opened) if !self.disk.is_dead() => Ok(opened),
            Ok(_) | Err(_) if !troubles.is_empty() => {
                if self.disk.is_dead() {
                    self.figures.ended(End::Crash(crash));
                    self.disk.crash(crash);
                }
                self.disk.heal();
                S::open(&self.disk)
            }
            other => other,
        };
        self.disk.heal();
        let (spool, recovered) = match opened {
            Ok(opened) => opened,
            Err(error) => return Err(TestCaseError::fail(format!("no start: {error:?}"))),
        };
        self.compare(&spool, recovered)?;
        self.spool = Some(spool);
        Ok(())
    }

    /// Compares what a start found with the model, and narrows the model to it.
    fn compare(&mut self, spool: &S, recovered: Recovered) -> Result<(), TestCaseError> {
        prop_assert_eq!(&recovered.corrupt, &Vec::<PathBuf>::new());
        let found: BTreeMap<QueueId, Waiting> = recovered.messages.into_iter().collect();
        for (id, possible) in &self.model {
            prop_assert!(
                possible.gone || found.contains_key(id),
                "{} is lost: {:?}",
                id,
                possible.states
            );
        }
        if S::FORGETS_REFUSED {
            prop_assert!(recovered.last_id >= self.highest, "ids may be given twice");
        }
        for (id, waiting) in &found {
            let Some(possible) = self.model.get_mut(id) else {
                return Err(TestCaseError::fail(format!("{id} has come back")));
            };
            let message = match spool.read(*id) {
                Ok(stored) => stored.message,
                Err(error) => return Err(TestCaseError::fail(format!("{id}: {error:?}"))),
            };
            possible.allows(&message)?;
            prop_assert_eq!(waiting, &Waiting::from(&message.state));
            possible.states = vec![message.state];
            possible.gone = false;
            possible.refused = false;
        }
        self.model.retain(|id, _| found.contains_key(id));
        Ok(())
    }
}

impl Possible {
    fn allows(&self, message: &Message) -> Result<(), TestCaseError> {
        let Message { id, state, .. } = message;
        prop_assert!(
            self.states.contains(state),
            "{id}: {state:?} of {:?}",
            self.states
        );
        let as_accepted = Message {
            state: self.message.state.clone(),
            ..message.clone()
        };
        prop_assert!(as_accepted == self.message, "{id} is not what was accepted");
        Ok(())
    }
}
