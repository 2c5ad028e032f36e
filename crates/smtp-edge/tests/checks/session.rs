//! Whole sessions: what a client says in any pieces, and what a driver does meanwhile. Two sessions are held side by side:
//! one hears the pieces as they come and whatever it is asked for later on, the other hears octet by octet, and nothing
//! while it has a question. Both must say and tell the same; a witness that looks on holds the second to the standards.
//!
//! The first octet of the input is the scene, the rest the script ([`script`]).

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use smtp_edge::clock::Clock;
use smtp_edge::smtp::timers::{Awaited, Patience, Timers};

#[path = "../rfc5321/content.rs"]
mod content;
#[path = "../rfc5321/data.rs"]
mod data;
#[path = "../sessions/driver.rs"]
mod driver;
#[path = "../sessions/replies.rs"]
mod replies;
#[path = "../sessions/scene.rs"]
mod scene;
#[path = "../sessions/script.rs"]
mod script;
#[path = "../sessions/witness.rs"]
mod witness;

use driver::{Driver, Mood, Question};
use scene::Scene;
use script::{Act, acts};
use witness::Witness;

pub(crate) fn check(input: &[u8]) {
    let Some((bits, script)) = input.split_first() else {
        return;
    };
    let has = |bit: u8| bits & bit != 0;
    let scene = Scene {
        relays: has(1),
        loopback: has(2),
        proxy: has(4),
        starttls: !has(8),
        auth: !has(16),
    };
    let mut sessions = Sessions::open(
        scene,
        if has(32) {
            Answers::WhenTold
        } else {
            Answers::AtOnce
        },
    );
    for act in acts(script) {
        sessions.play(act);
        sessions.compare();
    }
    sessions.end();
}

/// When questions are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    AtOnce,
    WhenTold,
}

/// The session that hears pieces, and the one that hears octets.
struct Sessions {
    brisk: Driver,
    slow: Slow,
    answers: Answers,
    clock: Clock,
    patience: Patience,
    heard: u64,
}

