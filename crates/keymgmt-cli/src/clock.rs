//! The only reader of time.

use std::time::SystemTime;

/// The calendar time.
#[expect(clippy::disallowed_methods, reason = "this is the home of time")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Seconds since 1970, as signatures write them.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A time as people and JSON read it: `2026-11-24T05:00:00Z`.
pub(crate) fn shown(time: SystemTime) -> String {
    match jiff::Timestamp::try_from(time) {
        Ok(time) => time.to_string(),
        // Beyond the year 9999.
        Err(_) => unix_seconds(time).to_string(),
    }
}
