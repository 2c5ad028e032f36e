//! A start: reads the log, decides what counts, writes anew what was in doubt, and tidies up. It may be cut off anywhere
//! and begun again. `docs/spool-format.md` has the rules, and why each of them holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::batch::{Record, Says, batch_octets};
use super::condition::{Refusal, Troubles};
use super::corrupt::Corrupt;
use super::doubt::{self, Doubt};
use super::folder::{Folder, Name};
use super::frame::{End, Epoch};
use super::index::Index;
use super::journal::{Journal, Names, Shape};
use super::large;
use super::ledger::Stage;
use super::scan::{self, Found, Front, Part, Scan};
use super::segment::{Segment, at_path};
use super::supply::{self, Supply};
use super::survey::Survey;
use super::writer::Writer;
use crate::clock::Clock;
use crate::ids::QueueId;
use crate::mail_log;
use crate::spool::disk::Disk;
use crate::spool::message::{Held, HeldFor, Waiting};
use crate::spool::offline::Damage;
use crate::spool::{SpoolError, record};

/// What a log is started with.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) folder: Folder,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) shape: Shape,
    pub(super) clock: Clock,
    pub(super) troubles: Arc<Troubles>,
}

/// A log that has been read.
pub(super) struct Started {
    pub(super) journal: Arc<Journal>,
    pub(super) writer: Writer,
    pub(super) damages: Damages,
}

/// What a start could not read, and what it made of that; see [`crate::spool::Recovered`].
#[derive(Clone, Default)]
pub(super) struct Damages {
    pub(super) corrupt: Vec<PathBuf>,
    pub(super) unknown: Vec<PathBuf>,
    pub(super) held: Vec<QueueId>,
}

/// A log that was only looked at.
pub(super) struct Looked {
    pub(super) journal: Arc<Journal>,
    pub(super) damage: Vec<Damage>,
    /// Batches that were not written to their end.
    pub(super) torn: usize,
}

impl Start {
    pub(super) fn run(&self) -> Result<Started, SpoolError> {
        self.make_folders()?;
        let mut corrupt = Corrupt::new(&*self.disk, &self.folder);
        let (mut segments, spares) = self.open(&mut corrupt)?;
        let survey = Survey::of(&segments)?;
        for End { epoch, end } in &survey.torn {
            mail_log::spool_torn(&self.folder.path(Name::Open(*epoch)), *end);
        }
        let doubt = match &survey.in_doubt {
            Some((epoch, front)) => {
                let segment = segments.get(epoch);
                let doubt = segment
                    .map(|(segment, _)| Doubt::read(&*self.disk, &self.folder, segment, front));
                doubt.transpose()?
            }
            None => None,
        };
        let void = segments.extract_if(.., |epoch, _| !survey.ends.contains_key(epoch));
        let void = void.map(|(epoch, _)| self.folder.path(Name::Open(epoch)));
        let void = void.collect();
        let mut index = replay(segments, &survey, &mut corrupt)?;
        if let Some((_, front)) = &survey.in_doubt {
            index.last_id = index.last_id.max(Some(front.header.last_id));
        }
        let found = self.tidy(spares, void, survey.highest)?;

        let (journal, mut writer) = self.journal(index, found, survey.last);
        let told = |refusal: Refusal| refusal.told();
        // First, since the disk may have no room but this.
        let idle = journal.index().ledger.idle();
        journal.give_up(&idle).map_err(told)?;
        let octets = doubt.as_ref().map_or(0, Doubt::octets);
        writer.make_room(batch_octets(octets)).map_err(told)?;
        let records = doubt.as_ref().zip(writer.epoch());
        let records = records.map(|(doubt, epoch)| doubt.records(epoch));
        writer.write(&records.unwrap_or_default()).map_err(told)?;
        journal.name_closed().map_err(told)?;
        let held = hold_doubtful(&journal, &mut writer)?;
        self.compare_large(&journal.index(), &mut corrupt)?;
        Ok(Started {
            journal,
            writer,
            damages: Damages {
                corrupt: corrupt.told,
                unknown: corrupt.unknown,
                held,
            },
        })
    }

