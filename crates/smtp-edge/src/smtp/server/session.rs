//! The session: what comes from the client and from the driver, and where it goes by state.
//!
//! The commands themselves are in the files beside this one.

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use router_config::Network;
use zeroize::Zeroizing;

use super::client::{Client, Policy};
use super::event::{Event, Rejection};
use super::hello::Hello;
use super::limits::{Counters, Limit, Limits};
use super::state::{Next, State};
use crate::envelope::{Mailbox, ReversePath};
use crate::smtp::command::{Command, CommandError};
use crate::smtp::line::{Expecting, Line, LineReader};
use crate::smtp::replies;
use crate::smtp::reply::Reply;
use crate::smtp::timers::Awaited;

/// What a session is told when it starts.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// Our name.
    pub hostname: Box<str>,
    /// How much the client may ask for.
    pub limits: Limits,
    /// Where mail to the bare `Postmaster` goes.
    pub postmaster: Mailbox,
    /// Whether the driver can do a TLS handshake.
    pub starttls: bool,
    /// Whether there are users whom the driver can look up.
    pub auth: bool,
    /// Who may speak for others by XCLIENT.
    pub xclient_from: Arc<[Network]>,
}

/// One client's session.
pub struct Session {
    pub(super) settings: Arc<SessionSettings>,
    pub(super) policy: Arc<dyn Policy>,
    pub(super) client: Client,
    /// Where the other end of the connection is, whoever it speaks for.
    pub(super) peer: IpAddr,
    pub(super) state: State,
    /// What EHLO or HELO said.
    pub(super) hello: Hello,
    /// What a proxy says that its client said; it stands for `hello` in what is handed on.
    pub(super) forwarded_hello: Option<Hello>,
    pub(super) counters: Counters,
    pub(super) events: VecDeque<Event>,
    lines: LineReader,
    /// How many lines have been taken.
    lines_taken: u64,
    /// What came while the driver was asked.
    waiting: Zeroizing<Vec<u8>>,
    output: Vec<u8>,
}

impl Session {
    /// Opens a session with a client of which this much is known; the greeting is in the output. Under TLS from the first
    /// octet, the client comes [`Client::with_tls`].
    #[must_use]
    pub fn new(settings: Arc<SessionSettings>, client: Client, policy: Arc<dyn Policy>) -> Self {
        let mut session = Self {
            policy,
            peer: client.trusted_address(),
            client,
            state: State::AwaitingHello,
            hello: Hello::default(),
            forwarded_hello: None,
            counters: Counters::default(),
            events: VecDeque::new(),
            lines: LineReader::new(settings.limits.line_length),
            lines_taken: 0,
            waiting: Zeroizing::default(),
            output: Vec::new(),
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
                State::AwaitingHello
                | State::AwaitingMail
                | State::AwaitingRecipient(_)
                | State::AwaitingChunk(..)
                | State::AwaitingReset(_) => self.take_line(rest, Expecting::Command),
                State::AwaitingResponse(_) => self.take_line(rest, Expecting::Response),
                State::AwaitingData(_, reader) => {
                    let (used, ended) = reader.take(rest);
                    self.after_data(ended);
                    used
                }
                State::AwaitingOctets(_, reader) => {
                    let used = reader.take(rest);
                    self.after_octets();
                    used
                }
                State::AwaitingDiscard(discard) => {
                    let used = discard.take(rest);
                    self.after_discard();
                    used
                }
                State::AwaitingVerdict
                | State::AwaitingVerifier(_)
                | State::AwaitingPassword(..) => {
                    self.waiting.extend_from_slice(rest);
                    rest.len()
                }
                State::StartingTls | State::AwaitingTls => {
                    self.refuse_tls();
                    rest.len()
                }
                State::Closed => rest.len(),
            };
            rest = rest.get(used..).unwrap_or_default();
        }
        self.offer_tls();
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

    /// Who the client is, as far as that is known by now.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the connection is to be closed once the output is sent.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// What the client is to send next, for the timers.
    #[must_use]
    pub fn awaited(&self) -> Awaited {
        match self.state.next() {
            Next::Line => Awaited::Line(self.lines_taken),
            Next::Octets => Awaited::Octets(self.counters.contents),
            Next::Chunk => Awaited::Chunk(self.counters.contents),
        }
    }

