//! The only reader of time. Everything else is handed a clock or an instant, so that tests decide what time it is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A source of time that can be shared between tasks.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<Mutex<(SystemTime, Instant)>>),
}

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the home of time")]
    pub fn manual(start: SystemTime) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new((
            start,
            Instant::now(),
        )))))
    }

    /// The calendar time, for what is written down: headers, records, due times that survive a restart.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the home of time")]
    pub fn now(&self) -> SystemTime {
        match &self.0 {
            Source::System => SystemTime::now(),
            Source::Manual(at) => at.lock().unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    /// The monotonic time, for time-outs.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the home of time")]
    pub fn instant(&self) -> Instant {
        match &self.0 {
            Source::System => Instant::now(),
            Source::Manual(at) => at.lock().unwrap_or_else(PoisonError::into_inner).1,
        }
    }

    /// Moves a manual clock forward; the system's clock moves by itself.
    pub fn advance(&self, by: Duration) {
        match &self.0 {
            Source::System => {}
            Source::Manual(at) => {
                let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
                at.0 += by;
                at.1 += by;
            }
        }
    }
}

/// Whole seconds since 1970, as DKIM's `t=` and the spool's records write time.
#[must_use]
pub fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
