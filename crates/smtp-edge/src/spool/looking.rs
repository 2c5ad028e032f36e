//! A disk that is looked at: what is read is the file system's, and nothing on it changes. What would change it is taken for
//! done, so that a start's own code can look at a spool that is to stay as it is.

use std::fs::File;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, DiskFile, FileSystem};

/// The machine's file system, to be read alone.
#[derive(Debug)]
pub(super) struct Looking;

impl Disk for Looking {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    /// A folder that was never made is empty.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        match FileSystem.list(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed,
        }
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        FileSystem.exists(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        FileSystem.read(path)
    }

    fn write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn create(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(Looked(File::open(path)?)))
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn unlink(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is open for reading.
struct Looked(File);

impl DiskFile for Looked {
    fn write_at(&self, _: &[IoSlice<'_>], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn read_at(&self, octets: &mut [u8], offset: u64) -> io::Result<usize> {
        DiskFile::read_at(&self.0, octets, offset)
    }

    fn length(&self) -> io::Result<u64> {
        DiskFile::length(&self.0)
    }
}
