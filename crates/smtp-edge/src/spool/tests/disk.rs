//! A disk that fails, tears and forgets, as far as `docs/spool-format.md` allows a disk to.
//!
//! Of each file it knows what a process sees and what is on the medium, and the writes between the two; of names the same.
//! A process that dies leaves both as they are. A loss of power leaves the medium, and an arbitrary part of what was under
//! way: writes torn at any octet, sector or page, reordered, lost, or with garbage in the blocks that they touched; names
//! changed in any order or not at all. A sync that fails puts a part on the medium, drops the rest from what is under way,
//! and may go on showing it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::spool::disk::{Disk, DiskFile};

/// A disk in memory. Clones are the same disk.
#[derive(Clone)]
pub(in crate::spool) struct SimulatedDisk(Arc<Mutex<World>>);

struct World {
    random: fastrand::Rng,
    folders: BTreeSet<PathBuf>,
    files: Vec<Content>,
    /// What processes see.
    names: BTreeMap<PathBuf, usize>,
    /// What is on the medium.
    kept_names: BTreeMap<PathBuf, usize>,
    changes: Vec<Change>,
    /// What hits operations that change something, each with how many come before.
    faults: Vec<(usize, Fault)>,
    /// The same for those that read, list, look or open.
    reading_faults: Vec<(usize, Fault)>,
    /// How many operations were hit.
    hit: u64,
    dead: bool,
    capacity: usize,
    /// Octets that were written to files that are there or were.
    written: u64,
}

/// What happens to an operation that is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::spool) enum Fault {
    /// It fails, and those after it do not.
    Error,
    /// It fails, and all after it, until the disk is healed.
    Broken,
    /// It is refused without a trace, and all after it, until the disk is healed: the file system can only be read.
    ReadOnly,
    /// The process dies in it.
    Death,
}

/// How a process ends that was not asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::spool) enum Crash {
    /// The kernel lives on, and has what was written.
    Kill,
    /// Only the medium is left.
    PowerLoss,
}

#[derive(Default)]
struct Content {
    seen: Vec<u8>,
    kept: Vec<u8>,
    /// Not synced yet: in order, each with its offset.
    writes: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone)]
enum Change {
    Made(PathBuf, usize),
    Renamed(PathBuf, PathBuf, usize),
    Removed(PathBuf),
}

impl SimulatedDisk {
    pub(in crate::spool) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(World {
            random: fastrand::Rng::with_seed(seed),
            folders: BTreeSet::new(),
            files: Vec::new(),
            names: BTreeMap::new(),
            kept_names: BTreeMap::new(),
            changes: Vec::new(),
            faults: Vec::new(),
            reading_faults: Vec::new(),
            hit: 0,
            dead: false,
            capacity: usize::MAX,
            written: 0,
        })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// Hits the change that comes so many later, beside what else is to be hit.
    pub(in crate::spool) fn strike(&self, later: usize, fault: Fault) {
        self.world().faults.push((later, fault));
    }

    /// The same for what reads, lists, looks or opens.
    pub(in crate::spool) fn strike_reading(&self, later: usize, fault: Fault) {
        self.world().reading_faults.push((later, fault));
    }

    /// Nothing fails from now on, and there is room.
    pub(in crate::spool) fn heal(&self) {
        let mut world = self.world();
        world.faults.clear();
        world.reading_faults.clear();
        world.capacity = usize::MAX;
    }

    /// How many operations were hit so far.
    pub(in crate::spool) fn hit(&self) -> u64 {
        self.world().hit
    }

    /// Has room for so many octets more.
    pub(in crate::spool) fn leave_room(&self, octets: usize) {
        let mut world = self.world();
        world.capacity = world.taken() + octets;
    }

    /// Whether the process that uses the disk has died.
    pub(in crate::spool) fn is_dead(&self) -> bool {
        self.world().dead
    }

