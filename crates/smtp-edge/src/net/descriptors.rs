//! File descriptors: as many as the system allows, and one kept back for the moment when there are none left.
//!
//! Without a descriptor a client can be neither served nor told so: it would wait in the kernel's queue, and the listener
//! would be woken for it again and again. [`Reserve`] is given up to take such a client and to answer it.

use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open descriptors to the most that the process may have, and gives it; `None` is no limit.
///
/// # Errors
/// The system's answer.
pub fn raise_limit() -> Result<Option<u64>, Errno> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised)?;
    }
    Ok(limit.maximum)
}

/// Whether accepting failed for want of a descriptor, of the process's own or of the system's.
#[must_use]
pub fn are_exhausted(error: &io::Error) -> bool {
    let exhausted = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    error
        .raw_os_error()
        .is_some_and(|code| exhausted.contains(&code))
}

/// A descriptor that is held for nothing but to be given up.
#[derive(Debug)]
pub struct Reserve(Mutex<Option<File>>);

impl Reserve {
    /// Takes a descriptor.
    ///
    /// # Errors
    /// What the system said.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Mutex::new(Some(open()?))))
    }

    /// Frees the descriptor; whether there was one. Another task may be using it.
    #[must_use]
    pub fn give_up(&self) -> bool {
        self.held().take().is_some()
    }

    /// Takes a descriptor again, if one can be had; whether there is one now.
    pub fn refill(&self) -> bool {
        let mut held = self.held();
        if held.is_none() {
            *held = open().ok();
        }
        held.is_some()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open() -> io::Result<File> {
    File::open("/dev/null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_can_be_given_up_once_until_it_is_refilled() {
        let reserve = Reserve::new().unwrap();
        assert!(reserve.give_up());
        assert!(!reserve.give_up());
        assert!(reserve.refill());
        assert!(reserve.give_up());
    }

    #[test]
    fn want_of_descriptors_is_told_from_other_failures() {
        let rows = [
            (Errno::MFILE, true),
            (Errno::NFILE, true),
            (Errno::CONNABORTED, false),
            (Errno::NOMEM, false),
        ];
        for (errno, expected) in rows {
            assert_eq!(are_exhausted(&errno.into()), expected, "{errno:?}");
        }
        assert!(!are_exhausted(&io::Error::other("not the system's")));
    }
}
