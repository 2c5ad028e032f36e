//! The account of what was answered against what arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use edge_tests::log::{Log, field};
use edge_tests::mock_mta::{Arrived, MockMta};
use edge_tests::world::{Stage, World};

use super::load::{Answered, GONE, SUBJECT};

/// What was known at each kill.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    kills: Vec<Kill>,
}

#[derive(Debug)]
struct Kill {
    /// What each exchanger had got by then.
    arrived: [usize; 3],
    /// The queue ids of messages that were gone from the spool.
    settled: BTreeSet<String>,
}

/// A copy of a message, as an exchanger got it; a report about one has the place [`REPORTS`].
type Copies = BTreeMap<String, Vec<usize>>;

/// The place of the internal server among the exchangers.
const REPORTS: usize = 2;

impl Ledger {
    /// Takes note of a kill. What arrives later comes from a later run.
    pub(super) fn killed(&mut self, stage: &Stage, log: &Log) {
        reported_once(log);
        let removed = log.matching("removed", &[]);
        self.kills.push(Kill {
            arrived: [&stage.partner, &stage.other, &stage.internal].map(|one| one.arrived().len()),
            settled: removed
                .iter()
                .map(|event| field(event, "queue_id"))
                .collect(),
        });
    }

    /// The copies and reports that are still to come.
    pub(super) fn missing(
        &self,
        answered: &BTreeMap<String, Answered>,
        world: &World,
    ) -> Vec<String> {
        let copies = exchangers(world).map(copies);
        let due = answered.iter().flat_map(|(subject, message)| {
            let places = message.recipients.iter().map(|to| place(to));
            places.map(move |place| (subject, place))
        });
        due.filter(|(subject, place)| !copies[*place].contains_key(*subject))
            .map(|(subject, place)| format!("{subject} at {place}: {:?}", answered[subject]))
            .collect()
    }

    /// Checks what came more than once, and counts.
    pub(super) fn close(
        &self,
        answered: &BTreeMap<String, Answered>,
        world: &World,
        concurrency: usize,
    ) -> Summary {
        let mut again = vec![0; self.kills.len()];
        let mut summary = Summary {
            answered: answered.len(),
            ..Summary::default()
        };
        reported_once(&world.edge.log);
        for (place, exchanger) in exchangers(world).into_iter().enumerate() {
            let arrived = exchanger.arrived();
            for (subject, indexes) in &copies(exchanger) {
                let id = answered.get(subject).map(|answered| answered.id.as_str());
                summary.unanswered += usize::from(id.is_none());
                let messages = by_message_id(&arrived, indexes);
                for pair in messages.values().flat_map(|indexes| indexes.windows(2)) {
                    let kill = self.between(place, pair[0], pair[1]);
                    let kill = kill.unwrap_or_else(|| panic!("{subject} came twice in one run"));
                    again[kill] += 1;
                }
                if place == REPORTS {
                    summary.reported += 1;
                    summary.anew += messages.len() - 1;
                    continue; // a message is settled when its report is accepted, which is before that arrives
                }
                assert_eq!(messages.len(), 1, "{subject} became two messages");
                summary.delivered += 1;
                let last = indexes.last().copied().unwrap_or_default();
                if let Some(kill) = id.and_then(|id| self.settled(id)) {
                    let late = last >= self.kills[kill].arrived[place];
                    assert!(!late, "{subject} came again after it had been settled");
                }
            }
        }
        for (kill, again) in again.iter().enumerate() {
            let most = concurrency;
            assert!(
                *again <= most,
                "{again} copies came again after kill {kill}"
            );
        }
        let most = concurrency * self.kills.len();
        assert!(summary.anew <= most, "{} reports anew", summary.anew);
        summary.again = again.iter().sum();
        summary
    }

    /// The first kill between two arrivals.
    fn between(&self, place: usize, earlier: usize, later: usize) -> Option<usize> {
        let span = earlier + 1..=later;
        self.kills
            .iter()
            .position(|kill| span.contains(&kill.arrived[place]))
    }

    /// The kill before which a message was gone from the spool.
    fn settled(&self, id: &str) -> Option<usize> {
        self.kills.iter().position(|kill| kill.settled.contains(id))
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Summary {
    answered: usize,
    delivered: usize,
    reported: usize,
    unanswered: usize,
    again: usize,
    /// Reports beside the first about a message: stored just before a kill that came before the message knew.
    anew: usize,
}

impl Summary {
    /// Messages, those that were lost, and copies that came twice; in the form of `cargo xtask crash`.
    pub(super) fn figures(&self) -> String {
        let Self {
            answered,
            again,
            anew,
            ..
        } = self;
        format!("{answered} | 0 | {again} copies that were under way at a kill, {anew} reports")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages answered 250, 0 lost; {} copies delivered and {} reports, of which {} are of messages whose 250 \
             was not seen; {} came again, and {} reports were made anew",
            self.answered, self.delivered, self.reported, self.unanswered, self.again, self.anew
        )
    }
}

fn exchangers(world: &World) -> [&MockMta; 3] {
    [&world.partner, &world.other, &world.internal]
}

/// Where a recipient's copy, or the report about it, comes to.
fn place(to: &str) -> usize {
    match to {
        GONE => REPORTS,
        to if to.ends_with("@other.test") => 1,
        _ => 0,
    }
}

/// By subject, the places in an exchanger's list at which it got it.
fn copies(exchanger: &MockMta) -> Copies {
    let mut copies = Copies::new();
    for (index, arrived) in exchanger.arrived().iter().enumerate() {
        copies.entry(subject(arrived)).or_default().push(index);
    }
    copies
}

/// The copies of what has one subject, by the message that they are copies of: only of reports there may be several.
fn by_message_id(arrived: &[Arc<Arrived>], indexes: &[usize]) -> BTreeMap<Vec<String>, Vec<usize>> {
    let mut messages = BTreeMap::<_, Vec<usize>>::new();
    for index in indexes {
        let id = arrived[*index].values("Message-ID");
        messages.entry(id).or_default().push(*index);
    }
    messages
}

/// A run makes one report about a message at the most.
fn reported_once(log: &Log) {
    let mut reported = BTreeSet::new();
    for event in log.matching("reported", &[]) {
        let id = field(&event, "queue_id");
        assert!(
            reported.insert(id.clone()),
            "{id} was reported twice in one run"
        );
    }
}

/// The subject of a message, or of the one that a report is about.
fn subject(arrived: &Arc<Arrived>) -> String {
    let text = arrived.text();
    let (_, rest) = text
        .split_once(&format!("Subject: {SUBJECT}"))
        .expect("a subject");
    let end = rest.find('-').expect("a subject's end") + 1;
    format!("{SUBJECT}{}", &rest[..end])
}