    /// Ends the process, and with it the faults.
    pub(in crate::spool) fn crash(&self, crash: Crash) {
        let mut world = self.world();
        world.dead = false;
        world.faults.clear();
        world.reading_faults.clear();
        world.capacity = usize::MAX;
        match crash {
            Crash::Kill => {}
            Crash::PowerLoss => world.lose_power(),
        }
    }

    /// Puts a file on the medium, in place of any of that name.
    pub(in crate::spool) fn put(&self, path: &Path, octets: &[u8]) {
        let mut world = self.world();
        let file = world.files.len();
        world.files.push(Content {
            seen: octets.to_vec(),
            kept: octets.to_vec(),
            writes: Vec::new(),
        });
        world.names.insert(path.to_owned(), file);
        world.kept_names.insert(path.to_owned(), file);
    }

    /// Changes an octet on the medium.
    pub(in crate::spool) fn rot(&self, path: &Path, at: usize) {
        let mut world = self.world();
        let file = world.names[path];
        let file = &mut world.files[file];
        file.seen[at] ^= 0x10;
        file.kept[at] ^= 0x10;
    }

    /// Has room for so many octets from now on, those that are there included.
    pub(in crate::spool) fn limit(&self, capacity: usize) {
        self.world().capacity = capacity;
    }

    /// Octets that were ever written.
    pub(in crate::spool) fn written(&self) -> u64 {
        self.world().written
    }

    /// Every file, by name, as processes see it.
    pub(in crate::spool) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let world = self.world();
        let names = world.names.iter();
        names
            .map(|(path, file)| (path.clone(), world.files[*file].seen.clone()))
            .collect()
    }
}

impl World {
    /// Counts an operation: whether it is to be carried out, and what it answers then.
    fn operation(&mut self) -> Hit {
        if self.dead {
            return Hit::Dead;
        }
        let fault = due(&mut self.faults);
        self.hit += u64::from(fault.is_some());
        match fault {
            None => Hit::Works,
            Some(Fault::Error | Fault::Broken) => Hit::Fails,
            Some(Fault::ReadOnly) => Hit::Refused,
            Some(Fault::Death) => {
                self.dead = true;
                Hit::Dies
            }
        }
    }

    /// Counts an operation that changes nothing.
    fn reading(&mut self) -> io::Result<()> {
        match due(&mut self.reading_faults) {
            None => Ok(()),
            Some(_) => {
                self.hit += 1;
                Err(io::Error::from_raw_os_error(EIO))
            }
        }
    }

    fn error(&mut self) -> io::Error {
        if self.random.bool() {
            io::ErrorKind::StorageFull.into()
        } else {
            io::Error::other("injected")
        }
    }

