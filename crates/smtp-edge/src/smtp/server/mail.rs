//! MAIL, RCPT and RSET: the envelope.

use super::event::Rejection;
use super::limits::Limit;
use super::session::Session;
use super::state::State;
use super::transaction::Transaction;
use crate::envelope::{Mailbox, ReversePath};
use crate::smtp::params::{MailParams, RcptParams};
use crate::smtp::path::ForwardPath;
use crate::smtp::replies;

impl Session {
    pub(super) fn handle_mail(&mut self, path: ReversePath, params: MailParams) {
        self.counters.messages += 1;
        if self.counters.messages > self.settings.limits.messages {
            return self.end_at(Limit::Messages);
        }
        if !self.is_greeted() {
            return self.error(&replies::bad_sequence("say EHLO first"));
        }
        if matches!(self.state, State::AwaitingReset(_)) {
            self.state = State::AwaitingMail;
        }
        if self.is_in_transaction() {
            return self.error(&replies::bad_sequence("a transaction is open"));
        }
        let limit = self.settings.limits.message_size as u64;
        if params.size.is_some_and(|size| size > limit) {
            let reply = replies::message_too_big();
            self.rejected(Some(path), reply.clone(), Rejection::TooBig);
            return self.error(&reply);
        }
        if !self.policy.takes_mail() {
            let reply = replies::draining();
            self.rejected(Some(path), reply.clone(), Rejection::Draining);
            return self.error(&reply);
        }
        if !self.policy.may_begin(&self.client) {
            let reply = replies::too_many_messages();
            self.rejected(Some(path), reply.clone(), Rejection::TooFast);
            return self.error(&reply);
        }
        self.state = State::AwaitingRecipient(Transaction::new(path, params));
        self.reply(&replies::sender_ok());
    }

    pub(super) fn handle_rcpt(&mut self, path: ForwardPath, params: RcptParams) {
        let limit = self.settings.limits.recipients;
        let State::AwaitingRecipient(transaction) = &mut self.state else {
            return self.error(&replies::bad_sequence("say MAIL first"));
        };
        let recipient = match path {
            ForwardPath::Postmaster => self.settings.postmaster.clone(),
            ForwardPath::Mailbox(mailbox) => mailbox,
        };
        if transaction.named >= limit {
            transaction.overshoot += 1;
            // A client that sends a long list without waiting for replies is not at fault before the list is twice as
            // long as it may be; ending its session would lose it the recipients that were taken.
            let reply = replies::too_many_recipients();
            if transaction.overshoot > limit {
                return self.error(&reply);
            }
            return self.reply(&reply);
        }
        if !is_same(&recipient, &self.settings.postmaster) && !self.policy.may_relay(&self.client) {
            let reply = replies::relay_denied();
            self.reject(reply.clone(), Rejection::Relay { recipient });
            return self.error(&reply);
        }
        transaction.add(recipient, params);
        self.reply(&replies::recipient_ok());
    }

    pub(super) fn handle_reset(&mut self) {
        if self.is_in_transaction() {
            self.state = State::AwaitingMail;
        }
        self.idle(&replies::ok());
    }

    /// Whether the client has said EHLO or HELO.
    pub(super) fn is_greeted(&self) -> bool {
        !matches!(self.state, State::AwaitingHello)
    }

    /// Whether MAIL has been taken, and neither its message nor a command has ended the transaction.
    pub(super) fn is_in_transaction(&self) -> bool {
        matches!(
            self.state,
            State::AwaitingRecipient(_) | State::AwaitingChunk(..) | State::AwaitingReset(_)
        )
    }
}

/// Whether both name the postmaster's mailbox, whose local part is the same in any case (RFC 5321 §4.5.1).
fn is_same(recipient: &Mailbox, postmaster: &Mailbox) -> bool {
    recipient.domain() == postmaster.domain()
        && recipient
            .local_part()
            .eq_ignore_ascii_case(postmaster.local_part())
}
