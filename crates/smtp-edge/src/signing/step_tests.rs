//! Random lists of reloads, outages, revocations, restarts and departures against what must hold of any of them.
//!
//! What is a failure: a copy that leaves with a signature that does not verify, or by a key that the policy in force does not
//! name or that was withdrawn; without one that the policy in force asks for and that can be had; unsigned under enforcement;
//! a signature made anew without an occasion; a body that is looked at again. What is not: a signature made while the store
//! could be read, by a key that is out of reach now.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use common_config::name::KeyName;
use common_config::notes_ini::NotesIni;
use credstore::NekDir;
use dkim_core::{Limits, LookupError, SigningKey, verify};
use proptest::prelude::*;
use router_config::{RouterSettings, SigningSettings};

use super::*;
use crate::intake::normalize::Normalized;
use crate::signing::keyring::{KeyFault, KeyInForce, KeySource, Keyring};
use crate::signing::self_check::tests::no_dns;
use crate::signing::state::{Signatures, Signings};
use crate::spool::record::{decode_message, encode_message};
use crate::spool::sample;

const SELECTORS: [&str; 3] = ["s1", "s2", "s3"];

/// What a reload brings.
#[derive(Debug, Clone, PartialEq)]
struct Policy {
    mode: u8,
    /// Places in [`SELECTORS`]; none is no entry.
    selectors: Vec<usize>,
    quiet: bool,
    expire_after: Option<u64>,
    /// Signatures for one.example.
    most: usize,
    self_check: &'static str,
}

#[derive(Debug, Clone)]
enum Operation {
    Reload(Policy),
    /// A new key in the place of the old.
    Create(usize),
    Revoke(usize),
    Delete(usize),
    /// The store cannot be read at the next reload or start, or it can again.
    Away(bool),
    Pass(u64),
    Restart,
    Depart,
}

fn policy() -> impl Strategy<Value = Policy> {
    let selectors = proptest::sample::subsequence(vec![0, 1, 2], 0..=3).prop_shuffle();
    let expiry = proptest::option::of(Just(7200));
    (
        0..3_u8,
        selectors,
        proptest::bool::weighted(0.1),
        expiry,
        1..4_usize,
    )
        .prop_map(|(mode, selectors, quiet, expire_after, most)| Policy {
            mode,
            selectors,
            quiet,
            expire_after,
            most,
            self_check: "off",
        })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => policy().prop_map(Operation::Reload),
        2 => (0..3_usize).prop_map(Operation::Create),
        2 => (0..3_usize).prop_map(Operation::Revoke),
        1 => (0..3_usize).prop_map(Operation::Delete),
        2 => any::<bool>().prop_map(Operation::Away),
        2 => (1..6000_u64).prop_map(Operation::Pass),
        2 => Just(Operation::Restart),
        6 => Just(Operation::Depart),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum KeyState {
    Missing,
    Revoked,
    /// With the number from which it is made.
    Active(u8),
}

struct World {
    clock: Clock,
    step: SigningStep,
    policy: Policy,
    /// The store, and what the keyring in force has of it: nothing where it could not be read.
    store: [KeyState; 3],
    keyring: Option<[KeyState; 3]>,
    away: bool,
    keys_made: u8,
    /// As it was accepted, and as it is on record.
    original: Message,
    message: Message,
    /// Nothing has happened since that is an occasion.
    calm: bool,
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_ed25519_seed(&[number; 32]).unwrap()
}

fn name(place: usize) -> KeyName {
    format!("{}._domainkey.acme.com", SELECTORS[place])
        .parse()
        .unwrap()
}

fn in_force(policy: &Policy, keyring: Option<[KeyState; 3]>) -> InForce {
    let entry: Vec<&str> = policy
        .selectors
        .iter()
        .map(|place| SELECTORS[*place])
        .collect();
    let entry = match entry.is_empty() {
        true => String::new(),
        false => format!("DKIM_KEY_acme.com={}\n", entry.join(",")),
    };
    let notes = format!("{entry}RouterDKIMSigning={}\n", policy.mode);
    let notes = NotesIni::parse(Path::new("notes.ini"), notes.as_bytes()).unwrap();
    let router: RouterSettings = serde_json::from_str(
        r#"{"internal_domains": ["internal.example"], "internal_next_hop": "127.0.0.1:25",
            "postmaster": "postmaster@internal.example"}"#,
    )
    .unwrap();
    let signing = format!(
        r#"{{"quiet": {}, "expire_after": {}, "self_check": {:?},
            "profiles": [{{"name": "few", "destinations": ["one.example"], "max_signatures": {}}}]}}"#,
        policy.quiet,
        policy
            .expire_after
            .map_or("null".to_owned(), |seconds| seconds.to_string()),
        policy.self_check,
        policy.most,
    );
    let signing: SigningSettings = serde_json::from_str(&signing).unwrap();
    let router = RouterConfig::load(&router, &signing, notes.entries()).unwrap();
    let fault = |class| {
        Err(KeyFault {
            class,
            why: "said by the test".into(),
        })
    };
    let keys = (0..3).map(|place| {
        let found = match keyring.map(|keys| keys[place]) {
            None => fault(FaultClass::StoreAway),
            Some(KeyState::Missing) => fault(FaultClass::KeyMissing),
            Some(KeyState::Revoked) => fault(FaultClass::KeyRevoked),
            Some(KeyState::Active(number)) => Ok(KeyInForce::from(key(number))),
        };
        (name(place), found)
    });
    let source = KeySource {
        store: "none".into(),
        neks: NekDir::new("none".into()),
        rsa_minimum_bits: 1024,
    };
    InForce::new(Arc::new(router), source, Keyring::of(keys.collect())).unwrap()
}

