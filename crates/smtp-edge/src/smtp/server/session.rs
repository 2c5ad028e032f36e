//! The session: commands in their order, limits, and the input that waits behind a verdict.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::{Event, Received, Rejection, Verdict};
use super::state::State;
use super::transaction::Transaction;
use crate::envelope::{Mailbox, ReversePath};
use crate::smtp::command::{Command, CommandError};
use crate::smtp::data::DataReader;
use crate::smtp::line::{Line, LineReader};
use crate::smtp::params::MailParams;
use crate::smtp::path::ForwardPath;
use crate::smtp::replies;
use crate::smtp::reply::Reply;

/// What a session is told when it starts.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// Our name.
    pub hostname: Box<str>,
    /// The largest message, in octets.
    pub max_message_size: usize,
    /// Recipients of one message.
    pub max_recipients: usize,
    /// Errors after which the session is closed.
    pub max_errors: u32,
    /// Where mail to the bare `Postmaster` goes.
    pub postmaster: Mailbox,
}

/// One client's session.
#[derive(Debug)]
pub struct Session {
    settings: Arc<SessionSettings>,
    /// Whether the client's network may send mail to everybody.
    may_relay: bool,
    state: State,
    lines: LineReader,
    /// What came while a verdict was awaited.
    waiting: Vec<u8>,
    output: Vec<u8>,
    events: VecDeque<Event>,
    helo: Box<str>,
    extended: bool,
    errors: u32,
}

impl Session {
    /// Opens a session; the greeting is in the output.
    #[must_use]
    pub fn new(settings: Arc<SessionSettings>, may_relay: bool) -> Self {
        let mut session = Self {
            may_relay,
            state: State::AwaitingHello,
            lines: LineReader::default(),
            waiting: Vec::new(),
            output: Vec::new(),
            events: VecDeque::new(),
            helo: "".into(),
            extended: false,
            errors: 0,
            settings,
        };
        let greeting = replies::greeting(&session.settings.hostname);
        session.reply(&greeting);
        session
    }

    /// Takes octets from the client.
    pub fn handle_input(&mut self, input: &[u8]) {
        let mut rest = input;
        while !rest.is_empty() {
            let used = match &mut self.state {
                State::AwaitingHello | State::AwaitingMail | State::AwaitingRecipient(_) => {
                    let (used, line) = self.lines.take(rest);
                    if let Some(line) = line {
                        self.handle_line(line);
                    }
                    used
                }
                State::AwaitingData(_, reader) => {
                    let (used, ended) = reader.take(rest);
                    if ended {
                        self.handle_end_of_data();
                    }
                    used
                }
                State::AwaitingVerdict => {
                    self.waiting.extend_from_slice(rest);
                    rest.len()
                }
                State::Closed => rest.len(),
            };
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    /// Takes the verdict about the message that [`Event::Message`] handed out, and goes on with what came meanwhile.
    pub fn handle_verdict(&mut self, verdict: Verdict) {
        if !matches!(self.state, State::AwaitingVerdict) {
            return;
        }
        self.state = State::AwaitingMail;
        match verdict {
            Verdict::Accepted(id) => self.reply(&replies::accepted(id)),
            Verdict::Refused(reply) => self.error(&reply),
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.handle_input(&waiting);
    }

    /// The client has been silent too long.
    pub fn handle_timeout(&mut self) {
        let reply = replies::timed_out(&self.settings.hostname);
        self.close(&reply);
    }

    /// The server stops.
    pub fn handle_shutdown(&mut self) {
        let reply = replies::shutting_down(&self.settings.hostname);
        self.close(&reply);
    }

    /// What is there for the driver, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The octets to send, in order; they are handed out once.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Whether the connection is to be closed once the output is sent.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether the client is in the midst of a message, for which another time-out holds.
    #[must_use]
    pub fn awaits_data(&self) -> bool {
        matches!(self.state, State::AwaitingData(..))
    }

    /// Whether the client has nothing under way: it can be told of a shutdown without losing anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        match self.state {
            State::AwaitingHello
            | State::AwaitingMail
            | State::AwaitingRecipient(_)
            | State::Closed => true,
            State::AwaitingData(..) | State::AwaitingVerdict => false,
        }
    }

    fn handle_line(&mut self, line: Line) {
        let line = match line {
            Line::Complete(line) => line,
            Line::Malformed => return self.error(&replies::malformed_line()),
            Line::TooLong => return self.error(&replies::line_too_long()),
        };
        let smtputf8 =
            matches!(&self.state, State::AwaitingRecipient(open) if open.params.smtputf8);
        match Command::parse(&line, smtputf8) {
            Ok(command) => self.handle_command(command),
            Err(error) => self.handle_bad_command(error),
        }
    }

    fn handle_bad_command(&mut self, error: CommandError) {
        let reply = replies::command_error(&error);
        if matches!(error, CommandError::OtherProtocol) {
            self.close(&reply);
        } else {
            self.error(&reply);
        }
        self.reject(reply, Rejection::Command(error));
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Ehlo(name) => {
                let reply = replies::ehlo(
                    &self.settings.hostname,
                    self.settings.max_message_size as u64,
                );
                self.handle_hello(name, true, &reply);
            }
            Command::Helo(name) => {
                let reply = replies::helo(&self.settings.hostname);
                self.handle_hello(name, false, &reply);
            }
            Command::Mail(path, params) => self.handle_mail(path, params),
            Command::Rcpt(path) => self.handle_rcpt(path),
            Command::Data => self.handle_data(),
            Command::Rset => {
                if matches!(self.state, State::AwaitingRecipient(_)) {
                    self.state = State::AwaitingMail;
                }
                self.reply(&replies::ok());
            }
            Command::Noop => self.reply(&replies::ok()),
            Command::Vrfy => self.reply(&replies::cannot_verify()),
            Command::Help => self.reply(&replies::help()),
            Command::Quit => {
                let bye = replies::bye(&self.settings.hostname);
                self.close(&bye);
            }
        }
    }

