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
    /// How long after acceptance the sender is told that the message is delayed; `None` is never.
    pub tell_after: Option<Duration>,
}

impl RetryPlan {
    /// The plan that the settings describe.
    #[must_use]
    pub fn new(settings: &DeliverySettings) -> Self {
        Self {
            first: settings.retry_first.std(),
            max: settings.retry_max.std(),
            give_up_after: settings.give_up_after.std(),
            tell_after: Some(settings.delay_notice_after.std()).filter(|after| !after.is_zero()),
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

    /// Whether the sender is to be told at `now` that the message is delayed.
    #[must_use]
    pub fn is_delayed(&self, accepted: SystemTime, now: SystemTime) -> bool {
        self.tell_after.is_some_and(|after| now >= accepted + after)
    }

    /// When the message needs a round after `now`, wherever it waits then: to tell its sender of the delay, or to be given up
    /// though no destination took it, which is a while after the deadline, when its last round has had its time.
    #[must_use]
    pub fn upkeep(&self, accepted: SystemTime, told: Told, now: SystemTime) -> SystemTime {
        let grace = self.first.max(LEAST_GRACE);
        let notice = match told {
            Told::No => self.tell_after.map(|after| accepted + after),
            Told::Yes => None,
        };
        let end = accepted + self.give_up_after + grace;
        [notice, Some(end)]
            .into_iter()
            .flatten()
            .find(|time| *time > now)
            .unwrap_or(now + grace)
    }
}

/// Whether the sender knows of a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It has not been told.
    No,
    /// It has.
    Yes,
}

/// So that no setting makes upkeep follow on upkeep.
const LEAST_GRACE: Duration = Duration::from_secs(1);

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
        tell_after: Some(Duration::from_secs(4 * 3600)),
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

    #[test]
    fn upkeep_is_the_notice_and_then_the_end() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let silent = RetryPlan {
            tell_after: None,
            ..PLAN
        };
        let check = |plan: RetryPlan, told: Told, now: u64, expected: u64| {
            let upkeep = plan.upkeep(start, told, at(now));
            assert_eq!(upkeep, at(expected), "{told:?}, {now} s");
        };
        check(PLAN, Told::No, 0, 14_400);
        check(PLAN, Told::Yes, 0, 432_300);
        check(silent, Told::No, 0, 432_300);
        check(PLAN, Told::No, 14_400, 432_300); // whether or not the notice could be stored
        check(PLAN, Told::Yes, 432_300, 432_600); // never at once
        assert!(PLAN.is_delayed(start, at(14_400)));
        assert!(!PLAN.is_delayed(start, at(14_399)));
        assert!(!silent.is_delayed(start, at(14_400)));
    }
}
