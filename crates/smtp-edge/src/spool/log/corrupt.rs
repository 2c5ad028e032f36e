//! What could not be read: copied or moved to `corrupt/`, by a name that says where it was, and told once.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::frame::BLOCK;
use super::large;
use super::segment::{Segment, at_path};
use crate::ids::QueueId;
use crate::spool::SpoolError;
use crate::spool::disk::Disk;
use crate::spool::offline::{Damage, Wrong};

/// Sets aside what a start finds damaged.
pub(super) struct Corrupt<'a> {
    disk: &'a dyn Disk,
    folder: &'a Folder,
    /// What was not known from an earlier start.
    pub(super) told: Vec<PathBuf>,
    /// Those of them that may be about any message.
    pub(super) unknown: Vec<PathBuf>,
    /// All that is damaged, where it was found.
    pub(super) damage: Vec<Damage>,
    /// Whether anything is damaged, known or not.
    pub(super) any: bool,
}

impl<'a> Corrupt<'a> {
    pub(super) fn new(disk: &'a dyn Disk, folder: &'a Folder) -> Self {
        Self {
            disk,
            folder,
            told: Vec::new(),
            unknown: Vec::new(),
            damage: Vec::new(),
            any: false,
        }
    }

    /// Copies the octets from `from` to `to` of a segment, which stay there, too. `id` is the message that they are about,
    /// when that is known.
    pub(super) fn copy(
        &mut self,
        segment: &Segment,
        from: u32,
        to: u32,
        id: Option<QueueId>,
    ) -> Result<(), SpoolError> {
        self.any = true;
        self.damage.push(Damage {
            path: segment.path.clone(),
            offset: u64::from(from),
            what: Wrong::Damaged,
            id,
        });
        let place = format!("{:016x}-{from:08x}", segment.identity.epoch.0);
        let path = self.folder.corrupt.join(match id {
            Some(id) => format!("{id}-{place}"),
            None => place,
        });
        let octets = segment.at_most(from, to.saturating_sub(from) as usize)?;
        match self.disk.read(&path) {
            Ok(known) if known == octets => return Ok(()),
            // A start was cut off while it wrote this.
            Ok(_) => self.disk.unlink(&path).map_err(at_path("remove", &path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at_path("read", &path)(error)),
        }
        self.disk
            .write(&path, &octets)
            .map_err(at_path("write", &path))?;
        self.sync(&self.folder.corrupt)?;
        // Before the first batch stands what the batches say as well.
        if id.is_none() && from >= BLOCK {
            self.unknown.push(path.clone());
        }
        self.told.push(path);
        Ok(())
    }

    /// Moves a segment there of which nothing can be read.
    pub(super) fn set_segment_aside(&mut self, path: &Path) -> Result<(), SpoolError> {
        self.set_aside(path)?;
        self.unknown.extend(self.told.last().cloned());
        Ok(())
    }

    /// Moves a file there.
    pub(super) fn set_aside(&mut self, path: &Path) -> Result<(), SpoolError> {
        self.any = true;
        self.damage.push(Damage {
            path: path.to_owned(),
            offset: 0,
            what: Wrong::Foreign,
            id: None,
        });
        let name = path.file_name().unwrap_or(OsStr::new("unnamed"));
        let mut target = self.folder.corrupt.join(name);
        let mut count = 1_u32;
        while self
            .disk
            .exists(&target)
            .map_err(at_path("look for", &target))?
        {
            let mut numbered = name.to_owned();
            numbered.push(format!(".{count}"));
            target = self.folder.corrupt.join(numbered);
            count += 1;
        }
        self.disk
            .rename(path, &target)
            .map_err(at_path("move aside", path))?;
        self.sync(&self.folder.corrupt)?;
        self.sync(path.parent().unwrap_or(path))?;
        self.told.push(target);
        Ok(())
    }

    /// Tells of a file that should be there and is not.
    pub(super) fn missing(&mut self, path: PathBuf) {
        self.any = true;
        self.damage.push(Damage {
            path: path.clone(),
            offset: 0,
            what: Wrong::Missing,
            id: large::message(&path),
        });
        self.told.push(path);
    }

    fn sync(&self, folder: &Path) -> Result<(), SpoolError> {
        self.disk
            .sync_folder(folder)
            .map_err(at_path("sync", folder))
    }
}