    /// Reads the log as it is, and changes nothing: to be called with a disk that does not change. What is in doubt counts,
    /// since it may have been answered.
    pub(super) fn look(&self) -> Result<Looked, SpoolError> {
        let mut corrupt = Corrupt::new(&*self.disk, &self.folder);
        let (mut segments, _) = self.open(&mut corrupt)?;
        let mut survey = Survey::of(&segments)?;
        let mut refused = Vec::new();
        if let Some((epoch, front)) = &survey.in_doubt
            && let Some((segment, _)) = segments.get(epoch)
        {
            let end = front.header.offset + front.header.length;
            survey.ends.insert(*epoch, end);
            for found in front.records(segment)? {
                if let Found::Whole(item) = found
                    && doubt::is_refused(&*self.disk, &self.folder, &item.entry)?
                {
                    refused.push(item.entry.id);
                }
            }
        }
        segments.retain(|epoch, _| survey.ends.contains_key(epoch));
        let mut index = replay(segments, &survey, &mut corrupt)?;
        refused.into_iter().for_each(|id| index.forget(id));
        self.compare_large(&index, &mut corrupt)?;
        let nothing = supply::Found {
            next_epoch: Epoch(1),
            last_spare: 0,
            spares: Vec::new(),
        };
        let damage = corrupt.damage;
        let (journal, _) = self.journal(index, nothing, None);
        Ok(Looked {
            journal,
            damage,
            torn: survey.torn.len(),
        })
    }

    fn make_folders(&self) -> Result<(), SpoolError> {
        let Folder {
            log,
            large,
            corrupt,
        } = &self.folder;
        for path in [log, large, corrupt] {
            let made = self.disk.make_folder(path);
            made.map_err(at_path("make the folder", path))?;
        }
        let spool = log.parent().unwrap_or(log);
        let synced = self.disk.sync_folder(spool);
        synced.map_err(at_path("sync", spool))
    }

    /// The segments, each with its end if its name says one, and the spares.
    fn open(&self, corrupt: &mut Corrupt<'_>) -> Result<(Segments, Vec<PathBuf>), SpoolError> {
        let log = &self.folder.log;
        let (mut segments, mut spares) = (Segments::new(), Vec::new());
        for path in self.disk.list(log).map_err(at_path("list", log))? {
            let (epoch, end) = match Name::read(&path) {
                Some(Name::Open(epoch)) => (epoch, None),
                Some(Name::Closed(End { epoch, end })) => (epoch, Some(end)),
                Some(Name::Spare(_)) => {
                    spares.push(path);
                    continue;
                }
                None => {
                    corrupt.set_aside(&path)?;
                    continue;
                }
            };
            match Segment::open(&*self.disk, &path, epoch, corrupt)? {
                Some(segment) if !segments.contains_key(&epoch) => {
                    segments.insert(epoch, (segment, end));
                }
                Some(_) => corrupt.set_aside(&path)?,
                None => corrupt.set_segment_aside(&path)?,
            }
        }
        Ok((segments, spares))
    }

    /// Keeps as spares what can become segments, and removes the rest. What holds nothing that was answered is void.
    fn tidy(
        &self,
        spares: Vec<PathBuf>,
        void: Vec<PathBuf>,
        highest: Option<Epoch>,
    ) -> Result<supply::Found, SpoolError> {
        let number = |path: &PathBuf| match Name::read(path) {
            Some(Name::Spare(number)) => number,
            Some(Name::Open(_) | Name::Closed(_)) | None => 0,
        };
        let mut last_spare = spares.iter().map(number).max().unwrap_or(0);
        let mut kept = Vec::new();
        for path in spares.into_iter().chain(void) {
            if kept.len() >= self.shape.spares || !self.is_blank(&path)? {
                let removed = self.disk.unlink(&path);
                removed.map_err(at_path("remove", &path))?;
            } else if let Some(Name::Spare(_)) = Name::read(&path) {
                kept.push(path);
            } else {
                last_spare += 1;
                let spare = self.folder.path(Name::Spare(last_spare));
                let renamed = self.disk.rename(&path, &spare);
                renamed.map_err(at_path("name", &spare))?;
                kept.push(spare);
            }
        }
        let log = &self.folder.log;
        self.disk.sync_folder(log).map_err(at_path("sync", log))?;
        Ok(supply::Found {
            next_epoch: Epoch(highest.map_or(0, |epoch| epoch.0) + 1),
            last_spare,
            spares: kept,
        })
    }

    /// Whether every block of a file was written and synced once: then it had a segment's header after that.
    fn is_blank(&self, path: &Path) -> Result<bool, SpoolError> {
        let file = self.disk.open(path).map_err(at_path("open", path))?;
        let length = file.length().map_err(at_path("read", path))?;
        let written = match Segment::header(&*file, path) {
            Ok(header) => header.is_ok(),
            Err(SpoolError::Version { .. }) => false,
            Err(other) => return Err(other),
        };
        Ok(written && length == u64::from(self.shape.segment))
    }

    fn journal(
        &self,
        index: Index,
        found: supply::Found,
        last: Option<End>,
    ) -> (Arc<Journal>, Writer) {
        let start = self.clone();
        let supply = Supply::new(&start, found);
        let journal = Arc::new(Journal {
            folder: start.folder,
            shape: start.shape,
            disk: start.disk,
            clock: start.clock,
            troubles: start.troubles,
            supply,
            index: Mutex::new(index),
            names: Mutex::new(Names::default()),
        });
        (Arc::clone(&journal), Writer::after(journal, last))
    }

