//! The folder of a file spool: every operation in the order in which a crash at any point does least harm.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;
use crate::ids::QueueId;
use crate::spool::disk::{Disk, read_all_at};
use crate::spool::message::{
    Head, Held, HeldFor, Message, MessageState, RecipientState, Stored, Waiting,
};
use crate::spool::record::{self, RecordError};
use crate::spool::{Durable, Recovered, SpoolError};

/// The folder and the way to the disk. Everything here blocks.
pub(super) struct Folder {
    pub(super) messages: PathBuf,
    pub(super) tmp: PathBuf,
    pub(super) corrupt: PathBuf,
    disk: Arc<dyn Disk>,
    clock: Clock,
    names: AtomicU64,
}

impl Folder {
    pub(super) fn open(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, SpoolError> {
        let make = |path: PathBuf| {
            let made = disk.make_folder(&path);
            made.map_err(at("make the folder", &path)).map(|()| path)
        };
        let folder = Self {
            messages: make(path.join("messages"))?,
            tmp: make(path.join("tmp"))?,
            corrupt: make(path.join("corrupt"))?,
            disk: Arc::clone(&disk),
            clock: Clock::system(),
            names: AtomicU64::new(0),
        };
        for leftover in folder.list(&folder.tmp)? {
            folder
                .disk
                .unlink(&leftover)
                .map_err(at("remove", &leftover))?;
        }
        folder.disk.sync_folder(path).map_err(at("sync", path))?;
        Ok(folder)
    }

    pub(super) fn commit(&self, message: &Message) -> Result<Durable<QueueId>, SpoolError> {
        let path = self.message_path(message.id);
        let placed = self.place(&record::encode_message(message), &path);
        if placed.is_err() {
            // The client is about to be told that we do not have it, so it must not turn up at the next start.
            let _ = self.disk.unlink(&path);
            let _ = self.disk.sync_folder(&self.messages);
        }
        placed.map(|()| Durable::synced(message.id))
    }

    pub(super) fn update(&self, id: QueueId, state: &MessageState) -> Result<(), SpoolError> {
        let message = self.message_path(id);
        if !self.exists(&message)? {
            return Err(SpoolError::NotFound { id });
        }
        self.place(&record::encode_state(id, state), &self.state_path(id))
    }

    pub(super) fn read(&self, id: QueueId) -> Result<Stored, SpoolError> {
        let mut message = self.read_message(id)?;
        if let Some(state) = self.latest_state(id, message.state.recipients.len())? {
            message.state = state;
        }
        Ok(Stored { message })
    }

    /// Reads a message without its content, with its latest state.
    pub(super) fn head(&self, id: QueueId) -> Result<Head, SpoolError> {
        let path = self.message_path(id);
        let opened = self.disk.open(&path);
        let file = opened.map_err(missing(id, "open", &path))?;
        let length = file.length().map_err(at("read", &path))?;
        let read = record::read_head(length, |offset, most| {
            let rest = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
            let mut octets = vec![0; most.min(rest)];
            let read = read_all_at(&*file, &mut octets, offset).map_err(at("read", &path))?;
            octets.truncate(read);
            Ok(octets)
        });
        let mut head = read?.map_err(unreadable(&path))?;
        if head.id != id {
            return Err(SpoolError::Damaged { path, offset: 16 });
        }
        if let Some(state) = self.latest_state(id, head.state.recipients.len())? {
            head.state = state;
        }
        Ok(head)
    }

    /// The state that was recorded last, which must be one of so many recipients.
    fn latest_state(
        &self,
        id: QueueId,
        recipients: usize,
    ) -> Result<Option<MessageState>, SpoolError> {
        let state = self.read_state(id)?;
        if state
            .as_ref()
            .is_some_and(|state| state.recipients.len() != recipients)
        {
            let path = self.state_path(id);
            return Err(SpoolError::Damaged { path, offset: 24 });
        }
        Ok(state)
    }

    pub(super) fn remove(&self, id: QueueId) -> Result<(), SpoolError> {
        let message = self.message_path(id);
        self.disk
            .unlink(&message)
            .map_err(missing(id, "remove", &message))?;
        // Before the state goes: a message that came back without its state would be delivered again.
        self.disk
            .sync_folder(&self.messages)
            .map_err(at("sync", &self.messages))?;
        // What stays of the state is dropped at the next start.
        let _ = self.disk.unlink(&self.state_path(id));
        Ok(())
    }

    pub(super) fn recover(&self) -> Result<Recovered, SpoolError> {
        let mut recovered = Recovered::default();
        // What a process left that was killed may have its name in memory only; from now on it is built upon.
        self.disk
            .sync_folder(&self.messages)
            .map_err(at("sync", &self.messages))?;
        for path in self.list(&self.messages)? {
            match (queue_id(&path), path.extension().and_then(OsStr::to_str)) {
                (Some(id), Some("msg")) => self.recover_message(id, &mut recovered)?,
                (Some(id), Some("state")) => {
                    let message = self.message_path(id);
                    let orphan = !self.exists(&message)?;
                    // It may be gone already, with the message that stands before it in the list.
                    if orphan && self.exists(&path)? {
                        self.disk.unlink(&path).map_err(at("remove", &path))?;
                    }
                }
                _ => recovered.corrupt.push(self.set_aside(&path)?),
            }
        }
        recovered.messages.sort_by_key(|(id, _)| *id);
        recovered.last_id = recovered.messages.last().map(|(id, _)| *id);
        Ok(recovered)
    }

    fn recover_message(&self, id: QueueId, recovered: &mut Recovered) -> Result<(), SpoolError> {
        let mut state = match self.read_message(id) {
            Ok(message) => message.state,
            Err(SpoolError::Damaged { path, .. }) => {
                let state = self.state_path(id);
                if self.exists(&state)? {
                    recovered.corrupt.push(self.set_aside(&state)?);
                }
                recovered.corrupt.push(self.set_aside(&path)?);
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        match self.read_state(id) {
            Ok(Some(latest)) if latest.recipients.len() == state.recipients.len() => state = latest,
            Ok(None) => {}
            Ok(Some(_)) | Err(SpoolError::Damaged { .. }) => {
                recovered
                    .corrupt
                    .push(self.copy_aside(&self.state_path(id))?);
                // It may have come further than this, so that a person is to say what becomes of it.
                state.orders.held = Some(Held {
                    since: self.clock.now(),
                    why: HeldFor::Damage,
                });
                let record = record::encode_state(id, &state);
                self.place(&record, &self.state_path(id))?;
                recovered.held.push(id);
            }
            Err(other) => return Err(other),
        }
        if state.recipients.iter().all(is_settled) {
            return self.remove(id);
        }
        recovered.messages.push((id, Waiting::from(&state)));
        Ok(())
    }

    /// Copies a record that cannot be read to `corrupt/`: it stays where it is until another takes its place.
    fn copy_aside(&self, path: &Path) -> Result<PathBuf, SpoolError> {
        let target = self.name_aside(path)?;
        let octets = self.disk.read(path).map_err(at("read", path))?;
        let written = self.disk.write(&target, &octets);
        written.map_err(at("write", &target))?;
        self.disk
            .sync_folder(&self.corrupt)
            .map_err(at("sync", &self.corrupt))?;
        Ok(target)
    }

    /// A name in `corrupt/` that no earlier record there has.
    fn name_aside(&self, path: &Path) -> Result<PathBuf, SpoolError> {
        let name = path.file_name().unwrap_or(OsStr::new("unnamed"));
        let mut target = self.corrupt.join(name);
        let mut count = 1_u32;
        while self.exists(&target)? {
            let mut numbered = name.to_owned();
            numbered.push(format!(".{count}"));
            target = self.corrupt.join(numbered);
            count += 1;
        }
        Ok(target)
    }

    /// Moves a record that cannot be read to `corrupt/`.
    fn set_aside(&self, path: &Path) -> Result<PathBuf, SpoolError> {
        let target = self.name_aside(path)?;
        self.disk
            .rename(path, &target)
            .map_err(at("move aside", path))?;
        self.disk
            .sync_folder(&self.corrupt)
            .map_err(at("sync", &self.corrupt))?;
        self.disk
            .sync_folder(&self.messages)
            .map_err(at("sync", &self.messages))?;
        Ok(target)
    }

    /// Puts a record on stable storage under its name: write, sync, rename, sync of the folder.
    fn place(&self, record: &[u8], path: &Path) -> Result<(), SpoolError> {
        let name = self.names.fetch_add(1, Ordering::Relaxed);
        let tmp = self.tmp.join(name.to_string());
        let named = self
            .disk
            .write(&tmp, record)
            .map_err(at("write", path))
            .and_then(|()| self.disk.rename(&tmp, path).map_err(at("name", path)));
        if named.is_err() {
            let _ = self.disk.unlink(&tmp);
        }
        named?;
        self.disk
            .sync_folder(&self.messages)
            .map_err(at("sync", &self.messages))
    }

    /// The paths in a folder, in the order of their names.
    pub(super) fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, SpoolError> {
        self.disk.list(folder).map_err(at("list", folder))
    }

    fn exists(&self, path: &Path) -> Result<bool, SpoolError> {
        self.disk.exists(path).map_err(at("look for", path))
    }

    pub(super) fn read_message(&self, id: QueueId) -> Result<Message, SpoolError> {
        let path = self.message_path(id);
        let bytes = self.disk.read(&path).map_err(missing(id, "read", &path))?;
        let message = record::decode_message(&bytes).map_err(unreadable(&path))?;
        if message.id == id {
            Ok(message)
        } else {
            Err(SpoolError::Damaged { path, offset: 16 })
        }
    }

    fn read_state(&self, id: QueueId) -> Result<Option<MessageState>, SpoolError> {
        let path = self.state_path(id);
        let bytes = match self.disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at("read", &path)(error)),
        };
        let (named, state) = record::decode_state(&bytes).map_err(unreadable(&path))?;
        if named == id {
            Ok(Some(state))
        } else {
            Err(SpoolError::Damaged { path, offset: 16 })
        }
    }

    pub(super) fn message_path(&self, id: QueueId) -> PathBuf {
        self.messages.join(format!("{id}.msg"))
    }

    pub(super) fn state_path(&self, id: QueueId) -> PathBuf {
        self.messages.join(format!("{id}.state"))
    }
}

/// Whether nothing is left to do for a recipient.
fn is_settled(recipient: &RecipientState) -> bool {
    match recipient {
        RecipientState::Delivered | RecipientState::Reported => true,
        RecipientState::Pending(_) | RecipientState::Failed(_) => false,
    }
}

pub(super) fn queue_id(path: &Path) -> Option<QueueId> {
    path.file_stem()?.to_str()?.parse().ok()
}

fn at(step: &'static str, path: &Path) -> impl Fn(io::Error) -> SpoolError {
    move |source| SpoolError::Io {
        step,
        path: path.to_owned(),
        source,
    }
}

/// Says which step failed on the file of a message, which may not be there.
fn missing(id: QueueId, step: &'static str, path: &Path) -> impl Fn(io::Error) -> SpoolError {
    move |source| match source.kind() {
        io::ErrorKind::NotFound => SpoolError::NotFound { id },
        _ => at(step, path)(source),
    }
}

fn unreadable(path: &Path) -> impl Fn(RecordError) -> SpoolError {
    move |error| match error {
        RecordError::Damaged { offset } => SpoolError::Damaged {
            path: path.to_owned(),
            offset,
        },
        RecordError::Version { version } => SpoolError::Version {
            path: path.to_owned(),
            version,
        },
    }
}