impl Sessions {
    fn open(scene: Scene, answers: Answers) -> Self {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH);
        let slow = Driver::new(scene.open(scene::limits()));
        let mut witness = Witness::new(scene, scene::limits());
        witness.look(&slow);
        Self {
            brisk: Driver::new(scene.open(scene::limits())),
            slow: Slow {
                driver: slow,
                unheard: VecDeque::new(),
                witness,
                answers,
            },
            answers,
            patience: Patience::new(TIMERS, clock.instant()),
            clock,
            heard: 0,
        }
    }

    fn play(&mut self, act: Act) {
        match act {
            Act::Say(octets) => {
                self.heard += octets.len() as u64;
                self.brisk.hear(&octets);
                self.slow.hear(&octets);
                if self.answers == Answers::AtOnce {
                    self.answer_all();
                }
            }
            Act::Answer(mood) => self.answer(mood),
            Act::Wait(seconds) => self.wait(seconds),
            Act::Shortage => {
                for driver in [&mut self.brisk, &mut self.slow.driver] {
                    driver.session.handle_shortage();
                    assert_eq!(driver.session.held_octets(), 0);
                    driver.collect();
                }
            }
            Act::Shutdown if self.is_waiting() && self.brisk.session.is_idle() => {
                for driver in [&mut self.brisk, &mut self.slow.driver] {
                    driver.session.handle_shutdown();
                    driver.collect();
                }
            }
            Act::Shutdown => {}
        }
        self.slow.witness.look(&self.slow.driver);
    }

    /// Whether the client's octets are waited for.
    fn is_waiting(&self) -> bool {
        self.brisk.question.is_none() && !self.brisk.session.is_closed()
    }

    /// A client that says nothing loses what is left of its time second by second, and then the connection.
    fn wait(&mut self, seconds: u64) {
        if !self.is_waiting() {
            return;
        }
        let (waited, before) = (Duration::from_secs(seconds), self.patience_left());
        self.clock.advance(waited);
        let after = self.patience_left();
        match self.brisk.session.awaited() {
            Awaited::Line(_) | Awaited::Octets(_) => {
                assert_eq!(after, before.saturating_sub(waited));
            }
            Awaited::Chunk(_) => assert!(after <= before),
        }
        if after.is_zero() {
            for driver in [&mut self.brisk, &mut self.slow.driver] {
                driver.session.handle_timeout();
                assert!(driver.session.is_closed());
                driver.collect();
            }
        }
    }

    fn patience_left(&mut self) -> Duration {
        let awaited = self.brisk.session.awaited();
        let left = self
            .patience
            .left(awaited, self.heard, self.clock.instant());
        assert!(left <= TIMERS.message);
        left
    }

    fn answer(&mut self, mood: Mood) {
        self.brisk.answer(mood);
        self.slow.answer(mood);
    }

    fn answer_all(&mut self) {
        while self.brisk.question.is_some() || self.slow.driver.question.is_some() {
            self.answer(Mood::Fair);
        }
    }

    fn compare(&self) {
        let (brisk, slow) = (&self.brisk, &self.slow.driver);
        let shown = |driver: &Driver| driver.output.escape_ascii().to_string();
        assert!(
            brisk.output == slow.output,
            "{} and {}",
            shown(brisk),
            shown(slow)
        );
        assert_eq!(brisk.told, slow.told);
        assert_eq!(brisk.session.is_closed(), slow.session.is_closed());
        if self.is_waiting() {
            assert_eq!(brisk.session.awaited(), slow.session.awaited());
            assert_eq!(brisk.session.is_idle(), slow.session.is_idle());
            assert_eq!(brisk.session.held_octets(), slow.session.held_octets());
        }
    }

    fn end(mut self) {
        self.answer_all();
        self.compare();
        assert_eq!(
            format!("{:?}", self.brisk.session),
            format!("{:?}", self.slow.driver.session)
        );
    }
}

/// A driver that hears one octet at a time.
struct Slow {
    driver: Driver,
    /// What has come while there was a question.
    unheard: VecDeque<u8>,
    witness: Witness,
    answers: Answers,
}

impl Slow {
    fn hear(&mut self, octets: &[u8]) {
        self.unheard.extend(octets);
        self.go_on();
    }

    fn answer(&mut self, mood: Mood) {
        if matches!(self.driver.question, Some(Question::Handshake)) {
            self.witness.handshake();
        }
        self.driver.answer(mood);
        self.witness.look(&self.driver);
        self.go_on();
    }

    fn go_on(&mut self) {
        loop {
            match &self.driver.question {
                None | Some(Question::Handshake) => {}
                Some(_) if self.answers == Answers::AtOnce => {
                    self.driver.answer(Mood::Fair);
                    self.witness.look(&self.driver);
                    continue;
                }
                Some(_) => return,
            }
            let Some(octet) = self.unheard.pop_front() else {
                return;
            };
            if self.driver.session.is_closed() {
                self.driver.hear(&[octet]);
                continue;
            }
            let was_offered = self.driver.question.is_some();
            self.witness.before(octet, &self.driver);
            self.driver.hear(&[octet]);
            self.witness.after(octet, &self.driver);
            // The other session has heard what stands behind, and does not offer TLS in the first place.
            let is_offered = matches!(self.driver.question, Some(Question::Handshake));
            if is_offered && !was_offered && !self.unheard.is_empty() {
                let before = self.driver.output.strip_suffix(START_TLS);
                let length = before.map_or(0, <[u8]>::len);
                self.driver.output.truncate(length);
                self.witness.forget_offer(length);
            }
        }
    }
}

const START_TLS: &[u8] = b"220 2.0.0 ready to start TLS\r\n";

const TIMERS: Timers = Timers {
    command: Duration::from_secs(300),
    data: Duration::from_secs(180),
    message: Duration::from_secs(600),
    least_rate: 10,
};