    fn taken(&self) -> usize {
        let files = self.names.values();
        files.map(|file| self.files[*file].seen.len()).sum()
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let found = self.names.get(path).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Changes a name if the operation is carried out, in full or not at all.
    fn change(&mut self, change: Change) -> io::Result<()> {
        match self.operation() {
            Hit::Works => {}
            Hit::Dies if self.random.bool() => {}
            Hit::Dies | Hit::Dead => return Err(dead()),
            Hit::Fails => return Err(self.error()),
            Hit::Refused => return Err(read_only()),
        }
        change.apply(&mut self.names);
        self.changes.push(change);
        if self.dead { Err(dead()) } else { Ok(()) }
    }

    fn sync(&mut self, file: usize) -> io::Result<()> {
        let hit = self.operation();
        let Self { files, random, .. } = self;
        let content = &mut files[file];
        match hit {
            Hit::Works => {
                for (offset, octets) in std::mem::take(&mut content.writes) {
                    content.keep(offset, &octets);
                }
                Ok(())
            }
            Hit::Dead => Err(dead()),
            Hit::Refused => Err(read_only()),
            // What is under way stays so, and the kernel or the loss of power decides.
            Hit::Dies => Err(dead()),
            Hit::Fails => {
                content.settle(random);
                if random.bool() {
                    content.seen.clone_from(&content.kept); // the pages are gone, too
                }
                Err(self.error())
            }
        }
    }

    fn lose_power(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        let mode = self.random.u8(0..4);
        let cut = self.random.usize(0..=changes.len());
        for (number, change) in changes.iter().enumerate() {
            let survives = match mode {
                0 => false,
                1 => true,
                2 => number < cut,
                _ => self.random.bool(),
            };
            if survives && change.is_possible(&self.kept_names) {
                change.apply(&mut self.kept_names);
            }
        }
        self.names.clone_from(&self.kept_names);
        let Self { files, random, .. } = self;
        for content in files {
            content.settle(random);
            content.seen.clone_from(&content.kept);
        }
    }
}

impl Content {
    /// Puts an arbitrary part of what is under way on the medium; there is nothing under way after that.
    fn settle(&mut self, random: &mut fastrand::Rng) {
        let length = self.seen.len();
        let how = random.u8(0..6);
        for (offset, octets) in std::mem::take(&mut self.writes) {
            let cuts = match how {
                0 => continue, // all of it is lost
                1 => vec![],
                // Torn at an octet.
                2 => vec![random.usize(0..=octets.len())],
                3 => multiples(512, offset, octets.len()),
                4 => multiples(4096, offset, octets.len()),
                _ => (0..6).map(|_| random.usize(0..=octets.len())).collect(),
            };
            for (number, (from, to)) in pieces(cuts, octets.len()).into_iter().enumerate() {
                match (how, random.u8(0..16)) {
                    (2, _) if number > 0 => {}
                    (1 | 2, _) | (_, 8..) => self.keep(offset + from, &octets[from..to]),
                    (_, 0) => self.scribble(offset + from, offset + to, random),
                    (_, _) => {}
                }
            }
        }
        // The file may have grown without what was written there.
        if self.kept.len() < length && random.bool() {
            let fill = if random.bool() { 0 } else { random.u8(..) };
            self.kept.resize(length, fill);
        }
    }

    fn keep(&mut self, offset: usize, octets: &[u8]) {
        let end = offset + octets.len();
        if self.kept.len() < end {
            self.kept.resize(end, 0);
        }
        self.kept[offset..end].copy_from_slice(octets);
    }

