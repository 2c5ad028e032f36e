//! AUTH (RFC 4954): the exchange of one mechanism, within SMTP's lines.

use common_config::user_name::UserName;

use super::event::{Event, Rejection};
use super::session::Session;
use super::state::State;
use crate::smtp::line::Line;
use crate::smtp::replies;
use crate::smtp::reply::Reply;
use crate::smtp::sasl::{
    Exchange, Fault, Lookup, Mechanism, PasswordVerdict, Response, ServerNonce, Step,
};

impl Session {
    /// Whether AUTH would be obeyed: there are users, this client is none yet, and nobody on the way could read its
    /// password.
    pub(super) fn may_authenticate(&self) -> bool {
        self.settings.auth && self.client.identity.is_none() && self.takes_passwords()
    }

    /// Whether a password may be said: nobody on the way can read it. A proxy that is near may pass on what came from afar in clear, whether
    /// it says so or not.
    fn takes_passwords(&self) -> bool {
        self.client.tls.is_some() || (self.client.is_private() && !self.may_forward())
    }

    pub(super) fn handle_auth(&mut self, mechanism: &str, initial: Option<Response>) {
        if let Some(refusal) = self.auth_refusal() {
            return self.error(&refusal);
        }
        if !self.takes_passwords() {
            let reply = replies::encryption_required();
            self.reject(reply.clone(), Rejection::AuthInClear);
            return self.error(&reply);
        }
        let Some(mechanism) = Mechanism::named(mechanism) else {
            return self.error(&replies::unknown_mechanism());
        };
        let initial = initial.map(|response| response.decode_initial());
        let Ok(initial) = initial.transpose() else {
            return self.error(&replies::not_base64());
        };
        self.follow(mechanism, Exchange::begin(mechanism, initial));
    }

    fn auth_refusal(&self) -> Option<Reply> {
        if !self.settings.auth {
            return Some(replies::not_offered());
        }
        if self.is_in_transaction() {
            return Some(replies::bad_sequence("a transaction is open"));
        }
        if !self.hello.extended {
            return Some(replies::bad_sequence("say EHLO first"));
        }
        let known = self.client.identity.is_some();
        known.then(|| replies::bad_sequence("authenticated already"))
    }

    /// Takes a line within an exchange.
    pub(super) fn handle_response(&mut self, line: Line) {
        let State::AwaitingResponse(exchange) =
            std::mem::replace(&mut self.state, State::AwaitingMail)
        else {
            return;
        };
        let response = match line {
            Line::Complete(line) => Response::new(&line),
            Line::Malformed => return self.error(&replies::malformed_line()),
            Line::TooLong => return self.error(&replies::response_too_long()),
        };
        if response.is_cancel() {
            return self.error(&replies::auth_cancelled());
        }
        let Ok(response) = response.decode() else {
            return self.error(&replies::not_base64());
        };
        let mechanism = exchange.mechanism();
        self.follow(mechanism, exchange.respond(response));
    }

    /// Takes the answer to [`Event::Verifier`]. The nonce is one that was never used before.
    pub fn handle_verifier(&mut self, lookup: Lookup, nonce: &ServerNonce) {
        match std::mem::replace(&mut self.state, State::AwaitingMail) {
            State::AwaitingVerifier(scram) => {
                self.follow(Mechanism::ScramSha256, scram.challenge(lookup, nonce));
                self.resume();
            }
            other => self.state = other,
        }
    }

    /// Takes the answer to [`Event::CheckPassword`].
    pub fn handle_password_checked(&mut self, verdict: PasswordVerdict) {
        match std::mem::replace(&mut self.state, State::AwaitingMail) {
            State::AwaitingPassword(mechanism, name) => {
                let step = match verdict {
                    PasswordVerdict::Right => Step::Done(name),
                    PasswordVerdict::Wrong => Step::Failed(Some(name), Fault::Wrong),
                    PasswordVerdict::Unavailable => Step::Failed(Some(name), Fault::Unavailable),
                };
                self.follow(mechanism, step);
                self.resume();
            }
            other => self.state = other,
        }
    }

    fn follow(&mut self, mechanism: Mechanism, step: Step) {
        match step {
            Step::Challenge(challenge, exchange) => {
                self.state = State::AwaitingResponse(exchange);
                self.reply(&replies::challenge(&challenge));
            }
            Step::Verifier(name, scram) => {
                self.state = State::AwaitingVerifier(scram);
                self.events.push_back(Event::Verifier { name });
            }
            Step::Check { name, password } => {
                self.state = State::AwaitingPassword(mechanism, name.clone());
                self.events
                    .push_back(Event::CheckPassword { name, password });
            }
            Step::Done(name) => {
                self.client.identity = Some(name);
                self.state = State::AwaitingMail;
                let client = Box::new(self.client.clone());
                self.events
                    .push_back(Event::Authenticated { client, mechanism });
                self.reply(&replies::authenticated());
            }
            Step::Failed(name, why) => self.fail(mechanism, name, why),
        }
    }

    fn fail(&mut self, mechanism: Mechanism, name: Option<UserName>, why: Fault) {
        self.state = State::AwaitingMail;
        let reply = replies::auth_failed(why);
        self.reject(
            reply.clone(),
            Rejection::Authentication {
                mechanism,
                name,
                why,
            },
        );
        // It is not the client's fault when nobody can look.
        if why != Fault::Unavailable {
            self.counters.auth_failures += 1;
        }
        self.error(&reply);
    }
}
