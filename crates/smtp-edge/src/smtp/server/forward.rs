//! XCLIENT: a proxy names the client for whom it speaks.

use std::net::{IpAddr, Ipv4Addr};

use super::client::{Client, Standing};
use super::event::Rejection;
use super::hello::Hello;
use super::session::Session;
use super::state::State;
use crate::smtp::replies;
use crate::smtp::xclient::{Forward, ForwardProtocol};

impl Session {
    /// Whether the other end of the connection may speak for others.
    pub(super) fn may_forward(&self) -> bool {
        let networks = &self.settings.xclient_from;
        networks.iter().any(|network| network.contains(self.peer))
    }

    /// Begins again, at the greeting, with the client that the proxy names. What the proxy itself is trusted with (its
    /// address, its certificate, who it authenticated as) is not the client's: what is not said is not known.
    pub(super) fn handle_xclient(&mut self, forward: Forward) {
        if !self.may_forward() {
            let reply = replies::xclient_denied();
            self.reject(reply.clone(), Rejection::Xclient);
            return self.error(&reply);
        }
        if self.is_in_transaction() {
            return self.error(&replies::bad_sequence("a transaction is open"));
        }
        self.client = Client {
            address: forward.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            standing: Standing::Forwarded,
            name: forward.name,
            tls: self.client.tls.clone(),
            certificate: None,
            identity: forward.login,
        };
        self.hello = Hello::default();
        self.forwarded_hello = forward.helo.map(|name| match forward.protocol {
            Some(ForwardProtocol::Smtp) => Hello::plain(name),
            Some(ForwardProtocol::Esmtp) | None => Hello::extended(name),
        });
        self.state = State::AwaitingHello;
        let greeting = replies::greeting(&self.settings.hostname);
        self.idle(&greeting);
    }
}
