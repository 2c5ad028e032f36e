//! How often something may happen.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Duration;

/// So many in each span of time. Written `100/1m`, or `100/m`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    count: NonZeroU32,
    /// `span > 0`
    span: Duration,
}

impl Rate {
    /// How many.
    pub const fn count(self) -> NonZeroU32 {
        self.count
    }

    /// In how long.
    pub const fn span(self) -> Duration {
        self.span
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, span) = text.split_once('/').ok_or(RateError)?;
        let count = count.trim().parse().map_err(|_| RateError)?;
        let span = span.trim();
        let span: Duration = if span.starts_with(|c: char| c.is_ascii_alphabetic()) {
            format!("1{span}").parse().map_err(|_| RateError)?
        } else {
            span.parse().map_err(|_| RateError)?
        };
        if span.std().is_zero() {
            return Err(RateError);
        }
        Ok(Self { count, span })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.count, self.span))
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(RateVisitor)
    }
}

/// A text is not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a rate: write one such as 100/1m or 5000/1h")]
pub struct RateError;

struct RateVisitor;

impl Visitor<'_> for RateVisitor {
    type Value = Rate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rate such as \"100/1m\" or \"5000/1h\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Rate, E> {
        text.parse()
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Option<(u32, u64, &str)>) {
        let found = text.parse::<Rate>().ok();
        let found = found.map(|rate| {
            (
                rate.count().get(),
                rate.span().std().as_secs(),
                rate.to_string(),
            )
        });
        assert_eq!(
            found,
            expected.map(|(count, seconds, shown)| (count, seconds, shown.to_owned())),
            "{text:?}"
        );
    }

    #[test]
    fn rates_are_numbers_in_spans() {
        check("100/1m", Some((100, 60, "100/1m")));
        check("100/m", Some((100, 60, "100/1m")));
        check("5000 / 1h30m", Some((5000, 5400, "5000/1h30m")));
        check("3/10", Some((3, 10, "3/10s"))); // seconds, as in spans of time
        for text in [
            "", "100", "100/", "/m", "0/1m", "5/0s", "-1/m", "1.5/m", "5/y", "5/m/h",
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_back(count: NonZeroU32, seconds in 1..1_000_000_u64) {
            let rate = Rate { count, span: Duration::from_secs(seconds) };
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }
    }
}
