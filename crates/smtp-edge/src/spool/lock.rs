//! The lock of a spool's folder, held for the life of the process, so that two servers never share a spool.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::SpoolError;

/// The lock; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the spool at `spool`, which is made when it is not there.
    ///
    /// # Errors
    /// [`SpoolError::InUse`] when another process holds it, [`SpoolError::Io`] when the system refuses.
    pub(super) fn take(spool: &Path) -> Result<Self, SpoolError> {
        let at = |step, path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| SpoolError::Io { step, path, source }
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(spool);
        made.map_err(at("make the folder", spool))?;
        let path = spool.join("lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(at("open", &path))?;
        Self::on(file, spool)
    }

    /// Takes the lock of a spool in which nothing is to be changed. Where there is none, no server was ever started.
    ///
    /// # Errors
    /// Those of [`Lock::take`].
    pub(super) fn of_reader(spool: &Path) -> Result<Option<Self>, SpoolError> {
        let path = spool.join("lock");
        match File::open(&path) {
            Ok(file) => Self::on(file, spool).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SpoolError::Io {
                step: "open",
                path,
                source,
            }),
        }
    }

    fn on(file: File, spool: &Path) -> Result<Self, SpoolError> {
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(SpoolError::InUse {
                path: spool.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(SpoolError::Io {
                step: "lock",
                path: spool.join("lock"),
                source,
            }),
        }
    }
}