    /// Whether the client has nothing under way: it can be told of a shutdown without losing anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state.is_idle()
    }

    /// How many octets of a message that has not been handed over are held.
    #[must_use]
    pub fn held_octets(&self) -> usize {
        self.state.held_octets()
    }

    fn take_line(&mut self, input: &[u8], expecting: Expecting) -> usize {
        let (used, line) = self.lines.take(input, expecting);
        if let Some(line) = line {
            self.lines_taken += 1;
            match expecting {
                Expecting::Command => self.handle_line(line),
                Expecting::Response => self.handle_response(line),
            }
        }
        used
    }

    fn handle_line(&mut self, line: Line) {
        let line = match line {
            Line::Complete(line) => line,
            Line::Malformed => return self.error(&replies::malformed_line()),
            Line::TooLong => return self.error(&replies::line_too_long()),
        };
        let open = self.state.transaction();
        let smtputf8 = open.is_some_and(|transaction| transaction.params.smtputf8);
        match Command::parse(&line, smtputf8) {
            Ok(command) => self.handle_command(command),
            Err(error) => self.handle_bad_command(error),
        }
    }

    fn handle_bad_command(&mut self, error: CommandError) {
        let reply = replies::command_error(&error);
        let refused_chunk = match error {
            CommandError::ChunkPosition { size } => Some(size),
            _ => None,
        };
        // Whatever follows these may be commands or may be text: it must not be obeyed.
        let closes = matches!(error, CommandError::OtherProtocol | CommandError::ChunkSize);
        if matches!(error, CommandError::Unrecognized) {
            self.counters.unrecognized += 1;
        }
        self.reject(reply.clone(), Rejection::Command(error));
        match refused_chunk {
            Some(size) => self.refuse_chunk(size, reply),
            None if closes => self.close(&reply),
            None => self.error(&reply),
        }
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Ehlo(name) => self.handle_hello(Hello::extended(name)),
            Command::Helo(name) => self.handle_hello(Hello::plain(name)),
            Command::Mail(path, params) => self.handle_mail(path, params),
            Command::Rcpt(path, params) => self.handle_rcpt(path, params),
            Command::Data => self.handle_data(),
            Command::Bdat(chunk) => self.handle_chunk(chunk),
            Command::Rset => self.handle_reset(),
            Command::Noop => self.idle(&replies::ok()),
            Command::Vrfy => self.idle(&replies::cannot_verify()),
            Command::Help => self.idle(&replies::help()),
            Command::StartTls => self.handle_starttls(),
            Command::Auth(mechanism, initial) => self.handle_auth(&mechanism, initial),
            Command::Xclient(forward) => self.handle_xclient(*forward),
            Command::Quit => {
                let bye = replies::bye(&self.settings.hostname);
                self.close(&bye);
            }
        }
    }

    /// Goes on with what came while the driver was asked.
    pub(super) fn resume(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.handle_input(&waiting);
    }

    pub(super) fn reply(&mut self, reply: &Reply) {
        reply.encode(&mut self.output);
    }

    /// Answers a command that brings no message nearer.
    pub(super) fn idle(&mut self, reply: &Reply) {
        self.counters.idle_commands += 1;
        if self.counters.idle_commands > self.settings.limits.idle_commands {
            return self.end_at(Limit::IdleCommands);
        }
        self.reply(reply);
    }

    pub(super) fn error(&mut self, reply: &Reply) {
        self.counters.errors += 1;
        self.reply(reply);
        if let Some(limit) = self.counters.reached(&self.settings.limits) {
            self.end_at(limit);
        }
    }

    pub(super) fn end_at(&mut self, limit: Limit) {
        let reply = replies::limit_reached(&self.settings.hostname, limit);
        self.reject(reply.clone(), Rejection::Limit(limit));
        self.close(&reply);
    }

    pub(super) fn close(&mut self, reply: &Reply) {
        self.reply(reply);
        self.state = State::Closed;
    }

    /// Tells the driver that the client was refused something, with the sender of the transaction that is open.
    pub(super) fn reject(&mut self, reply: Reply, why: Rejection) {
        let open = self.state.transaction();
        let from = open.map(|transaction| transaction.reverse_path.clone());
        self.rejected(from, reply, why);
    }

    pub(super) fn rejected(&mut self, from: Option<ReversePath>, reply: Reply, why: Rejection) {
        self.events.push_back(Event::Rejected {
            client: self.client.address,
            from,
            reply,
            why,
        });
    }
}

impl fmt::Debug for Session {
    /// Not what the client sent: it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("client", &self.client)
            .field("state", &self.state.name())
            .finish_non_exhaustive()
    }
}
