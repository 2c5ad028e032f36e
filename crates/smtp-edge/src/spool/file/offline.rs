//! A spool of files that is only read.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use super::folder::{Folder, queue_id};
use crate::ids::QueueId;
use crate::spool::SpoolError;
use crate::spool::looking::Looking;
use crate::spool::message::Message;
use crate::spool::offline::{Damage, Wrong, damage_of};

/// The files of a spool.
pub(in crate::spool) struct Files {
    folder: Folder,
    ids: Vec<QueueId>,
    damage: RefCell<Vec<Damage>>,
}

impl Files {
    pub(in crate::spool) fn open(path: &Path) -> Result<Self, SpoolError> {
        let folder = Folder::open(path, Arc::new(Looking))?;
        let (mut ids, mut damage) = (Vec::new(), Vec::new());
        for path in folder.list(&folder.messages)? {
            match (queue_id(&path), path.extension().and_then(OsStr::to_str)) {
                (Some(id), Some("msg")) => ids.push(id),
                // One without its message is the leftover of a removal.
                (Some(_), Some("state")) => {}
                _ => damage.push(Damage {
                    path,
                    offset: 0,
                    what: Wrong::Foreign,
                    id: None,
                }),
            }
        }
        Ok(Self {
            folder,
            ids,
            damage: damage.into(),
        })
    }

    pub(in crate::spool) fn ids(&self) -> impl Iterator<Item = QueueId> {
        self.ids.iter().copied()
    }

    /// Reads a message. One whose latest state is damaged is in the state that it was accepted in, as at a start.
    pub(in crate::spool) fn read(&self, id: QueueId) -> Result<Message, SpoolError> {
        match self.folder.read(id) {
            Ok(stored) => Ok(stored.message),
            Err(error) => {
                let message = self.folder.read_message(id).map_err(|_| error)?;
                if let Err(error) = self.folder.read(id) {
                    self.damage.borrow_mut().extend(damage_of(id, &error));
                }
                Ok(message)
            }
        }
    }

    pub(in crate::spool) fn damage(&self) -> Vec<Damage> {
        self.damage.borrow().clone()
    }
}
