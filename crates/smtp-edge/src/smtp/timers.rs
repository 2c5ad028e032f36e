//! How long the server waits for a client (RFC 5321 §4.5.3.2).

use std::time::{Duration, Instant};

/// The waits of a session.
#[derive(Debug, Clone, Copy)]
pub struct Timers {
    /// For the whole of the next command: at least 5 minutes (§4.5.3.2.7).
    pub command: Duration,
    /// For the next octets of a message: at least 3 minutes (§4.5.3.2.5).
    pub data: Duration,
    /// For the whole of a message, from DATA or the first BDAT to its end.
    pub message: Duration,
    /// Octets a second of a message that must at least come, on average over `data`; 0 is no bound.
    pub least_rate: u64,
}

/// What a session waits for, and which one of its kind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The command, or the response of AUTH, that follows this many lines.
    Line(u64),
    /// The next octets of the message of this number.
    Octets(u64),
    /// BDAT: the next chunk of the message of this number.
    Chunk(u64),
}

impl Awaited {
    /// Whether the wait for `other` goes on with the wait for this.
    fn goes_on_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::Line(one), Self::Line(other))
            | (Self::Octets(one) | Self::Chunk(one), Self::Octets(other) | Self::Chunk(other)) => {
                one == other
            }
            (Self::Line(_), Self::Octets(_) | Self::Chunk(_))
            | (Self::Octets(_) | Self::Chunk(_), Self::Line(_)) => false,
        }
    }
}

/// When patience with a client ends.
///
/// What began a wait counts, not what came last: a client that sends its command octet by octet gets no more time for it
/// than others. The octets of a message win time, as many seconds as they take at the least rate and never more than the
/// time-out from now: who sends at that rate is not cut off, and who falls behind it is, even if octets keep coming.
#[derive(Debug)]
pub struct Patience {
    timers: Timers,
    awaited: Awaited,
    /// When the wait began.
    since: Instant,
    /// When the time is up that the octets of a message have won.
    won: Instant,
    /// Octets that had come when this was asked last.
    heard: u64,
}

impl Patience {
    /// For a session that begins `now`.
    #[must_use]
    pub fn new(timers: Timers, now: Instant) -> Self {
        Self {
            timers,
            awaited: Awaited::Line(0),
            since: now,
            won: now,
            heard: 0,
        }
    }

    /// How long the client may stay silent from `now` on, when this is awaited and it has sent `heard` octets so far.
    pub fn left(&mut self, awaited: Awaited, heard: u64, now: Instant) -> Duration {
        if !self.awaited.goes_on_with(awaited) {
            self.since = now;
        }
        let most = now + self.timers.data;
        self.won = if self.awaited == awaited {
            most.min(self.won + self.worth(heard - self.heard))
        } else {
            most
        };
        self.awaited = awaited;
        self.heard = heard;
        let spent = now.saturating_duration_since(self.since);
        match awaited {
            Awaited::Line(_) => self.timers.command.saturating_sub(spent),
            Awaited::Octets(_) => self
                .timers
                .message
                .saturating_sub(spent)
                .min(self.won.saturating_duration_since(now)),
            Awaited::Chunk(_) => self
                .timers
                .message
                .saturating_sub(spent)
                .min(self.timers.command),
        }
    }

    /// The time that so many octets take at the least rate; without one, any octet is worth the time-out.
    fn worth(&self, octets: u64) -> Duration {
        if octets == 0 {
            return Duration::ZERO;
        }
        octets
            .saturating_mul(1000)
            .checked_div(self.timers.least_rate)
            .map_or(self.timers.data, Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const TIMERS: Timers = Timers {
        command: Duration::from_secs(300),
        data: Duration::from_secs(180),
        message: Duration::from_secs(3600),
        least_rate: 500,
    };

    /// Rows of seconds that pass, octets that have come in them, what is awaited then, and the seconds that are left.
    fn check(timers: Timers, rows: &[(u64, u64, Awaited, u64)]) {
        let clock = Clock::manual(std::time::UNIX_EPOCH);
        let mut patience = Patience::new(timers, clock.instant());
        let mut heard = 0;
        for (pass, octets, awaited, left) in rows {
            clock.advance(Duration::from_secs(*pass));
            heard += octets;
            let found = patience.left(*awaited, heard, clock.instant());
            assert_eq!(found.as_secs(), *left, "{pass} {octets} {awaited:?}");
        }
    }

    #[test]
    fn a_command_has_its_time_as_a_whole() {
        check(
            TIMERS,
            &[
                (0, 0, Awaited::Line(0), 300),
                (100, 1, Awaited::Line(0), 200), // part of a line has come
                (100, 500, Awaited::Line(1), 300), // the next line
                (299, 1, Awaited::Line(1), 1),
                (2, 1, Awaited::Line(1), 0),
            ],
        );
    }

    #[test]
    fn octets_of_a_message_win_what_they_take_at_the_least_rate() {
        check(
            TIMERS,
            &[
                (0, 40, Awaited::Octets(1), 180),
                (60, 1, Awaited::Octets(1), 120), // an octet a minute wins nothing
                (60, 1, Awaited::Octets(1), 60),
                (30, 0, Awaited::Octets(1), 30), // the driver asks again, though nothing has come
                (0, 5000, Awaited::Octets(1), 40),
                (0, 9_000_000, Awaited::Octets(1), 180), // never more than the time-out
                (181, 1, Awaited::Octets(1), 0),
                (0, 0, Awaited::Octets(2), 180), // another message
                (0, 0, Awaited::Line(3), 300),
            ],
        );
        let at_the_rate: Vec<_> = (1..3000)
            .map(|second: u64| (1, 500, Awaited::Octets(1), 180.min(3600 - second)))
            .collect();
        let begun = [(0, 0, Awaited::Octets(1), 180)];
        check(TIMERS, &[&begun[..], &at_the_rate].concat());
    }

    #[test]
    fn without_a_rate_every_octet_wins_the_time_out() {
        let timers = Timers {
            least_rate: 0,
            ..TIMERS
        };
        check(
            timers,
            &[
                (0, 0, Awaited::Octets(1), 180),
                (170, 1, Awaited::Octets(1), 180),
                (170, 0, Awaited::Octets(1), 10),
            ],
        );
    }

    #[test]
    fn a_message_has_its_time_as_a_whole_too() {
        check(
            TIMERS,
            &[
                (0, 0, Awaited::Octets(1), 180),
                (3570, 9_000_000, Awaited::Octets(1), 30),
                (31, 9_000_000, Awaited::Octets(1), 0),
                (0, 0, Awaited::Line(3), 300),
                (0, 0, Awaited::Chunk(2), 300), // a message in chunks
                (200, 9, Awaited::Octets(2), 180),
                (3300, 9_000_000, Awaited::Octets(2), 100),
                (50, 9, Awaited::Chunk(2), 50),
            ],
        );
    }
}
