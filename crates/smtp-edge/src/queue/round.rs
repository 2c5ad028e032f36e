//! A message in the middle of a round: what it was when the round began, and what has become of it since.

use std::sync::Arc;
use std::time::SystemTime;

use common_config::name::DomainName;
use router_config::RouterConfig;

use crate::deliver::outcome::Outcome;
use crate::deliver::route::{Audience, Route};
use crate::mail_log;
use crate::signing::state::Signing;
use crate::spool::message::{Message, MessageState, RecipientState};

/// A message in the middle of a round. `attempted` has one flag for each recipient.
pub(super) struct Round {
    /// As it was when the round began.
    pub(super) message: Arc<Message>,
    /// As it is now.
    pub(super) state: MessageState,
    attempted: Vec<bool>,
}

impl Round {
    /// The beginning of a round.
    pub(super) fn new(message: Message) -> Self {
        Self {
            attempted: vec![false; message.state.recipients.len()],
            state: message.state.clone(),
            message: Arc::new(message),
        }
    }

    /// The pending recipients whose domain is wanted, by their places in the envelope.
    pub(super) fn pending(&self, wanted: impl Fn(&DomainName) -> bool) -> Vec<usize> {
        let recipients = self
            .message
            .envelope
            .recipients
            .iter()
            .zip(&self.state.recipients);
        recipients
            .enumerate()
            .filter(|(_, (mailbox, state))| {
                matches!(state, RecipientState::Pending(_)) && wanted(mailbox.domain())
            })
            .map(|(place, _)| place)
            .collect()
    }

    /// What signing came to for the copy of the recipient at `place`, who is outside.
    pub(super) fn signing(&self, router: &RouterConfig, place: usize) -> Option<&Signing> {
        let recipient = self.message.envelope.recipients.get(place)?;
        let profile = &router.signing_profile(recipient.domain()).name;
        self.state.signings.of(profile).map(|one| &one.signing)
    }

    /// The pending recipients whose copies may leave: those inside, and those outside whose copies are signed, or need not
    /// be.
    pub(super) fn ready(&self, router: &RouterConfig) -> Vec<usize> {
        let mut ready = self.pending(|_| true);
        ready.retain(|place| match self.signing(router, *place) {
            Some(Signing::NotNeeded | Signing::Done(_)) => true,
            Some(Signing::Deferred(_) | Signing::Refused(_)) | None => {
                let recipient = self.message.envelope.recipients.get(*place);
                recipient.is_some_and(|recipient| router.is_internal(recipient.domain()))
            }
        });
        ready
    }

    /// The header fields that stand before the copy along `route`.
    pub(super) fn signatures(&self, route: &Route) -> Vec<u8> {
        let profile = match &route.audience {
            Audience::Internal => return Vec::new(),
            Audience::External(profile) => profile,
        };
        match self.state.signings.of(profile).map(|one| &one.signing) {
            Some(Signing::Done(signatures)) => signatures.header.clone(),
            Some(Signing::NotNeeded | Signing::Deferred(_) | Signing::Refused(_)) | None => {
                Vec::new()
            }
        }
    }

    pub(super) fn settle(&mut self, place: usize, outcome: Outcome) {
        let id = self.message.id;
        let (Some(mailbox), Some(state), Some(attempted)) = (
            self.message.envelope.recipients.get(place),
            self.state.recipients.get_mut(place),
            self.attempted.get_mut(place),
        ) else {
            return;
        };
        *attempted = true;
        *state = match outcome {
            Outcome::Delivered(taken) => {
                mail_log::delivered(
                    id,
                    mailbox,
                    &taken.remote,
                    &taken.reply,
                    taken.tls,
                    taken.took,
                );
                RecipientState::Delivered
            }
            Outcome::Later(fault) => RecipientState::Pending(Some(fault)),
            Outcome::Failed(fault) => {
                mail_log::failed(id, mailbox, &fault);
                RecipientState::Failed(fault)
            }
        };
    }

    pub(super) fn mark_reported(&mut self, places: &[usize]) {
        for place in places {
            if let Some(state) = self.state.recipients.get_mut(*place) {
                *state = RecipientState::Reported;
            }
        }
    }

    pub(super) fn log_deferred(&self, next_attempt: SystemTime) {
        let (state, Message { id, envelope, .. }) = (&self.state, &*self.message);
        for ((mailbox, recipient), attempted) in envelope
            .recipients
            .iter()
            .zip(&state.recipients)
            .zip(&self.attempted)
        {
            if let (RecipientState::Pending(Some(fault)), true) = (recipient, *attempted) {
                mail_log::deferred(*id, mailbox, fault, next_attempt);
            }
        }
        for fault in state.signings.deferred() {
            mail_log::signing_deferred(*id, fault, next_attempt);
        }
    }
}
