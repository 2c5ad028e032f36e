//! Who is compared: two spools of the server, and a log that keeps nothing but octets.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use smtp_edge::clock::Clock;
use smtp_edge::config::SpoolSettings;
use smtp_edge::envelope::{Envelope, Needs, ReversePath, Source};
use smtp_edge::ids::QueueId;
use smtp_edge::spool::Spool;
use smtp_edge::spool::file::FileSpool;
use smtp_edge::spool::log::{Condition, LogSpool};
use smtp_edge::spool::message::{Message, MessageState, RecipientState};
use tokio::sync::watch;

use crate::Fault;
use crate::raw::RawLog;

/// Something that puts messages on stable storage.
pub(crate) enum Contender {
    Spool(Arc<dyn Spool>),
    Raw(Arc<RawLog>),
}

impl Contender {
    pub(crate) async fn log(place: &Path) -> Result<Self, Fault> {
        Ok(Self::Spool(Arc::new(open_log(place).await?)))
    }

    pub(crate) async fn files(place: &Path) -> Result<Self, Fault> {
        Ok(Self::Spool(Arc::new(FileSpool::open(place).await?)))
    }

    pub(crate) fn raw(place: &Path) -> Result<Self, Fault> {
        Ok(Self::Raw(Arc::new(RawLog::open(place)?)))
    }

    /// Another hold on the same contender.
    pub(crate) fn share(&self) -> Self {
        match self {
            Self::Spool(spool) => Self::Spool(Arc::clone(spool)),
            Self::Raw(raw) => Self::Raw(Arc::clone(raw)),
        }
    }

    /// Puts a message on stable storage, and gives its name where it is to be removed.
    pub(crate) async fn commit(&self, message: Message) -> Result<Option<QueueId>, Fault> {
        match self {
            Self::Spool(spool) => Ok(Some(spool.commit(message).await?.get())),
            Self::Raw(raw) => {
                raw.commit(message.content).await?;
                Ok(None)
            }
        }
    }

    /// Removes messages, as their deliveries would, some at a time.
    pub(crate) async fn remove(&self, ids: Vec<QueueId>) -> Result<(), Fault> {
        let Self::Spool(spool) = self else {
            return Ok(());
        };
        let mut removals = tokio::task::JoinSet::new();
        for ids in ids.chunks(ids.len().div_ceil(AT_ONCE).max(1)) {
            let (spool, ids) = (Arc::clone(spool), ids.to_vec());
            removals.spawn(async move {
                for id in ids {
                    spool.remove(id).await?;
                }
                Ok::<(), Fault>(())
            });
        }
        while let Some(ended) = removals.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// The log as the server opens it.
pub(crate) async fn open_log(place: &Path) -> Result<LogSpool, Fault> {
    let bound = SpoolSettings::default().large_message;
    let told = watch::channel(Condition::Works).0;
    Ok(LogSpool::open(place, bound, Clock::system(), told).await?)
}

/// A message of so many octets for one recipient.
pub(crate) fn message(size: usize) -> Result<Message, Fault> {
    static NUMBER: AtomicU64 = AtomicU64::new(1 << 40);
    let accepted = SystemTime::UNIX_EPOCH;
    let recipient = "somebody.with.a.name@mail.example.com".parse()?;
    let state = MessageState {
        recipients: vec![RecipientState::Pending(None)],
        signings: Default::default(),
        attempts: 0,
        next_attempt: accepted,
        orders: Default::default(),
        delay_told: None,
    };
    Ok(Message {
        id: QueueId::from_number(NUMBER.fetch_add(1, Ordering::Relaxed)),
        envelope: Envelope {
            source: Source::Ourselves,
            reverse_path: ReversePath::Mailbox("sender@example.org".parse()?),
            recipients: vec![recipient],
            needs: Needs::default(),
            accepted,
        },
        trace: vec![b'r'; 200],
        content: vec![b'x'; size],
        body_hashes: Default::default(),
        state,
    })
}

/// Removals under way at a time.
const AT_ONCE: usize = 256;
