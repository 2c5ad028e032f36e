//! File descriptors: as many as the system allows, and a few kept back for the moment when there are none left.
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

/// Descriptors that are held for nothing but to be given up. One would do, if nobody else could take it the moment it is free.
#[derive(Debug)]
pub struct Reserve(Mutex<Vec<File>>);

impl Reserve {
    /// Takes the descriptors.
    ///
    /// # Errors
    /// What the system said.
    pub fn new() -> io::Result<Self> {
        let held: io::Result<Vec<File>> = (0..RESERVE).map(|_| open()).collect();
        Ok(Self(Mutex::new(held?)))
    }

    /// Frees a descriptor; whether there was one.
    #[must_use]
    pub fn give_up(&self) -> bool {
        self.held().pop().is_some()
    }

    /// Takes again what has been given up, as far as it can be had; whether there is any now.
    pub fn refill(&self) -> bool {
        let mut held = self.held();
        while held.len() < RESERVE
            && let Ok(file) = open()
        {
            held.push(file);
        }
        !held.is_empty()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Vec<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that opens a database meanwhile takes three.
const RESERVE: usize = 4;

fn open() -> io::Result<File> {
    File::open("/dev/null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_can_be_given_up_until_it_is_refilled() {
        let reserve = Reserve::new().unwrap();
        for _ in 0..2 {
            let given_up = (0..=RESERVE).filter(|_| reserve.give_up()).count();
            assert_eq!(given_up, RESERVE);
            assert!(reserve.refill());
        }
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
