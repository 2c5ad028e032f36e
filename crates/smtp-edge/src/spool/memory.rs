//! A spool in memory for tests, which can be made to fail.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::message::{Head, Message, MessageState, Stored, Waiting};
use super::{Durable, Recovered, Spool, SpoolError, SpoolFuture};
use crate::ids::QueueId;

/// The messages, and whether what changes them fails.
#[derive(Debug, Default)]
pub(crate) struct MemorySpool {
    pub(crate) messages: Mutex<BTreeMap<QueueId, Message>>,
    pub(crate) fails: AtomicBool,
}

impl MemorySpool {
    /// A promise of something that is kept elsewhere.
    pub(crate) fn promise(&self, id: QueueId) -> Durable<QueueId> {
        Durable::synced(id)
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<QueueId, Message>) -> T,
    ) -> Result<T, SpoolError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(SpoolError::Io {
                step: "write",
                path: PathBuf::from("memory"),
                source: io::Error::from(io::ErrorKind::StorageFull),
            });
        }
        Ok(change(&mut self.messages.lock().unwrap()))
    }
}

impl Spool for MemorySpool {
    fn commit(&self, message: Message) -> SpoolFuture<'_, Durable<QueueId>> {
        let id = message.id;
        let result = self.change(|messages| drop(messages.insert(id, message)));
        Box::pin(async move { result.map(|()| Durable::synced(id)) })
    }

    fn update(&self, id: QueueId, state: MessageState) -> SpoolFuture<'_, ()> {
        let result =
            self.change(|messages| messages.get_mut(&id).map(|message| message.state = state));
        Box::pin(async move { result?.ok_or(SpoolError::NotFound { id }) })
    }

    fn read(&self, id: QueueId) -> SpoolFuture<'_, Stored> {
        let message = self.messages.lock().unwrap().get(&id).cloned();
        let found = message.map(|message| Stored { message });
        Box::pin(async move { found.ok_or(SpoolError::NotFound { id }) })
    }

    fn heads(&self, ids: Vec<QueueId>) -> SpoolFuture<'_, Vec<Result<Head, SpoolError>>> {
        let messages = self.messages.lock().unwrap();
        let head = |id| {
            let found = messages.get(&id).cloned().map(Head::from);
            found.ok_or(SpoolError::NotFound { id })
        };
        let heads = ids.into_iter().map(head).collect();
        Box::pin(async move { Ok(heads) })
    }

    fn remove(&self, id: QueueId) -> SpoolFuture<'_, ()> {
        let result = self.change(|messages| messages.remove(&id));
        Box::pin(async move { result?.map(drop).ok_or(SpoolError::NotFound { id }) })
    }

    fn recover(&self) -> SpoolFuture<'_, Recovered> {
        let messages = self.messages.lock().unwrap();
        let found = messages
            .iter()
            .map(|(id, message)| (*id, Waiting::from(&message.state)))
            .collect();
        let last_id = messages.last_key_value().map(|(id, _)| *id);
        Box::pin(async move {
            Ok(Recovered {
                messages: found,
                last_id,
                corrupt: Vec::new(),
                ..Recovered::default()
            })
        })
    }
}