impl World {
    async fn new(policy: Policy) -> Self {
        let store = [KeyState::Active(1), KeyState::Active(2), KeyState::Missing];
        let clock = Clock::manual(sample::accepted());
        let step = SigningStep::new(in_force(&policy, Some(store)), no_dns(), clock.clone());
        let content = b"From: a@acme.com\r\nTo: b\r\nSubject: c\r\n\r\nthe body\r\n".to_vec();
        let content = Normalized::parse(content);
        let mut message = sample::message(1);
        message.envelope.recipients = ["a@one.example", "b@two.example", "c@internal.example"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        message.trace = b"Received: here\r\n".to_vec();
        message.body_hashes = hash_body(content.body());
        message.content = content.content;
        message.state = crate::spool::message::MessageState {
            signings: Signings::default(),
            ..sample::fresh(3)
        };
        let outcomes = step.sign(&message).await;
        message.state.signings = outcomes.into_iter().map(|outcome| outcome.record).collect();
        let original = message.clone();
        // Whoever looked at the body again would find another one.
        let body = message.content.len() - 6;
        message.content[body] ^= 1;
        Self {
            clock,
            step,
            policy,
            store,
            keyring: Some(store),
            away: false,
            keys_made: 2,
            original,
            message,
            calm: true,
        }
    }

    fn now(&self) -> u64 {
        unix_seconds(self.clock.now())
    }

    /// The watch or a reload reads the store.
    fn read_keys(&mut self) {
        self.keyring = (!self.away).then_some(self.store);
        self.step.replace(in_force(&self.policy, self.keyring));
        self.calm = false;
    }

    fn operate(&mut self, operation: &Operation) {
        let was_away = self.away;
        match operation {
            Operation::Reload(policy) => {
                self.policy = policy.clone();
                self.read_keys();
            }
            Operation::Create(place) => {
                self.keys_made += 1;
                self.store[*place] = KeyState::Active(self.keys_made);
            }
            Operation::Revoke(place) => {
                if let KeyState::Active(_) = self.store[*place] {
                    self.store[*place] = KeyState::Revoked;
                }
            }
            Operation::Delete(place) => self.store[*place] = KeyState::Missing,
            Operation::Away(away) => self.away = *away,
            Operation::Pass(seconds) => {
                self.clock.advance(Duration::from_secs(*seconds));
                self.calm &= self.policy.expire_after.is_none();
            }
            Operation::Restart => {
                let record = encode_message(&self.message);
                self.message = decode_message(&record).unwrap();
                let calm = self.calm && !self.away;
                self.read_keys();
                self.calm = calm;
            }
            Operation::Depart => {}
        }
        // A store that can be read is watched.
        let changed = match operation {
            Operation::Create(_) | Operation::Revoke(_) | Operation::Delete(_) => !self.away,
            Operation::Away(_) => was_away && !self.away,
            _ => false,
        };
        if changed {
            self.read_keys();
        }
    }

    async fn depart(&mut self) {
        let before = self.message.state.signings.clone();
        let replayed = self.step.replay(&self.message).await;
        let copies = [("few", self.policy.most), ("default", usize::MAX)];
        for (place, (profile, most)) in copies.into_iter().enumerate() {
            if self.message.state.recipients[place] != RecipientState::Pending(None) {
                continue;
            }
            let profile = profile.parse().unwrap();
            let record = replayed.signings.of(&profile).unwrap();
            let as_before = before.of(&profile) == Some(record);
            if self.calm && !matches!(record.signing, Signing::Deferred(_)) {
                assert!(as_before, "signed again for nothing");
            }
            match &record.signing {
                // Refused is refused: the sender is told, and a key that comes now comes too late.
                Signing::Refused(_) => {
                    assert!(as_before || self.policy.mode == 2 && self.has_faults(most));
                    self.message.state.recipients[place] = RecipientState::Reported;
                }
                signing => self.check(signing, most),
            }
        }
        self.message.state.signings = replayed.signings;
        self.calm = true;
    }

    /// Those keys of the line whose turn it is: places and numbers of the ones that can sign, states of the ones that cannot.
    fn turns(&self, most: usize) -> (Vec<(usize, u8)>, Vec<Option<KeyState>>) {
        let (mut able, mut unable) = (Vec::new(), Vec::new());
        for place in &self.policy.selectors {
            if able.len() < most {
                match self.keyring.map(|keys| keys[*place]) {
                    Some(KeyState::Active(number)) => able.push((*place, number)),
                    state => unable.push(state),
                }
            }
        }
        (able, unable)
    }

    fn has_faults(&self, most: usize) -> bool {
        !self.turns(most).1.is_empty()
    }

    fn check(&self, signing: &Signing, most: usize) {
        let Policy {
            mode,
            selectors,
            quiet,
            ..
        } = &self.policy;
        if *mode == 0 || *quiet || selectors.is_empty() {
            assert_eq!(*signing, Signing::NotNeeded);
            return;
        }
        let (able, unable) = self.turns(most);
        let for_good = unable.iter().any(Option::is_some);
        match signing {
            Signing::NotNeeded => panic!("the policy asks for signatures"),
            Signing::Deferred(_) => assert!(*mode == 2 && !unable.is_empty() && !for_good),
            Signing::Refused(_) => panic!("looked at before"),
            Signing::Done(signatures) => {
                assert!(*mode == 1 || !for_good, "{unable:?}");
                self.check_signatures(signatures, &able);
                if *mode == 2 {
                    assert_eq!(signatures.keys.len(), selectors.len().min(most));
                }
            }
        }
    }

    fn check_signatures(&self, signatures: &Signatures, able: &[(usize, u8)]) {
        for (place, number) in able {
            let fingerprint = KeyInForce::from(key(*number)).fingerprint;
            let used = signatures
                .keys
                .iter()
                .find(|used| used.name == name(*place));
            assert_eq!(
                used.map(|used| used.fingerprint),
                Some(fingerprint),
                "{able:?}"
            );
        }
        let named = |used: &KeyName| {
            self.policy
                .selectors
                .iter()
                .any(|place| name(*place) == *used)
        };
        assert!(signatures.keys.iter().all(|used| named(&used.name)));
        if self.keyring.is_some() {
            assert_eq!(signatures.keys.len(), able.len());
        }
        // What was made while the store could be read verifies by the key of that time.
        let by_fingerprint: HashMap<[u8; 32], u8> = (1..=self.keys_made)
            .map(|number| (KeyInForce::from(key(number)).fingerprint, number))
            .collect();
        let record = |asked: &KeyName| {
            let used = signatures.keys.iter().find(|used| used.name == *asked);
            let number = used.and_then(|used| by_fingerprint.get(&used.fingerprint));
            number
                .map(|number| vec![key(*number).record().to_value()])
                .ok_or(LookupError::NoRecord)
        };
        let Message { trace, content, .. } = &self.original;
        let whole = [&signatures.header, trace, content]
            .map(Vec::as_slice)
            .concat();
        let verified = verify(&whole, record, self.now(), &Limits::default());
        assert_eq!(verified.len(), signatures.keys.len());
        for one in &verified {
            assert!(one.result.is_pass(), "{}", one.result);
            let left = one
                .expires
                .map(|expires| expires.saturating_sub(self.now()));
            assert!(left.is_none_or(|left| left >= 3600), "expires in {left:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_leaves_is_signed_as_the_policy_in_force_says(
        first in policy(),
        operations in proptest::collection::vec(operation(), 1..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(first).await;
            for operation in &operations {
                world.operate(operation);
                if let Operation::Depart = operation {
                    world.depart().await;
                }
            }
            world.depart().await;
        });
    }
}

/// A key that signs something else than it is given.
struct Broken;

impl dkim_core::RawSigner for Broken {
    fn algorithm(&self) -> dkim_core::Algorithm {
        dkim_core::Algorithm::Ed25519Sha256
    }

    fn public_key(&self) -> Vec<u8> {
        vec![7; 32]
    }

    fn sign_sha256(&self, _: &[u8; 32]) -> Result<Vec<u8>, dkim_core::RawSignError> {
        Ok(vec![0; 64])
    }
}

#[tokio::test]
async fn a_signature_that_does_not_verify_is_not_sent() {
    for (mode, expected) in [(1, "signed by 1"), (2, "refused self_check_failed")] {
        let policy = Policy {
            mode,
            selectors: vec![0, 1],
            quiet: false,
            expire_after: None,
            most: 3,
            self_check: "all",
        };
        let world = World::new(policy).await;
        let broken = SigningKey::from_raw_signer(Box::new(Broken)).unwrap();
        let keys = [(name(0), broken), (name(1), key(2))];
        let keys = keys.map(|(name, key)| (name, Ok(KeyInForce::from(key))));
        let before = world.step.in_force();
        world
            .step
            .replace(before.with_keyring(Keyring::of(keys.into())));
        let mut message = world.original.clone();
        message.state.signings = Signings::default();
        for outcome in world.step.sign(&message).await {
            let found = match outcome.record.signing {
                Signing::Done(signatures) => format!("signed by {}", signatures.keys.len()),
                Signing::Refused(fault) => format!("refused {}", fault.class.label()),
                other => format!("{other:?}"),
            };
            assert_eq!(found, expected);
        }
    }
}
