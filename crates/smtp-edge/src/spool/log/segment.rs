//! One segment: a file of fixed size that is written from its first block to its end, and read anywhere.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::corrupt::Corrupt;
use super::entry::{ENTRY, Entry, Extent, head_holds};
use super::frame::{BATCH_HEADER, BLOCK, BatchHeader, Epoch, Identity, SegmentHeader, Unreadable};
use crate::spool::SpoolError;
use crate::spool::disk::{Disk, DiskFile, read_all_at};

/// A segment that is open.
pub(super) struct Segment {
    pub(super) identity: Identity,
    /// Octets of the file.
    pub(super) size: u32,
    /// Its name when it was opened; the end may have been added since.
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn DiskFile>,
}

impl Segment {
    /// Opens the segment that a start finds at `path`. Where its header is damaged, a batch says what the header did; `None`
    /// when there is none either.
    pub(super) fn open(
        disk: &dyn Disk,
        path: &Path,
        epoch: Epoch,
        corrupt: &mut Corrupt<'_>,
    ) -> Result<Option<Self>, SpoolError> {
        let file = disk.open(path).map_err(at_path("open", path))?;
        let header = Self::header(&*file, path)?;
        let header = header.ok().filter(|header| header.identity.epoch == epoch);
        if let Some(SegmentHeader { identity, size }) = header {
            return Ok(Some(Self {
                identity,
                size,
                path: path.to_owned(),
                file,
            }));
        }
        let length = file.length().map_err(at_path("read", path))?;
        let mut segment = Self {
            identity: Identity { epoch, salt: 0 },
            size: u32::try_from(length).unwrap_or(u32::MAX),
            path: path.to_owned(),
            file,
        };
        let Some(identity) = segment.identify()? else {
            return Ok(None);
        };
        segment.identity = identity;
        corrupt.copy(&segment, 0, BLOCK, None)?;
        Ok(Some(segment))
    }

    /// What the first block of a file says.
    pub(super) fn header(
        file: &dyn DiskFile,
        path: &Path,
    ) -> Result<Result<SegmentHeader, Unreadable>, SpoolError> {
        let mut block = vec![0; BLOCK as usize];
        let read = read_all_at(file, &mut block, 0).map_err(at_path("read", path))?;
        block.truncate(read);
        match SegmentHeader::decode(&block) {
            Err(Unreadable::Version(version)) => Err(SpoolError::Version {
                path: path.to_owned(),
                version,
            }),
            read => Ok(read),
        }
    }

    /// Finds a batch that was written in this epoch, and so learns the salt.
    fn identify(&self) -> Result<Option<Identity>, SpoolError> {
        for at in (BLOCK..self.size).step_by(BLOCK as usize) {
            let octets = self.at_most(at, BATCH_HEADER)?;
            let identity = BatchHeader::identify(&octets);
            if identity.is_some_and(|identity| identity.epoch == self.identity.epoch) {
                return Ok(identity);
            }
        }
        Ok(None)
    }

    /// The entry that stands at `at`.
    pub(super) fn entry(&self, at: u32) -> Result<Entry, SpoolError> {
        let octets = self.octets(at, ENTRY)?;
        let entry = Entry::decode(&octets, self.identity, at);
        entry.map_err(|why| self.unreadable(at, why))
    }

    /// A record's head, if it is as it was written.
    pub(super) fn head(&self, head: Extent) -> Result<Vec<u8>, SpoolError> {
        let octets = self.octets(head.at, head.length as usize)?;
        if head_holds(&octets, head.checksum) {
            Ok(octets)
        } else {
            Err(self.unreadable(head.at, Unreadable::Damaged))
        }
    }

    /// A message's content, if it is as it was written.
    pub(super) fn body(&self, body: Extent) -> Result<Vec<u8>, SpoolError> {
        let octets = self.octets(body.at, body.length as usize)?;
        if crc32fast::hash(&octets) == body.checksum {
            Ok(octets)
        } else {
            Err(self.unreadable(body.at, Unreadable::Damaged))
        }
    }

    /// So many octets from `at` on. A file that ends before is damaged.
    pub(super) fn octets(&self, at: u32, length: usize) -> Result<Vec<u8>, SpoolError> {
        let octets = self.at_most(at, length)?;
        if octets.len() == length {
            Ok(octets)
        } else {
            Err(self.unreadable(at, Unreadable::Damaged))
        }
    }

    /// So many octets from `at` on, or those that there are.
    pub(super) fn at_most(&self, at: u32, length: usize) -> Result<Vec<u8>, SpoolError> {
        // What a damaged length asks for is not allocated.
        let mut octets = vec![0; length.min(self.size as usize)];
        let read = read_all_at(&*self.file, &mut octets, u64::from(at));
        octets.truncate(read.map_err(at_path("read", &self.path))?);
        Ok(octets)
    }

    pub(super) fn unreadable(&self, at: u32, why: Unreadable) -> SpoolError {
        let path = self.path.clone();
        match why {
            Unreadable::Damaged => SpoolError::Damaged {
                path,
                offset: u64::from(at),
            },
            Unreadable::Version(version) => SpoolError::Version { path, version },
        }
    }
}

/// Says which step failed on which file.
pub(super) fn at_path(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    move |source| SpoolError::Io {
        step,
        path: path.to_owned(),
        source,
    }
}
