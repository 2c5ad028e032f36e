//! Sizes in octets.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A size in octets. Written `50MiB`, `64KB`, `1000B`, or as a bare number of octets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl ByteSize {
    /// So many octets.
    pub const fn from_octets(octets: u64) -> Self {
        Self(octets)
    }

    /// How many octets.
    pub const fn octets(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or(ByteSizeError)?;
        let number: u64 = number.parse().map_err(|_| ByteSizeError)?;
        let unit = unit.trim_start();
        let factor = if unit.is_empty() {
            1
        } else {
            UNITS
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(unit))
                .map(|(_, factor)| *factor)
                .ok_or(ByteSizeError)?
        };
        number.checked_mul(factor).map(Self).ok_or(ByteSizeError)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = BINARY
            .iter()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor));
        let (name, factor) = binary.unwrap_or(&("B", 1));
        f.pad(&format!("{}{name}", self.0 / factor))
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

/// A text is not a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a size: write one such as 50MiB, 64KB or 1000 (octets)")]
pub struct ByteSizeError;

struct ByteSizeVisitor;

impl Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as \"50MiB\", \"64KB\" or 1000 (octets)")
    }

    fn visit_u64<E: Error>(self, octets: u64) -> Result<ByteSize, E> {
        Ok(ByteSize(octets))
    }

    fn visit_i64<E: Error>(self, octets: i64) -> Result<ByteSize, E> {
        u64::try_from(octets)
            .map(ByteSize)
            .map_err(|_| E::invalid_value(Unexpected::Signed(octets), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ByteSize, E> {
        text.parse()
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// A lone `K` or `M` is not among them: half the world reads it as 1000, half as 1024.
const UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// What sizes are shown in, the largest first.
const BINARY: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Option<(u64, &str)>) {
        let found = text.parse::<ByteSize>().ok();
        let found = found.map(|size| (size.octets(), size.to_string()));
        assert_eq!(
            found,
            expected.map(|(octets, shown)| (octets, shown.to_owned())),
            "{text:?}"
        );
    }

    #[test]
    fn sizes_have_units() {
        check("50MiB", Some((52_428_800, "50MiB")));
        check("50 mib", Some((52_428_800, "50MiB")));
        check("1KB", Some((1000, "1000B")));
        check("1024", Some((1024, "1KiB")));
        check("0", Some((0, "0B")));
        for text in [
            "",
            "MiB",
            "5M",
            "5K",
            "-1",
            "1.5MiB",
            "99999999999GiB",
            "5MiBs",
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_back(octets: u64) {
            let size = ByteSize::from_octets(octets);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }
    }
}
