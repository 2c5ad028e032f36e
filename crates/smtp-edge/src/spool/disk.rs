//! The few things a spool asks of a disk, behind a trait so that tests can make each of them fail, tear and be lost.
//!
//! What a file holds counts as kept when [`Disk::write`] or [`DiskFile::sync`] has returned; its name when
//! [`Disk::sync_folder`] has returned after the [`Disk::create`], [`Disk::rename`] or [`Disk::unlink`] that gave or took it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, IoSlice, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A disk, or a test's imitation of a failing one.
pub(super) trait Disk: Send + Sync + 'static {
    /// Makes a folder that only we may enter, and those above it, where they are not there.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// The paths in a folder, in the order of their names.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// Whether there is a file of that name.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// All that a file holds.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Makes a new file that holds `bytes`, and syncs it.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Makes a new, empty file that only we may read.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a synced file its name, in place of any file that had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Takes a name away.
    fn unlink(&self, path: &Path) -> io::Result<()>;
}

/// An open file.
pub(super) trait DiskFile: Send + Sync {
    /// Writes the parts one behind the other from `offset` on, and says how many octets were taken.
    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<usize>;

    /// Puts everything written so far on stable storage. After an error nothing is known of what was written since the
    /// last success, whatever a later call says.
    fn sync(&self) -> io::Result<()>;

    /// Reads from `offset` on; fewer octets than asked for, when the file ends.
    fn read_at(&self, octets: &mut [u8], offset: u64) -> io::Result<usize>;

    /// How long the file is.
    fn length(&self) -> io::Result<u64>;
}

/// Writes all of the parts, however many calls that takes.
pub(super) fn write_all_at(
    file: &dyn DiskFile,
    mut parts: &mut [IoSlice<'_>],
    mut offset: u64,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0); // drops empty parts
    while !parts.is_empty() {
        let at_once = parts.get(..MOST_PARTS).unwrap_or(parts);
        match file.write_at(at_once, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => {
                IoSlice::advance_slices(&mut parts, written);
                offset += written as u64;
            }
        }
    }
    Ok(())
}

/// Reads until `octets` is full or the file ends, and says how many octets there were.
pub(super) fn read_all_at(
    file: &dyn DiskFile,
    octets: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = octets.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The machine's file system.
#[derive(Debug)]
pub(super) struct FileSystem;

impl Disk for FileSystem {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths = fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = new_file().open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(new_file().read(true).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(
            OpenOptions::new().read(true).write(true).open(path)?,
        ))
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

impl DiskFile for File {
    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        loop {
            match rustix::io::pwritev(self, parts, offset) {
                Err(rustix::io::Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn read_at(&self, octets: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, octets, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}

/// No more parts than a system takes in one call (`IOV_MAX`).
const MOST_PARTS: usize = 1024;
