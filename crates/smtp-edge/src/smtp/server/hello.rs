//! EHLO and HELO, and TLS, which ends in another EHLO.

use super::client::Handshake;
use super::event::{Event, Rejection};
use super::session::Session;
use super::state::State;
use crate::smtp::extensions::Offer;
use crate::smtp::replies;

/// What a client says of itself. Empty until it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Hello {
    pub(super) name: Box<str>,
    /// Whether it was EHLO.
    pub(super) extended: bool,
}

impl Hello {
    /// EHLO.
    pub(super) fn extended(name: Box<str>) -> Self {
        Self {
            name,
            extended: true,
        }
    }

    /// HELO.
    pub(super) fn plain(name: Box<str>) -> Self {
        Self {
            name,
            extended: false,
        }
    }
}

impl Session {
    /// EHLO and HELO end a transaction that was open (RFC 5321 §4.1.4).
    pub(super) fn handle_hello(&mut self, hello: Hello) {
        let reply = if hello.extended {
            replies::ehlo(&self.settings.hostname, &self.offer())
        } else {
            replies::helo(&self.settings.hostname)
        };
        self.hello = hello;
        self.state = State::AwaitingMail;
        self.idle(&reply);
    }

    fn offer(&self) -> Offer {
        let limits = &self.settings.limits;
        Offer {
            message_size: limits.message_size,
            recipients: limits.recipients,
            messages: limits.messages,
            starttls: self.settings.starttls && self.client.tls.is_none(),
            auth: self.may_authenticate(),
            xclient: self.may_forward(),
        }
    }

    pub(super) fn handle_starttls(&mut self) {
        if !self.settings.starttls {
            return self.error(&replies::not_offered());
        }
        if self.client.tls.is_some() {
            return self.error(&replies::bad_sequence("TLS is on already"));
        }
        if !self.is_greeted() {
            return self.error(&replies::bad_sequence("say EHLO first"));
        }
        self.state = State::StartingTls;
    }

    /// Answers STARTTLS, once all that came with it has been read and nothing stands behind it.
    pub(super) fn offer_tls(&mut self) {
        if matches!(self.state, State::StartingTls) {
            self.state = State::AwaitingTls;
            self.reply(&replies::start_tls());
            self.events.push_back(Event::StartTls);
        }
    }

    /// Octets in clear behind STARTTLS would be taken for what came under TLS (CVE-2011-0411).
    pub(super) fn refuse_tls(&mut self) {
        let reply = replies::behind_starttls(&self.settings.hostname);
        self.reject(reply.clone(), Rejection::BehindStartTls);
        self.close(&reply);
    }

    /// The handshake that [`Event::StartTls`] asked for is done. All that the client said in clear is forgotten (RFC 3207
    /// §4.2). What remains is its address, be it a proxy's word: to fall back on the proxy's own would lend the client what
    /// the proxy is trusted with.
    pub fn handle_tls_started(&mut self, handshake: Handshake) {
        if !matches!(self.state, State::AwaitingTls) {
            return;
        }
        self.client.tls = Some(handshake.facts);
        self.client.certificate = handshake.certificate;
        self.client.identity = None;
        self.hello = Hello::default();
        self.forwarded_hello = None;
        self.state = State::AwaitingHello;
    }
}