    /// Garbage in the blocks that a write touched.
    fn scribble(&mut self, from: usize, to: usize, random: &mut fastrand::Rng) {
        let (from, to) = (from / 4096 * 4096, to.next_multiple_of(4096));
        let end = to.min(self.kept.len());
        for octet in self.kept.iter_mut().take(end).skip(from) {
            *octet = random.u8(..);
        }
    }
}

/// A write in pieces that reach the medium or do not.
fn pieces(mut cuts: Vec<usize>, length: usize) -> Vec<(usize, usize)> {
    cuts.extend([0, length]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// The multiples of a sector or a page in a write at `offset`.
fn multiples(of: usize, offset: usize, length: usize) -> Vec<usize> {
    let first = offset.next_multiple_of(of) - offset;
    (first..length).step_by(of).collect()
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Made(path, file) => {
                names.insert(path.clone(), *file);
            }
            Self::Renamed(from, to, file) => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
            Self::Removed(path) => {
                names.remove(path);
            }
        }
    }

    /// A rename is whole or not at all: it takes a name away as well.
    fn is_possible(&self, names: &BTreeMap<PathBuf, usize>) -> bool {
        match self {
            Self::Made(..) | Self::Removed(_) => true,
            Self::Renamed(from, _, file) => names.get(from) == Some(file),
        }
    }

    fn is_in(&self, folder: &Path) -> bool {
        match self {
            Self::Made(path, _) | Self::Removed(path) => path.parent() == Some(folder),
            Self::Renamed(from, to, _) => {
                from.parent() == Some(folder) || to.parent() == Some(folder)
            }
        }
    }
}

/// What becomes of an operation.
enum Hit {
    Works,
    Fails,
    Refused,
    Dies,
    Dead,
}

fn dead() -> io::Error {
    io::Error::other("the process is dead")
}

fn read_only() -> io::Error {
    io::ErrorKind::ReadOnlyFilesystem.into()
}

/// What hits the next operation: what lasts stays, and each other fault comes one operation nearer.
fn due(faults: &mut Vec<(usize, Fault)>) -> Option<Fault> {
    let place = faults.iter().position(|(later, _)| *later == 0);
    let hits = place.map(|place| faults[place].1);
    match hits {
        Some(Fault::Error | Fault::Death) => drop(faults.remove(place.unwrap())),
        Some(Fault::Broken | Fault::ReadOnly) | None => {}
    }
    for (later, _) in faults {
        *later = later.saturating_sub(1);
    }
    hits
}

/// What a sector answers that cannot be read.
const EIO: i32 = 5;

impl Disk for SimulatedDisk {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.reading()?;
        world.folders.insert(path.to_owned());
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut world = self.world();
        world.reading()?;
        let paths = world.names.keys();
        Ok(paths
            .filter(|path| path.parent() == Some(folder))
            .cloned()
            .collect())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let mut world = self.world();
        world.reading()?;
        Ok(world.names.contains_key(path))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut world = self.world();
        world.reading()?;
        let file = world.find(path)?;
        Ok(world.files[file].seen.clone())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let file = self.create(path)?;
        crate::spool::disk::write_all_at(&*file, &mut [IoSlice::new(bytes)], 0)?;
        file.sync()
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.world();
        if world.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = world.files.len();
        world.files.push(Content::default());
        world.change(Change::Made(path.to_owned(), file))?;
        Ok(Arc::new(OpenFile {
            disk: self.clone(),
            file,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = {
            let mut world = self.world();
            world.reading()?;
            world.find(path)?
        };
        Ok(Arc::new(OpenFile {
            disk: self.clone(),
            file,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        let file = world.find(from)?;
        world.change(Change::Renamed(from.to_owned(), to.to_owned(), file))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        match world.operation() {
            Hit::Works => {}
            Hit::Dies | Hit::Dead => return Err(dead()),
            Hit::Fails => return Err(world.error()),
            Hit::Refused => return Err(read_only()),
        }
        let changes = std::mem::take(&mut world.changes);
        let (synced, others) = changes.into_iter().partition(|change| change.is_in(path));
        world.changes = others;
        for change in Vec::<Change>::into_iter(synced) {
            change.apply(&mut world.kept_names);
        }
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.find(path)?;
        world.change(Change::Removed(path.to_owned()))
    }
}

struct OpenFile {
    disk: SimulatedDisk,
    file: usize,
}

impl DiskFile for OpenFile {
    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let mut octets: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let mut world = self.disk.world();
        let hit = world.operation();
        match hit {
            Hit::Dead => return Err(dead()),
            Hit::Refused => return Err(read_only()),
            Hit::Works if world.random.u8(0..8) > 0 => {}
            // Short, of which nobody is to take notice.
            Hit::Works => octets.truncate(world.random.usize(1..=octets.len())),
            Hit::Fails | Hit::Dies => octets.truncate(world.random.usize(0..=octets.len())),
        }
        let (offset, written) = (offset as usize, octets.len());
        let end = offset + written;
        let grows = end.saturating_sub(world.files[self.file].seen.len());
        if world.taken() + grows > world.capacity {
            world.hit += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        world.written += written as u64;
        let content = &mut world.files[self.file];
        if content.seen.len() < end {
            content.seen.resize(end, 0);
        }
        content.seen[offset..end].copy_from_slice(&octets);
        content.writes.push((offset, octets));
        match hit {
            Hit::Works => Ok(written),
            Hit::Fails => Err(world.error()),
            Hit::Refused => Err(read_only()),
            Hit::Dies | Hit::Dead => Err(dead()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.world().sync(self.file)
    }

    fn read_at(&self, octets: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        world.reading()?;
        let seen = &world.files[self.file].seen;
        let rest = seen.get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(octets.len());
        octets[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn length(&self) -> io::Result<u64> {
        let mut world = self.disk.world();
        world.reading()?;
        Ok(world.files[self.file].seen.len() as u64)
    }
}
