//! Many random cases, from a fixed seed, and what happened in them.
//!
//! `EDGE_FAULT_TIMES` has so many times the cases tried, `EDGE_FAULT_SEED` others than those of every day: `cargo xtask crash`
//! sets the first.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use super::disk::Crash;
use super::model::{self, End, Subject};

/// Runs so many cases of so many operations, and prints what happened, in a line that `cargo xtask crash` knows.
///
/// # Panics
/// When one of them is a failure, with the smallest list of operations that shows it.
pub(in crate::spool) fn at_random<S: Subject>(what: &str, cases: u32, operations: Range<usize>) {
    let config = ProptestConfig {
        cases: cases * number("EDGE_FAULT_TIMES", 1),
        rng_seed: RngSeed::Fixed(number("EDGE_FAULT_SEED", 1)),
        failure_persistence: None, // a failure becomes a test of its own
        ..ProptestConfig::default()
    };
    let total = Cell::new(Figures::default());
    let lists = (any::<u64>(), model::operations(operations));
    let ran = TestRunner::new(config).run(&lists, |(seed, operations)| {
        total.set(total.get().and(model::run::<S>(seed, operations)?));
        Ok(())
    });
    if let Err(failure) = ran {
        panic!("{failure}");
    }
    println!("figures: simulated disk, {what} | {} | 0 | 0", total.get());
}

/// What happened in some cases. None of them was a failure, or there would be no figures.
#[derive(Clone, Copy, Default)]
pub(in crate::spool) struct Figures {
    pub(super) cases: u64,
    /// Operations of the disk that were hit.
    pub(super) faults: u64,
    pub(super) kills: u64,
    pub(super) power_losses: u64,
    /// Messages whose commit was answered.
    pub(super) messages: u64,
}

impl Figures {
    /// Counts the end of a process.
    pub(super) fn ended(&mut self, end: End) {
        match end {
            End::Clean => {}
            End::Crash(Crash::Kill) => self.kills += 1,
            End::Crash(Crash::PowerLoss) => self.power_losses += 1,
        }
    }

    fn and(self, case: Self) -> Self {
        Self {
            cases: self.cases + 1,
            faults: self.faults + case.faults,
            kills: self.kills + case.kills,
            power_losses: self.power_losses + case.power_losses,
            messages: self.messages + case.messages,
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cases,
            faults,
            kills,
            power_losses,
            messages,
        } = self;
        write!(
            f,
            "{cases} lists: {faults} failed operations, {power_losses} losses of power, {kills} kills | {messages}"
        )
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "these variables are the interface between xtask and these tests"
)]
fn number<T: std::str::FromStr>(name: &str, usual: T) -> T {
    let Some(value) = std::env::var_os(name) else {
        return usual;
    };
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.unwrap_or_else(|| panic!("{name} is a number"))
}
