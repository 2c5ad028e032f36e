//! Whether the log can take mail, for readiness and the mail log. Each change is told once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::mail_log;
use crate::spool::SpoolError;

/// Whether messages can be put on stable storage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Condition {
    /// They can.
    #[default]
    Works,
    /// There is no room for another segment: new messages are refused before the last one is full.
    Full,
    /// Writing or syncing failed, and no new segment has worked since.
    Failed,
}

impl Condition {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Works, Self::Full, Self::Failed];

    /// Its name in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Full => "full",
            Self::Failed => "failed",
        }
    }
}

/// What is wrong at the moment, and whom that is told.
pub(super) struct Troubles {
    now: Mutex<Now>,
    told: watch::Sender<Condition>,
}

#[derive(Default)]
struct Now {
    full: Option<Refusal>,
    failed: Option<Refusal>,
}

impl Troubles {
    pub(super) fn new(told: watch::Sender<Condition>) -> Self {
        Self {
            now: Mutex::default(),
            told,
        }
    }

    /// Writing or syncing has failed.
    pub(super) fn failed(&self, why: &Refusal) {
        self.change(|now| now.failed = Some(why.clone()));
    }

    /// A batch has been written and synced again.
    pub(super) fn mended(&self) {
        self.change(|now| now.failed = None);
    }

    /// A new segment cannot be made.
    pub(super) fn full(&self, why: &Refusal) {
        self.change(|now| now.full = Some(why.clone()));
    }

    /// A new segment could be made.
    pub(super) fn has_room(&self) {
        self.change(|now| now.full = None);
    }

    /// Whether the last attempt to make a segment failed.
    pub(super) fn is_full(&self) -> bool {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.full.is_some()
    }

    fn change(&self, change: impl FnOnce(&mut Now)) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut now);
        let condition = match (&now.failed, &now.full) {
            (Some(_), _) => Condition::Failed,
            (None, Some(_)) => Condition::Full,
            (None, None) => Condition::Works,
        };
        if self.told.send_replace(condition) == condition {
            return;
        }
        match (&now.failed, &now.full) {
            (Some(why), _) => mail_log::spool_failed(&why.told()),
            (None, Some(why)) => mail_log::spool_full(&why.told()),
            (None, None) => mail_log::spool_works(),
        }
    }
}

/// Why the disk refused, kept so that everybody who waited for it can be told.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    step: &'static str,
    path: PathBuf,
    kind: io::ErrorKind,
    code: Option<i32>,
    text: String,
}

impl Refusal {
    pub(super) fn new(step: &'static str, path: &Path, why: &io::Error) -> Self {
        Self {
            step,
            path: path.to_owned(),
            kind: why.kind(),
            code: why.raw_os_error(),
            text: why.to_string(),
        }
    }

    /// The refusal as one of those who waited is told it.
    pub(super) fn told(&self) -> SpoolError {
        let source = match self.code {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(self.kind, self.text.clone()),
        };
        SpoolError::Io {
            step: self.step,
            path: self.path.clone(),
            source,
        }
    }
}
