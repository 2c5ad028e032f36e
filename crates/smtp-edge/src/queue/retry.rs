//! When a message is tried again, and when it is given up. Pure.

use std::time::{Duration, SystemTime};

use crate::config::DeliverySettings;

/// The schedule of retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPlan {
    /// The wait after the first round.
    pub first: Duration,
    /// The longest wait between rounds; `first <= max` or `first` counts as `max`.
    pub max: Duration,
    /// How long after acceptance the last round may be.
    pub give_up_after: Duration,
}

impl RetryPlan {
    /// The plan that the settings describe.
    #[must_use]
    pub fn new(settings: &DeliverySettings) -> Self {
        Self {
            first: settings.retry_first.std(),
            max: settings.retry_max.std(),
            give_up_after: settings.give_up_after.std(),
        }
    }

    /// The wait after `rounds` rounds have ended: `first`, doubled for each round after the first, at most `max`.
    #[must_use]
    pub fn delay(&self, rounds: u32) -> Duration {
        let doublings = rounds.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.max)
    }

    /// What becomes of recipients that are still pending at `now`, when `rounds` rounds have ended.
    ///
    /// The last round falls on the deadline itself, never just before it.
    #[must_use]
    pub fn next(&self, accepted: SystemTime, rounds: u32, now: SystemTime) -> Retry {
        let deadline = accepted + self.give_up_after;
        if now >= deadline {
            Retry::GiveUp
        } else {
            Retry::At((now + self.delay(rounds)).min(deadline))
        }
    }
}

/// Whether there is a next round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The next round is due then.
    At(SystemTime),
    /// The time allowed has run out.
    GiveUp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: RetryPlan = RetryPlan {
        first: Duration::from_secs(300),
        max: Duration::from_secs(4 * 3600),
        give_up_after: Duration::from_secs(5 * 86_400),
    };

    #[test]
    fn waits_double_up_to_the_longest() {
        let check = |rounds: u32, expected: u64| {
            assert_eq!(
                PLAN.delay(rounds),
                Duration::from_secs(expected),
                "after {rounds} rounds"
            );
        };
        check(0, 300); // a message whose first round never ended
        check(1, 300);
        check(2, 600);
        check(3, 1200);
        check(6, 9600);
        check(7, 14_400); // 19,200 is over the longest
        check(40, 14_400);
        check(u32::MAX, 14_400);
    }

    #[test]
    fn the_last_round_is_at_the_deadline() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let check = |rounds: u32, now: u64, expected: Retry| {
            assert_eq!(
                PLAN.next(start, rounds, at(now)),
                expected,
                "{rounds} rounds, {now} s"
            );
        };
        check(1, 0, Retry::At(at(300)));
        check(7, 100, Retry::At(at(14_500)));
        check(30, 432_000 - 60, Retry::At(at(432_000))); // not 4 hours later
        check(30, 432_000, Retry::GiveUp);
        check(1, 900_000, Retry::GiveUp); // the server was down for long
    }

    #[test]
    fn a_longest_wait_below_the_first_is_the_wait() {
        let plan = RetryPlan {
            max: Duration::from_secs(10),
            ..PLAN
        };
        assert_eq!(plan.delay(1), Duration::from_secs(10));
    }
}
