//! Queue identifiers: what a message is called in logs, replies, file names and reports.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// The name of a queued message: 64 bits, shown as 13 characters of Crockford's base 32 without `I L O U`.
///
/// The high 44 bits are milliseconds since 1970, the low 20 a counter, so that names of one server sort by
/// acceptance and never repeat while the counter wraps no faster than a million a millisecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(u64);

impl QueueId {
    /// The identifier as the number that records hold.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// When its message was accepted, to the millisecond.
    #[must_use]
    pub fn time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.0 >> COUNTER_BITS)
    }

    /// The identifier that a record names.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for position in (0..DIGITS).rev() {
            let digit = (self.0 >> (position * 5)) & 31;
            let character = usize::try_from(digit)
                .ok()
                .and_then(|digit| ALPHABET.get(digit));
            write!(f, "{}", char::from(*character.unwrap_or(&b'0')))?;
        }
        Ok(())
    }
}

impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for QueueId {
    type Err = NotAQueueId;

    fn from_str(text: &str) -> Result<Self, NotAQueueId> {
        if text.len() != DIGITS as usize {
            return Err(NotAQueueId);
        }
        let mut number: u64 = 0;
        for byte in text.bytes() {
            let digit = ALPHABET
                .iter()
                .position(|known| *known == byte.to_ascii_uppercase())
                .ok_or(NotAQueueId)?;
            number = number.checked_mul(32).ok_or(NotAQueueId)? | digit as u64;
        }
        Ok(Self(number))
    }
}

/// The text is not 13 characters of the identifiers' alphabet.
#[derive(Debug, thiserror::Error)]
#[error("not a queue id: 13 characters of 0-9 and A-Z without I, L, O and U are expected")]
pub struct NotAQueueId;

/// Hands out identifiers that grow.
#[derive(Debug, Default)]
pub struct QueueIds(AtomicU64);

impl QueueIds {
    /// The next identifier for a message accepted at `now`; larger than every earlier one of this source, even when
    /// the clock goes back.
    pub fn next(&self, now: SystemTime) -> QueueId {
        let milliseconds = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let base = u64::try_from(milliseconds).unwrap_or(0) << COUNTER_BITS;
        let mut current = self.0.load(Ordering::Relaxed);
        loop {
            let next = base.max(current + 1);
            match self
                .0
                .compare_exchange_weak(current, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return QueueId(next),
                Err(seen) => current = seen,
            }
        }
    }

    /// Continues after `id`, which an earlier run of the server gave out.
    pub fn continue_after(&self, id: QueueId) {
        self.0.fetch_max(id.0, Ordering::Relaxed);
    }
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const DIGITS: u32 = 13;
const COUNTER_BITS: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_reads_back() {
        for number in [0, 1, 31, 32, 1 << 40, u64::MAX] {
            let id = QueueId::from_number(number);
            assert_eq!(id.to_string().parse::<QueueId>().unwrap(), id);
        }
    }

    #[test]
    fn the_names_of_a_server_grow_even_when_its_clock_goes_back() {
        let ids = QueueIds::default();
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let first = ids.next(late);
        let second = ids.next(SystemTime::UNIX_EPOCH);
        assert!(second > first);
        assert_eq!((first.time(), second.time()), (late, late));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "0", "ILOU000000000", "ZZZZZZZZZZZZZ", "0123456789ABCD"] {
            assert!(text.parse::<QueueId>().is_err(), "{text}");
        }
    }
}
