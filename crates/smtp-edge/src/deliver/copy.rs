//! One copy of a message: its octets as they leave, for the recipients that one transaction may name.

use crate::envelope::{Mailbox, Needs, ReversePath};
use crate::ids::QueueId;
use crate::spool::message::Message;

use super::route::{Audience, Route};

/// A copy and its recipients.
pub(super) struct Copy<'a> {
    message: &'a Message,
    signatures: &'a [u8],
    /// Each recipient and its place in the envelope.
    pub(super) recipients: Vec<(usize, &'a Mailbox)>,
}

impl<'a> Copy<'a> {
    /// The copy that goes along `route`. Only a copy that leaves for the outside carries `signatures`.
    pub(super) fn new(message: &'a Message, signatures: &'a [u8], route: &Route) -> Self {
        let recipients = route.recipients.iter();
        Self {
            message,
            signatures: match route.audience {
                Audience::Internal => &[],
                Audience::External(_) => signatures,
            },
            recipients: recipients
                .filter_map(|place| Some((*place, message.envelope.recipients.get(*place)?)))
                .collect(),
        }
    }

    pub(super) fn id(&self) -> QueueId {
        self.message.id
    }

    pub(super) fn reverse_path(&self) -> &ReversePath {
        &self.message.envelope.reverse_path
    }

    /// Signatures, trace and content, in this order; together the message as it leaves.
    pub(super) fn parts(&self) -> [&[u8]; 3] {
        [self.signatures, &self.message.trace, &self.message.content]
    }

    /// How many octets leave, before dots are stuffed (RFC 1870 §5).
    pub(super) fn size(&self) -> u64 {
        self.parts().iter().map(|part| part.len() as u64).sum()
    }

    /// What this copy asks of its host. A message needs SMTPUTF8 on every way when its header does, else only where
    /// the sender's address or one of the recipients' of this copy does (RFC 6531 §3.2).
    pub(super) fn needs(&self) -> Needs {
        let needs = self.message.envelope.needs;
        let sender = match self.reverse_path() {
            ReversePath::Null => false,
            ReversePath::Mailbox(mailbox) => mailbox.needs_smtputf8(),
        };
        let addresses = sender
            || self
                .recipients
                .iter()
                .any(|(_, mailbox)| mailbox.needs_smtputf8());
        Needs {
            smtputf8: needs.smtputf8 && (addresses || !self.message.header().is_ascii()),
            ..needs
        }
    }
}
