//! The few things the file spool asks of a disk, behind a trait so that tests can make each of them fail.
//!
//! A file counts as written when [`Disk::write`] has returned: its bytes are synced. Its name counts as given when
//! [`Disk::rename`] and then [`Disk::sync_folder`] have returned.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A disk, or a test's imitation of a failing one.
pub(super) trait Disk: Send + Sync + 'static {
    /// Makes a new file that holds `bytes`, and syncs it.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Gives a synced file its name, in place of any file that had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Takes a name away.
    fn unlink(&self, path: &Path) -> io::Result<()>;
}

/// The machine's file system.
#[derive(Debug)]
pub(super) struct FileSystem;

impl Disk for FileSystem {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the spool owns this rename: its caller syncs the folder before anything is built on it"
    )]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}