    /// EHLO and HELO end a transaction that was open (RFC 5321 §4.1.4).
    fn handle_hello(&mut self, name: Box<str>, extended: bool, reply: &Reply) {
        self.helo = name;
        self.extended = extended;
        self.state = State::AwaitingMail;
        self.reply(reply);
    }

    fn handle_mail(&mut self, path: ReversePath, params: MailParams) {
        match self.state {
            State::AwaitingMail => {}
            State::AwaitingHello => return self.error(&replies::bad_sequence("say EHLO first")),
            _ => return self.error(&replies::bad_sequence("a transaction is open")),
        }
        if params
            .size
            .is_some_and(|size| size > self.settings.max_message_size as u64)
        {
            let reply = replies::message_too_big();
            self.error(&reply);
            return self.events.push_back(Event::Rejected {
                from: Some(path),
                reply,
                why: Rejection::TooBig,
            });
        }
        self.state = State::AwaitingRecipient(Transaction::new(path, params));
        self.reply(&replies::sender_ok());
    }

    fn handle_rcpt(&mut self, path: ForwardPath) {
        let State::AwaitingRecipient(transaction) = &mut self.state else {
            return self.error(&replies::bad_sequence("say MAIL first"));
        };
        let recipient = match path {
            ForwardPath::Postmaster => self.settings.postmaster.clone(),
            ForwardPath::Mailbox(mailbox) => mailbox,
        };
        if transaction.recipients.len() >= self.settings.max_recipients {
            return self.error(&replies::too_many_recipients());
        }
        if !self.may_relay && !is_same(&recipient, &self.settings.postmaster) {
            let reply = replies::relay_denied();
            self.error(&reply);
            return self.reject(reply, Rejection::Relay { recipient });
        }
        transaction.add(recipient);
        self.reply(&replies::recipient_ok());
    }

    fn handle_data(&mut self) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::AwaitingRecipient(transaction) if !transaction.recipients.is_empty() => {
                let reader = DataReader::new(self.settings.max_message_size);
                self.state = State::AwaitingData(transaction, reader);
                self.reply(&replies::go_ahead());
            }
            other => {
                self.state = other;
                self.error(&replies::bad_sequence("say RCPT first"));
            }
        }
    }

    fn handle_end_of_data(&mut self) {
        let State::AwaitingData(transaction, reader) =
            std::mem::replace(&mut self.state, State::AwaitingVerdict)
        else {
            return;
        };
        let (content, notes) = reader.finish();
        if notes.too_big {
            let reply = replies::message_too_big();
            self.state = State::AwaitingMail;
            self.error(&reply);
            let from = Some(transaction.reverse_path);
            return self.events.push_back(Event::Rejected {
                from,
                reply,
                why: Rejection::TooBig,
            });
        }
        self.events.push_back(Event::Message(Box::new(Received {
            helo: self.helo.clone(),
            extended: self.extended,
            reverse_path: transaction.reverse_path,
            recipients: transaction.recipients,
            smtputf8: transaction.params.smtputf8,
            content,
            notes,
        })));
    }

    fn reject(&mut self, reply: Reply, why: Rejection) {
        let from = match &self.state {
            State::AwaitingRecipient(transaction) => Some(transaction.reverse_path.clone()),
            _ => None,
        };
        self.events.push_back(Event::Rejected { from, reply, why });
    }

    fn reply(&mut self, reply: &Reply) {
        reply.encode(&mut self.output);
    }

    fn error(&mut self, reply: &Reply) {
        self.errors += 1;
        self.reply(reply);
        if self.errors >= self.settings.max_errors {
            let reply = replies::too_many_errors(&self.settings.hostname);
            self.close(&reply);
            self.reject(reply, Rejection::Errors);
        }
    }

    fn close(&mut self, reply: &Reply) {
        self.reply(reply);
        self.state = State::Closed;
    }
}

/// Whether both name the postmaster's mailbox, whose local part is the same in any case (RFC 5321 §4.5.1).
fn is_same(recipient: &Mailbox, postmaster: &Mailbox) -> bool {
    recipient.domain() == postmaster.domain()
        && recipient
            .local_part()
            .eq_ignore_ascii_case(postmaster.local_part())
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
