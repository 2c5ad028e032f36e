//! One turn of one contender: so many writers, each with one message after the other, for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::Fault;
use crate::contenders::{Contender, message};

/// What is asked of a contender.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Octets of a message.
    pub(crate) size: usize,
    pub(crate) writers: usize,
}

/// How a turn went.
pub(crate) struct Turn {
    /// Messages a second.
    pub(crate) rate: f64,
    /// What half of the writers waited at most, in microseconds.
    pub(crate) half: f64,
    /// What 99 of 100 waited at most.
    pub(crate) most: f64,
}

/// Lets a contender take messages, then takes them away again, which is not measured: the next turn finds it as a server that
/// delivers what it accepts would.
pub(crate) async fn take(contender: &Contender, load: Load) -> Result<Turn, Fault> {
    let left = Arc::new(AtomicUsize::new(MOST_OCTETS / load.size));
    let mut writers = tokio::task::JoinSet::new();
    let start = now();
    for _ in 0..load.writers {
        let (contender, left) = (contender.share(), Arc::clone(&left));
        writers.spawn(async move {
            let (mut ids, mut waits) = (Vec::new(), Vec::new());
            let more = |left: usize| left.checked_sub(1);
            while start.elapsed() < TURN
                && left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
                    .is_ok()
            {
                let message = message(load.size)?;
                let asked = now();
                ids.extend(contender.commit(message).await?);
                waits.push(asked.elapsed());
            }
            Ok::<_, Fault>((ids, waits))
        });
    }
    let (mut ids, mut waits) = (Vec::new(), Vec::new());
    while let Some(ended) = writers.join_next().await {
        let (own_ids, own_waits) = ended??;
        ids.extend(own_ids);
        waits.extend(own_waits);
    }
    let taken = start.elapsed();
    contender.remove(ids).await?;
    waits.sort_unstable();
    let wait = |of: usize| {
        let wait = waits.get(waits.len() * of / 100).copied();
        wait.unwrap_or_default().as_secs_f64() * 1e6
    };
    Ok(Turn {
        rate: waits.len() as f64 / taken.as_secs_f64(),
        half: wait(50),
        most: wait(99),
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is what the clock is for, and this is its only reader"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

const TURN: Duration = Duration::from_millis(500);
/// No more than the log has segments in spare for: a server that delivers what it accepts always has these.
const MOST_OCTETS: usize = 192 * 1024 * 1024;
