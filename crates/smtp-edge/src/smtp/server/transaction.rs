//! One mail transaction: what MAIL and RCPT have said so far (RFC 5321 §3.3).

use crate::envelope::{Mailbox, ReversePath};
use crate::smtp::params::MailParams;

/// A transaction that MAIL has opened.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) reverse_path: ReversePath,
    pub(super) params: MailParams,
    /// In the order given, each once.
    pub(super) recipients: Vec<Mailbox>,
}

impl Transaction {
    pub(super) fn new(reverse_path: ReversePath, params: MailParams) -> Self {
        Self {
            reverse_path,
            params,
            recipients: Vec::new(),
        }
    }

    /// Adds a recipient; one that is there already is not to have the message twice.
    pub(super) fn add(&mut self, recipient: Mailbox) {
        if !self.recipients.contains(&recipient) {
            self.recipients.push(recipient);
        }
    }
}
