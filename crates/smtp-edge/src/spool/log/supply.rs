//! Segments that are ready before they are asked for: every block written once, the header synced, the name durable.
//!
//! The first is small, and each that is made after it twice as large until they have their full size: a server with little
//! mail has a small spool. Only files of full size are used again.
//!
//! A thread of its own calls [`Supply::fill`] ahead of time; who finds nothing ready makes a segment in its own time. Files
//! of segments that were given up come back as spares, and need only a new header.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::condition::{Refusal, Troubles};
use super::folder::{Folder, Name};
use super::frame::{Epoch, Identity, SegmentHeader};
use super::recover::Start;
use super::segment::Segment;
use crate::clock::Clock;
use crate::spool::disk::{Disk, DiskFile, write_all_at};

/// Where new segments come from.
pub(super) struct Supply {
    folder: Folder,
    disk: Arc<dyn Disk>,
    clock: Clock,
    troubles: Arc<Troubles>,
    full_size: u32,
    ready: Mutex<VecDeque<Arc<Segment>>>,
    spares: Mutex<Vec<PathBuf>>,
    last_spare: AtomicU64,
    making: Mutex<Making>,
}

/// What is known only to who makes a segment.
struct Making {
    next_epoch: Epoch,
    /// Octets of the next file that is made.
    next_size: u32,
    /// Why the last attempt failed, and when the next may be made.
    refused: Option<(Refusal, Instant)>,
}

impl Supply {
    pub(super) fn new(start: &Start, found: Found) -> Self {
        let making = Making {
            next_epoch: found.next_epoch,
            next_size: start.shape.first_segment,
            refused: None,
        };
        Self {
            folder: start.folder.clone(),
            disk: Arc::clone(&start.disk),
            clock: start.clock.clone(),
            troubles: Arc::clone(&start.troubles),
            full_size: start.shape.segment,
            ready: Mutex::default(),
            spares: Mutex::new(found.spares),
            last_spare: AtomicU64::new(found.last_spare),
            making: Mutex::new(making),
        }
    }

    /// A segment to write to: one that is ready, or else one that is made now.
    pub(super) fn take(&self) -> Result<Arc<Segment>, Refusal> {
        if let Some(segment) = lock(&self.ready).pop_front() {
            return Ok(segment);
        }
        let mut making = lock(&self.making);
        // Somebody else may have made one meanwhile.
        let ready = lock(&self.ready).pop_front();
        ready.map_or_else(|| self.make(&mut making), Ok)
    }

    /// Makes segments ready until there are `wanted`, or one cannot be made.
    pub(super) fn fill(&self, wanted: usize) -> Result<(), Refusal> {
        loop {
            let mut making = lock(&self.making);
            if self.ready() >= wanted {
                return Ok(());
            }
            let segment = self.make(&mut making)?;
            // While `making` is held, so that segments are ready in the order of their epochs.
            lock(&self.ready).push_back(segment);
        }
    }

    /// How many segments are ready.
    pub(super) fn ready(&self) -> usize {
        lock(&self.ready).len()
    }

    /// How many files wait to become segments.
    pub(super) fn spares(&self) -> usize {
        lock(&self.spares).len()
    }

    /// A name for a file that becomes a spare.
    pub(super) fn spare_name(&self) -> PathBuf {
        let number = self.last_spare.fetch_add(1, Ordering::Relaxed) + 1;
        self.folder.path(Name::Spare(number))
    }

    /// Takes a file whose name as a spare is durable.
    pub(super) fn add_spare(&self, path: PathBuf) {
        lock(&self.spares).push(path);
    }

    fn make(&self, making: &mut Making) -> Result<Arc<Segment>, Refusal> {
        let now = self.clock.instant();
        if let Some((refusal, until)) = &making.refused
            && now < *until
            && self.spares() == 0
        {
            return Err(refusal.clone());
        }
        let spare = lock(&self.spares).pop();
        let begun = match spare {
            Some(path) => self.begin(&path, self.full_size, making),
            None => self.make_blank(making),
        };
        match begun {
            Ok(segment) => {
                making.refused = None;
                self.troubles.has_room();
                Ok(segment)
            }
            Err(refusal) => {
                making.refused = Some((refusal.clone(), now + PAUSE));
                self.troubles.full(&refusal);
                Err(refusal)
            }
        }
    }

    fn make_blank(&self, making: &mut Making) -> Result<Arc<Segment>, Refusal> {
        let size = making.next_size;
        let path = self.blank(size)?;
        let segment = self.begin(&path, size, making)?;
        making.next_size = size.saturating_mul(2).min(self.full_size);
        Ok(segment)
    }

    /// A new file, each of its blocks written once and synced, so that writing to it later changes no metadata.
    fn blank(&self, size: u32) -> Result<PathBuf, Refusal> {
        let path = self.spare_name();
        let file = self
            .disk
            .create(&path)
            .map_err(|why| Refusal::new("make", &path, &why))?;
        match zero(&*file, size as usize) {
            Ok(()) => Ok(path),
            Err(why) => {
                let _ = self.disk.unlink(&path);
                Err(Refusal::new("fill", &path, &why))
            }
        }
    }

    /// Makes a segment of a spare: its header first, then its name.
    fn begin(&self, spare: &Path, size: u32, making: &mut Making) -> Result<Arc<Segment>, Refusal> {
        let epoch = making.next_epoch;
        making.next_epoch = Epoch(epoch.0 + 1);
        let path = self.folder.path(Name::Open(epoch));
        let begun = self.begin_as(spare, epoch, size, &path);
        if begun.is_err() {
            // Whatever is left of it holds nothing; the next start tidies up.
            let _ = self.disk.unlink(spare);
            let _ = self.disk.unlink(&path);
        }
        begun
    }

    fn begin_as(
        &self,
        spare: &Path,
        epoch: Epoch,
        size: u32,
        path: &Path,
    ) -> Result<Arc<Segment>, Refusal> {
        let refused = |step| move |why: io::Error| Refusal::new(step, path, &why);
        let mut salt = [0; 8];
        aws_lc_rs::rand::fill(&mut salt)
            .map_err(|_| io::Error::other("the system gives no random numbers"))
            .map_err(refused("make"))?;
        let header = SegmentHeader {
            identity: Identity {
                epoch,
                salt: u64::from_le_bytes(salt),
            },
            size,
        };
        let file = self.disk.open(spare).map_err(refused("open"))?;
        write_all_at(&*file, &mut [IoSlice::new(&header.encode())], 0).map_err(refused("write"))?;
        file.sync().map_err(refused("sync"))?;
        self.disk.rename(spare, path).map_err(refused("name"))?;
        self.disk
            .sync_folder(&self.folder.log)
            .map_err(refused("sync the folder of"))?;
        Ok(Arc::new(Segment {
            identity: header.identity,
            size,
            path: path.to_owned(),
            file,
        }))
    }
}

/// What a start found of use.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) next_epoch: Epoch,
    pub(super) last_spare: u64,
    pub(super) spares: Vec<PathBuf>,
}

fn zero(file: &dyn DiskFile, size: usize) -> io::Result<()> {
    let zeros = vec![0; CHUNK.min(size)];
    let mut written = 0;
    while written < size {
        let rest = zeros.get(..size - written).unwrap_or(&zeros);
        write_all_at(file, &mut [IoSlice::new(rest)], written as u64)?;
        written += rest.len();
    }
    file.sync()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a disk that had no room is left alone, unless there is a spare.
const PAUSE: Duration = Duration::from_secs(5);
/// What is zeroed in one call.
const CHUNK: usize = 1024 * 1024;
