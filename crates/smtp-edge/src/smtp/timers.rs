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
/// What began a wait counts, not what came last: a client that sends its command octet by octet, or its message a line a
/// minute, gets no more time for it than others.
#[derive(Debug)]
pub struct Patience {
    timers: Timers,
    awaited: Awaited,
    since: Instant,
}

impl Patience {
    /// For a session that begins `now`.
    #[must_use]
    pub fn new(timers: Timers, now: Instant) -> Self {
        Self {
            timers,
            awaited: Awaited::Line(0),
            since: now,
        }
    }

    /// How long the client may stay silent from `now` on, when this is awaited.
    pub fn left(&mut self, awaited: Awaited, now: Instant) -> Duration {
        if !self.awaited.goes_on_with(awaited) {
            self.since = now;
        }
        self.awaited = awaited;
        let spent = now.saturating_duration_since(self.since);
        match awaited {
            Awaited::Line(_) => self.timers.command.saturating_sub(spent),
            Awaited::Octets(_) => self
                .timers
                .message
                .saturating_sub(spent)
                .min(self.timers.data),
            Awaited::Chunk(_) => self
                .timers
                .message
                .saturating_sub(spent)
                .min(self.timers.command),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn octets_that_drip_buy_no_time() {
        let clock = Clock::manual(std::time::UNIX_EPOCH);
        let seconds = Duration::from_secs;
        let timers = Timers {
            command: seconds(300),
            data: seconds(180),
            message: seconds(3600),
        };
        let mut patience = Patience::new(timers, clock.instant());
        let mut check = |pass: u64, awaited: Awaited, left: u64| {
            clock.advance(seconds(pass));
            let found = patience.left(awaited, clock.instant());
            assert_eq!(found, seconds(left), "{awaited:?}");
        };
        check(0, Awaited::Line(0), 300);
        check(100, Awaited::Line(0), 200); // part of a line has come
        check(100, Awaited::Line(1), 300); // the next line
        check(299, Awaited::Line(1), 1);
        check(2, Awaited::Line(1), 0);
        check(0, Awaited::Octets(2), 180);
        check(170, Awaited::Octets(2), 180);
        check(3400, Awaited::Octets(2), 30); // the message as a whole takes too long
        check(31, Awaited::Octets(2), 0);
        check(0, Awaited::Octets(3), 180); // another message
        check(0, Awaited::Line(3), 300);
        check(0, Awaited::Chunk(4), 300); // a message in chunks
        check(3500, Awaited::Octets(4), 100);
        check(50, Awaited::Chunk(4), 50);
    }
}
