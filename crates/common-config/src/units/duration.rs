//! Spans of time.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A span of time, to the millisecond. Written `10m`, `5d`, `1h30m`, `250ms`, or as a bare number of seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    milliseconds: u64,
}

impl Duration {
    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self {
            milliseconds: seconds.saturating_mul(1000),
        }
    }

    /// As the standard library has it.
    pub const fn std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.milliseconds)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.std()
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(DurationError);
        }
        if let Ok(seconds) = rest.parse::<u64>() {
            let milliseconds = seconds.checked_mul(1000).ok_or(DurationError)?;
            return Ok(Self { milliseconds });
        }
        let mut milliseconds: u64 = 0;
        while !rest.is_empty() {
            let (number, after) = take(rest, |b| b.is_ascii_digit())?;
            let (unit, after) = take(after.trim_start(), |b| b.is_ascii_alphabetic())?;
            let number: u64 = number.parse().map_err(|_| DurationError)?;
            let factor = factor(unit).ok_or(DurationError)?;
            milliseconds = number
                .checked_mul(factor)
                .and_then(|part| milliseconds.checked_add(part))
                .ok_or(DurationError)?;
            rest = after.trim_start();
        }
        Ok(Self { milliseconds })
    }
}

fn take(text: &str, belongs: impl Fn(&u8) -> bool) -> Result<(&str, &str), DurationError> {
    let length = text.bytes().take_while(belongs).count();
    text.split_at_checked(length).ok_or(DurationError)
}

fn factor(unit: &str) -> Option<u64> {
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor)
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.milliseconds == 0 {
            return f.pad("0s");
        }
        let mut text = String::new();
        let mut rest = self.milliseconds;
        // Not in weeks: 30d is what people wrote.
        for (name, factor) in UNITS.into_iter().skip(1) {
            if rest >= factor {
                text.push_str(&format!("{}{name}", rest / factor));
                rest %= factor;
            }
        }
        f.pad(&text)
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

/// A text is not a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a span of time: write one such as 30s, 10m, 4h or 5d")]
pub struct DurationError;

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a span of time such as \"30s\", \"10m\", \"4h\", \"5d\" or 600 (seconds)")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Duration, E> {
        let milliseconds = seconds
            .checked_mul(1000)
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(seconds), &self))?;
        Ok(Duration { milliseconds })
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Duration, E> {
        match u64::try_from(seconds) {
            Ok(seconds) => self.visit_u64(seconds),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(seconds), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        text.parse()
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// The largest first, as they are shown. Months and years are not among them: they have no fixed length.
const UNITS: [(&str, u64); 6] = [
    ("w", 7 * 24 * 60 * 60 * 1000),
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Option<(u64, &str)>) {
        let found = text.parse::<Duration>().ok();
        let found = found.map(|span| (span.milliseconds, span.to_string()));
        assert_eq!(
            found,
            expected.map(|(ms, shown)| (ms, shown.to_owned())),
            "{text:?}"
        );
    }

    #[test]
    fn spans_have_units() {
        check("10m", Some((600_000, "10m")));
        check("5d", Some((432_000_000, "5d")));
        check("30d", Some((2_592_000_000, "30d")));
        check("2w", Some((1_209_600_000, "14d")));
        check("1h30m", Some((5_400_000, "1h30m")));
        check("90 m", Some((5_400_000, "1h30m")));
        check("250ms", Some((250, "250ms")));
        check("30", Some((30_000, "30s")));
        check("0", Some((0, "0s")));
        for text in ["", "m", "5y", "-1s", "1.5h", "10M", "5 5", "1h-"] {
            check(text, None);
        }
        check("99999999999999999999w", None);
        check("99999999999999999w", None);
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_back(milliseconds: u64) {
            let span = Duration { milliseconds };
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
    }
}
