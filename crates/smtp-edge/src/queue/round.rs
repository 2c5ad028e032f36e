//! A message in the middle of a round: what it was when the round began, and what has become of it since.

use std::sync::Arc;
use std::time::SystemTime;

use common_config::name::DomainName;
use common_config::net::HostPort;
use router_config::RouterConfig;

use crate::deliver::outcome::Outcome;
use crate::deliver::route::{self, Audience, Hop, Route};
use crate::mail_log;
use crate::signing::state::Signing;
use crate::spool::message::{Fault, Message, MessageState, RecipientState};

/// A message in the middle of a round. `attempted` has one flag for each recipient, `went_to` where the round was called.
pub(super) struct Round {
    /// As it was when the round began.
    pub(super) message: Arc<Message>,
    /// As it is now.
    pub(super) state: MessageState,
    /// As it is on record.
    pub(super) recorded: MessageState,
    attempted: Vec<bool>,
    went_to: Vec<Hop>,
}

impl Round {
    /// The beginning of a round.
    pub(super) fn new(message: Message) -> Self {
        Self {
            attempted: vec![false; message.state.recipients.len()],
            went_to: Vec::new(),
            state: message.state.clone(),
            recorded: message.state.clone(),
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

    /// The next hop of all recipients, if an administrator has ordered one.
    fn next_hop(&self) -> Option<&HostPort> {
        self.message.state.orders.next_hop.as_ref()
    }

    /// The round goes to `hop`: the copies for there, each with the header fields that stand before it.
    pub(super) fn visit(&mut self, router: &RouterConfig, hop: &Hop) -> Vec<(Route, Vec<u8>)> {
        self.went_to.push(hop.clone());
        let recipients = &self.message.envelope.recipients;
        let ready = self.ready(router);
        let routes = route::group(router, recipients, &ready, self.next_hop()).into_iter();
        let there = routes.filter(|route| route.hop == *hop);
        there
            .map(|route| {
                let signatures = self.signatures(&route);
                (route, signatures)
            })
            .collect()
    }

    /// Where the message is still to go, each once: where the round went, and where it did not.
    pub(super) fn remaining(&self, router: &RouterConfig) -> (Vec<Hop>, Vec<Hop>) {
        let mut hops: Vec<Hop> = Vec::new();
        let recipients = &self.message.envelope.recipients;
        for route in route::group(router, recipients, &self.pending(|_| true), self.next_hop()) {
            if !hops.contains(&route.hop) {
                hops.push(route.hop);
            }
        }
        hops.into_iter().partition(|hop| self.went_to.contains(hop))
    }

    /// The pending recipients where the round went.
    pub(super) fn pending_where_it_went(&self, router: &RouterConfig) -> Vec<usize> {
        self.pending(|domain| {
            self.went_to
                .contains(&route::hop(router, domain, self.next_hop()))
        })
    }

    /// The pending recipients, and why each does not have the message yet.
    pub(super) fn delayed(&self, router: &RouterConfig) -> Vec<(usize, Fault)> {
        let outside = self.pending(|domain| !router.is_internal(domain));
        let pending = self.pending(|_| true).into_iter();
        let why = |place: usize| {
            if let Some(RecipientState::Pending(Some(fault))) = self.state.recipients.get(place) {
                return fault.clone();
            }
            match self.signing(router, place) {
                Some(Signing::Deferred(fault)) if outside.contains(&place) => Fault {
                    // RFC 3463 §3.8: a failure of cryptography that may pass.
                    status: "4.7.5".into(),
                    ..fault.recipient_fault()
                },
                _ => Fault {
                    status: "4.4.7".into(),
                    remote: None,
                    text: "it was not its turn yet".into(),
                },
            }
        };
        pending.map(|place| (place, why(place))).collect()
    }

    /// Says of pending recipients who were never attempted why their destination was not reached for others.
    pub(super) fn explain(&mut self, router: &RouterConfig, troubles: &[(Hop, Arc<Fault>)]) {
        if troubles.is_empty() {
            return;
        }
        for place in self.pending(|_| true) {
            let Some(mailbox) = self.message.envelope.recipients.get(place) else {
                continue;
            };
            let hop = route::hop(router, mailbox.domain(), self.next_hop());
            let trouble = troubles.iter().find(|(troubled, _)| *troubled == hop);
            let state = self.state.recipients.get_mut(place);
            if let (Some((_, fault)), Some(state @ RecipientState::Pending(None))) =
                (trouble, state)
            {
                *state = RecipientState::Pending(Some(Fault::clone(fault)));
            }
        }
    }

    /// The header fields that stand before the copy along `route`.
    fn signatures(&self, route: &Route) -> Vec<u8> {
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
            Outcome::Later(fault) | Outcome::Unreachable(fault) => {
                RecipientState::Pending(Some(fault))
            }
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
