//! Finds out whose the messages are that a start has found, and where they are to go: in the background, those that are due
//! first first. It reads their records without their content, some at a time, so that a start waits for none of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use common_config::name::DomainName;
use common_config::net::HostPort;
use tokio::sync::mpsc;

use super::Command;
use super::origin::Origin;
use crate::envelope::{Envelope, Mailbox};
use crate::ids::QueueId;
use crate::spool::Spool;
use crate::spool::message::Orders;

/// Whose a message is, and where it is to go.
#[derive(Debug)]
pub(super) struct Whose {
    pub(super) id: QueueId,
    pub(super) origin: Origin,
    /// The domains of its recipients, each once; none when they are not known.
    pub(super) domains: Vec<DomainName>,
    /// Where all of it goes, in place of where the settings say.
    pub(super) next_hop: Option<HostPort>,
}

impl Whose {
    /// As the record says.
    pub(super) fn new(id: QueueId, envelope: &Envelope, orders: &Orders) -> Self {
        let recipients = envelope.recipients.iter();
        let domains: BTreeSet<&DomainName> = recipients.map(Mailbox::domain).collect();
        Self {
            id,
            origin: Origin::from(&envelope.source),
            domains: domains.into_iter().cloned().collect(),
            next_hop: orders.next_hop.clone(),
        }
    }

    /// Nothing is known.
    pub(super) fn unknown(id: QueueId) -> Self {
        Self {
            id,
            origin: Origin::Unknown,
            domains: Vec::new(),
            next_hop: None,
        }
    }
}

/// Tells the dispatcher of all of them. A message that cannot be read has its round without that, which says why.
pub(super) async fn survey(
    spool: Arc<dyn Spool>,
    mut waiting: Vec<(SystemTime, QueueId)>,
    dispatcher: mpsc::WeakUnboundedSender<Command>,
) {
    waiting.sort_unstable();
    for some in waiting.chunks(AT_A_TIME) {
        let ids = some.iter().map(|(_, id)| *id).collect();
        let Ok(heads) = spool.heads(ids).await else {
            return;
        };
        let known = heads
            .into_iter()
            .flatten()
            .map(|head| Whose::new(head.id, &head.envelope, &head.state.orders));
        let Some(dispatcher) = dispatcher.upgrade() else {
            return; // the server has stopped
        };
        let _ = dispatcher.send(Command::Known(known.collect()));
    }
}

const AT_A_TIME: usize = 200;
