//! A bell: wakes a thread when there may be something to do for it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Rings are not counted: one that comes while the thread works makes it look once more.
#[derive(Default)]
pub(super) struct Bell {
    rung: Mutex<Rung>,
    rings: Condvar,
}

#[derive(Default)]
struct Rung {
    rung: bool,
    ended: bool,
}

impl Bell {
    /// There may be something to do.
    pub(super) fn ring(&self) {
        self.rung
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .rung = true;
        self.rings.notify_one();
    }

    /// There is nothing more to do, ever.
    pub(super) fn end(&self) {
        self.rung
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .ended = true;
        self.rings.notify_one();
    }

    /// Waits for a ring: for ever, or as long as `patience` says. `false` at the end.
    pub(super) fn wait(&self, patience: Option<Duration>) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = |rung: &mut Rung| !rung.rung && !rung.ended;
        let mut rung = match patience {
            Some(patience) => {
                self.rings
                    .wait_timeout_while(rung, patience, silent)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self
                .rings
                .wait_while(rung, silent)
                .unwrap_or_else(PoisonError::into_inner),
        };
        rung.rung = false;
        !rung.ended
    }
}
