//! What was in force when, as far as it can be known from outside, and whether a message's signatures are those of a policy that
//! can have been in force while it was in the edge.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use edge_tests::setup::PRIMARY;

/// A mode and the selectors of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    mode: u8,
    selectors: Vec<String>,
}

impl Policy {
    pub(super) fn new(mode: u8, selectors: &[&str]) -> Self {
        let selectors = selectors.iter().map(|&selector| selector.to_owned());
        Self {
            mode,
            selectors: selectors.collect(),
        }
    }

    pub(super) fn notes(&self) -> String {
        let (mode, selectors) = (self.mode, self.selectors.join(","));
        format!("RouterDKIMSigning={mode}\nDKIM_KEY_{PRIMARY}={selectors}\n")
    }
}

/// The times of one key, each by the clock of this machine.
#[derive(Debug, Clone, Default)]
struct KeyTimes {
    creating: Option<Timestamp>,
    created: Option<Timestamp>,
    revoking: Option<Timestamp>,
    revoked: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) struct Timeline {
    /// Each policy, and from when it can have been in force.
    policies: Vec<(Timestamp, Policy)>,
    /// When the edge said that it had reloaded.
    pub(super) reloaded: Vec<Timestamp>,
    keys: BTreeMap<String, KeyTimes>,
    /// The selectors that new policies name.
    named: Vec<String>,
    sent: BTreeMap<String, Timestamp>,
    arrived: BTreeMap<String, Timestamp>,
}

impl Timeline {
    pub(super) fn new(first: Policy, keys: &[&str]) -> Self {
        let known = KeyTimes {
            creating: Some(Timestamp::UNIX_EPOCH),
            created: Some(Timestamp::UNIX_EPOCH),
            ..KeyTimes::default()
        };
        Self {
            policies: vec![(Timestamp::UNIX_EPOCH, first)],
            reloaded: Vec::new(),
            keys: keys
                .iter()
                .map(|&key| (key.to_owned(), known.clone()))
                .collect(),
            named: keys.iter().map(|&key| key.to_owned()).collect(),
            sent: BTreeMap::new(),
            arrived: BTreeMap::new(),
        }
    }

    /// Makes up the policy of a beat: one selector or two, in both modes, and sometimes none at all.
    pub(super) fn next_policy(&mut self, beat: usize) -> Policy {
        let name = |number: usize| self.named[number % self.named.len()].as_str();
        let policy = match beat % 7 {
            0 => Policy::new(0, &[name(beat)]),
            1 | 4 => Policy::new(1, &[name(beat), name(beat + 1)]),
            2 | 5 => Policy::new(2, &[name(beat)]),
            _ => Policy::new(2, &[name(beat), name(beat + 1)]),
        };
        self.policies.push((Timestamp::now(), policy.clone()));
        policy
    }

    pub(super) fn sent(&mut self, subject: &str) {
        self.sent.insert(subject.to_owned(), Timestamp::now());
    }

    pub(super) fn arrived(&mut self, subject: &str) {
        self.arrived.insert(subject.to_owned(), Timestamp::now());
    }

    pub(super) fn creating(&mut self, key: &str) {
        self.keys.entry(key.to_owned()).or_default().creating = Some(Timestamp::now());
    }

    /// From now on policies name it.
    pub(super) fn created(&mut self, key: &str) {
        self.keys.entry(key.to_owned()).or_default().created = Some(Timestamp::now());
        self.named.push(key.to_owned());
    }

    /// Policies name it no more.
    pub(super) fn retire(&mut self, key: &str) {
        self.named.retain(|named| named != key);
    }

    pub(super) fn revoking(&mut self, key: &str) {
        self.keys.entry(key.to_owned()).or_default().revoking = Some(Timestamp::now());
    }

    pub(super) fn revoked(&mut self, key: &str) {
        self.keys.entry(key.to_owned()).or_default().revoked = Some(Timestamp::now());
        self.retire(key);
    }

    /// Requires that some policy can have asked for these signatures while the message was in the edge.
    pub(super) fn check(&self, subject: &str, signed: &[String]) {
        let (from, to) = (self.sent[subject], self.arrived[subject]);
        let mut candidates = self.in_force(from, to);
        let fits = candidates.any(|policy| self.fits(policy, signed, from, to));
        assert!(
            fits,
            "{subject} is signed by {signed:?}, between {from} and {to}: none of {:#?}",
            self.in_force(from, to).collect::<Vec<_>>()
        );
    }

    /// The policies that can have been in force at some moment between the two. One that was written by then is out of force
    /// only if a reload has ended since that began after the next was written; a reload begins when the one before has ended.
    fn in_force(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Policy> {
        let begun = self.reloaded.iter().zip(self.reloaded.iter().skip(1));
        let superseding: Vec<Timestamp> = begun
            .filter(|(_, ended)| **ended <= from)
            .map(|(begun, _)| *begun)
            .collect();
        let next = self
            .policies
            .iter()
            .skip(1)
            .map(|(written, _)| Some(*written));
        let with_next = self.policies.iter().zip(next.chain([None]));
        with_next
            .filter(move |((written, _), next)| {
                let gone = next.is_some_and(|next| superseding.iter().any(|begun| *begun >= next));
                *written <= to && !gone
            })
            .map(|((_, policy), _)| policy)
    }

    fn fits(&self, policy: &Policy, signed: &[String], from: Timestamp, to: Timestamp) -> bool {
        let by = |selector: &String| signed.contains(selector);
        match policy.mode {
            0 => signed.is_empty(),
            2 if signed.len() != policy.selectors.len() => false,
            _ => {
                signed
                    .iter()
                    .all(|one| policy.selectors.contains(one) && self.may_sign(one, from, to))
                    && policy
                        .selectors
                        .iter()
                        .all(|one| by(one) || !self.must_sign(one, from, to))
            }
        }
    }

    /// Whether the key can have been in the edge's hands: it was there, and what was revoked reaches the edge in a second.
    fn may_sign(&self, key: &str, from: Timestamp, to: Timestamp) -> bool {
        let times = &self.keys[key];
        times.creating.is_some_and(|creating| creating <= to)
            && times.revoked.is_none_or(|revoked| revoked + NOTICED > from)
    }

    /// Whether the key was there all the time.
    fn must_sign(&self, key: &str, from: Timestamp, to: Timestamp) -> bool {
        let times = &self.keys[key];
        times
            .created
            .is_some_and(|created| created + NOTICED < from)
            && times.revoking.is_none_or(|revoking| revoking > to)
    }
}

/// A change of the store is in force within a second; a busy machine has one more.
const NOTICED: SignedDuration = SignedDuration::from_secs(2);
