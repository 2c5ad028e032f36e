//! Interleaved measuring: in every round each runner has one turn, and what is compared is the turns of one round.
//!
//! A machine that is busy with other things is so for both sides of a ratio, and the median over the rounds drops the
//! rounds in which it was not.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Whatever keeps a runner from running.
pub(crate) type Fault = Box<dyn std::error::Error>;
/// What is measured: one operation, and how many octets came of it, so that none of it can be left out.
pub(crate) type Runner<'a> = Box<dyn FnMut() -> Result<usize, Fault> + 'a>;

/// The time of one operation in each round, in nanoseconds.
pub(crate) struct Times(Vec<f64>);

impl Times {
    /// The median time.
    pub(crate) fn median(&self) -> f64 {
        median(self.0.clone())
    }

    /// The median over the rounds of this time divided by what `limit` makes of the other's.
    pub(crate) fn ratio(&self, other: &Times, limit: impl Fn(f64) -> f64) -> f64 {
        let pairs = self.0.iter().zip(&other.0);
        median(pairs.map(|(own, other)| own / limit(*other)).collect())
    }
}

/// Warms the runners up, then runs them in turns for about as long as told.
pub(crate) fn measure<const N: usize>(
    total: Duration,
    mut runners: [Runner<'_>; N],
) -> Result<[Times; N], Fault> {
    let mut repetitions = [1_u32; N];
    let mut round = Duration::ZERO;
    for (runner, repeat) in runners.iter_mut().zip(&mut repetitions) {
        while turn(runner, *repeat)? < TURN {
            *repeat *= 2;
        }
        round += turn(runner, *repeat)?;
    }
    let mut times = std::array::from_fn(|_| Times(Vec::new()));
    let rounds = (total.as_nanos() / round.as_nanos().max(1)).max(FEWEST_ROUNDS);
    for _ in 0..rounds {
        for ((runner, repeat), times) in runners.iter_mut().zip(repetitions).zip(&mut times) {
            let taken = turn(runner, repeat)?;
            times.0.push(taken.as_nanos() as f64 / f64::from(repeat));
        }
    }
    Ok(times)
}

fn turn(runner: &mut Runner<'_>, repeat: u32) -> Result<Duration, Fault> {
    let start = now();
    for _ in 0..repeat {
        black_box(runner()?);
    }
    Ok(now() - start)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is what the clock is for, and this is its only reader"
)]
fn now() -> Instant {
    Instant::now()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A turn takes at least this long, so that the clock does not count. Longer turns would be interrupted more often.
const TURN: Duration = Duration::from_micros(60);
/// However slow the machine.
const FEWEST_ROUNDS: u128 = 101;