    /// Removes the content of messages that were never answered or are done, and tells of content that is missing.
    fn compare_large(&self, index: &Index, corrupt: &mut Corrupt<'_>) -> Result<(), SpoolError> {
        let folder = &self.folder.large;
        let mut missing = index.large();
        for path in self.disk.list(folder).map_err(at_path("list", folder))? {
            match large::message(&path) {
                Some(id) if missing.remove(&id) => {}
                // The record that names it may be among what is damaged.
                Some(_) if !corrupt.any => {
                    let removed = self.disk.unlink(&path);
                    removed.map_err(at_path("remove", &path))?;
                }
                Some(_) | None => corrupt.set_aside(&path)?,
            }
        }
        for id in missing {
            corrupt.missing(self.folder.large(id));
        }
        Ok(())
    }
}

/// The segments that a start finds, each with its end if its name says one.
pub(super) type Segments = BTreeMap<Epoch, (Segment, Option<u32>)>;

/// Reads what counts, in the order of the log.
fn replay(
    segments: Segments,
    survey: &Survey,
    corrupt: &mut Corrupt<'_>,
) -> Result<Index, SpoolError> {
    let mut index = Index::default();
    let mut opened = Vec::new();
    // All of them first: what a record says about a segment matters only if there is one.
    for (epoch, (segment, named)) in segments {
        let end = survey.ends.get(&epoch).copied().unwrap_or_default();
        let stage = match named {
            Some(end) => Stage::Closed { end },
            None => Stage::Closing { end },
        };
        let segment = Arc::new(segment);
        index.ledger.open(Arc::clone(&segment), stage);
        opened.push((segment, end));
    }
    for (segment, end) in opened {
        let mut scan = Scan::new(&segment, Some(end));
        while let Some(part) = scan.next()? {
            match part {
                Part::Batch(front) => replay_batch(&mut index, &segment, &front, corrupt)?,
                Part::Damage { from, to } => {
                    corrupt.copy(&segment, from, to, None)?;
                    replay_strays(&mut index, &segment, from, to)?;
                }
            }
        }
    }
    Ok(index)
}

fn replay_batch(
    index: &mut Index,
    segment: &Segment,
    front: &Front,
    corrupt: &mut Corrupt<'_>,
) -> Result<(), SpoolError> {
    index.last_id = index.last_id.max(Some(front.header.last_id));
    let (from, to) = (
        front.header.offset,
        front.header.offset + front.header.length,
    );
    let mut copy = |id| corrupt.copy(segment, from, to, id);
    for found in front.records(segment)? {
        match found {
            Found::Whole(item) => index.apply(&item.entry, item.place),
            Found::Damaged { id } => {
                index.doubt(id);
                copy(Some(id))?;
            }
            Found::Unreadable { perhaps } => {
                let id = perhaps.filter(|id| index.get(*id).is_some());
                id.into_iter().for_each(|id| index.doubt(id));
                copy(id)?;
            }
        }
    }
    Ok(())
}

/// Reads the records of a batch whose header is lost.
fn replay_strays(
    index: &mut Index,
    segment: &Segment,
    from: u32,
    to: u32,
) -> Result<(), SpoolError> {
    for stray in scan::strays(segment, from, to)? {
        if stray.whole {
            index.apply(&stray.entry, stray.place);
        } else {
            index.doubt(stray.entry.id);
        }
    }
    Ok(())
}

/// Holds every message that may have come further than is known, durably: what was delivered is not delivered again before a
/// person has said so.
fn hold_doubtful(journal: &Journal, writer: &mut Writer) -> Result<Vec<QueueId>, SpoolError> {
    let told = |refusal: Refusal| refusal.told();
    let mut held = Vec::new();
    let doubtful = journal.index().doubtful();
    for id in doubtful {
        let mut state = match journal.head(id) {
            Ok(head) => head.state,
            // What cannot be read is not delivered, either.
            Err(SpoolError::Damaged { .. }) => continue,
            Err(other) => return Err(other),
        };
        state.orders.held = Some(Held {
            since: journal.clock.now(),
            why: HeldFor::Damage,
        });
        let head = record::encode_state(id, &state);
        let waiting = Waiting::from(&state);
        let says = Says::State {
            head: &head,
            waiting,
        };
        let record = Record { id, says };
        let octets = batch_octets(record.octets());
        writer.make_room(octets).map_err(told)?;
        writer.write(&[record]).map_err(told)?;
        held.push(id);
    }
    Ok(held)
}
