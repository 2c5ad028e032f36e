//! One connection: the loop that carries octets to the session and verdicts back. It decides nothing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::authentication;
use super::budget::Share;
use super::stream::Stream;
use super::tls::{HandshakeError, Tls};
use super::turned_away::TurnedAway;
use crate::envelope::Source;
use crate::intake::{Arrival, Intake, Protocol, Rejection};
use crate::mail_log;
use crate::smtp::replies;
use crate::smtp::sasl::Users;
use crate::smtp::server::{self, Event, Handshake, Received, Session, Verdict};
use crate::smtp::timers::{Patience, Timers};

/// What a connection is served with.
#[derive(Clone)]
pub struct Service {
    /// The way in for messages.
    pub intake: Arc<Intake>,
    /// Who may authenticate.
    pub users: Arc<dyn Users>,
    /// The certificate for STARTTLS.
    pub tls: Arc<Tls>,
    /// How long clients may be silent.
    pub timers: Timers,
    /// Becomes true when the server stops.
    pub stopping: watch::Receiver<bool>,
}

impl Service {
    /// Does the handshake with a client that is about to speak TLS.
    ///
    /// # Errors
    /// [`HandshakeError`].
    pub async fn handshake(
        &self,
        stream: TcpStream,
    ) -> Result<(Stream, Handshake), HandshakeError> {
        let time = HANDSHAKE.min(self.timers.command);
        let shaking = self.unless_stopping(self.tls.handshake(stream, time));
        let (stream, handshake) = shaking.await.ok_or(HandshakeError::Stopping)??;
        Ok((Stream::Tls(Box::new(stream)), handshake))
    }

    /// What comes of a step of a connection, or nothing when the server stops: for steps that nothing is lost by.
    pub async fn unless_stopping<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            done = step => Some(done),
            _ = stopping.wait_for(|stopping| *stopping) => None,
        }
    }
}

/// One client's connection.
pub struct Connection<'a> {
    stream: Stream,
    session: Session,
    service: &'a Service,
    /// The memory that the message under way holds.
    share: Share,
    patience: Patience,
    /// Octets that have come so far.
    heard: u64,
}

impl<'a> Connection<'a> {
    /// With a client that has been let in, and no memory yet.
    #[must_use]
    pub fn new(stream: Stream, session: Session, share: Share, service: &'a Service) -> Self {
        let now = service.intake.clock.instant();
        Self {
            stream,
            session,
            share,
            patience: Patience::new(service.timers, now),
            service,
            heard: 0,
        }
    }

    /// Serves the client until either side ends the session.
    ///
    /// # Errors
    /// What the socket said; there is nobody left to tell.
    pub async fn serve(mut self) -> io::Result<()> {
        let mut stopping = self.service.stopping.clone();
        loop {
            match self.settle().await? {
                Next::Hear => {}
                Next::StartTls => match Box::pin(self.start_tls()).await {
                    Some(encrypted) => {
                        self = encrypted;
                        continue;
                    }
                    None => return Ok(()),
                },
                Next::Close => return Box::pin(self.linger()).await,
            }
            tokio::select! {
                heard = self.hear() => match heard? {
                    Heard::Octets => {}
                    Heard::Nothing => self.session.handle_timeout(),
                    Heard::End => return Ok(()),
                    Heard::OtherProtocol => {
                        let client = self.session.client().address;
                        mail_log::turned_away(client, TurnedAway::OtherProtocol, None);
                        return Ok(());
                    }
                },
                _ = stopping.changed(), if !*stopping.borrow() => {}
            }
        }
    }

    /// Waits for octets as long as patience lasts, and hands them to the session.
    async fn hear(&mut self) -> io::Result<Heard> {
        let now = self.service.intake.clock.instant();
        let left = self.patience.left(self.session.awaited(), self.heard, now);
        let Self {
            stream,
            session,
            heard,
            ..
        } = self;
        let mut outcome = Heard::End;
        let reading = stream.read(|octets| {
            outcome = match octets.first() {
                None => Heard::End,
                // No command begins so. It is looked for here, since it has no line end that the session would see.
                Some(&TLS_HANDSHAKE) if *heard == 0 => Heard::OtherProtocol,
                Some(_) => {
                    session.handle_input(octets);
                    Heard::Octets
                }
            };
            *heard += octets.len() as u64;
        });
        match tokio::time::timeout(left, reading).await {
            Err(_) => Ok(Heard::Nothing),
            Ok(read) => read.map(|()| outcome),
        }
    }

    /// Does what the session asks for, and sends what it says.
    async fn settle(&mut self) -> io::Result<Next> {
        let mut next = Next::Hear;
        loop {
            while let Some(event) = self.session.poll_event() {
                match event {
                    Event::StartTls => next = Next::StartTls,
                    // Boxed, as all is that is needed for moments only, so that a silent connection does not hold it.
                    event => Box::pin(self.handle_event(event)).await?,
                }
            }
            if self.share.resize(self.session.held_octets()).is_ok() {
                break;
            }
            // What is held then is nothing, for which there is always room.
            self.session.handle_shortage();
        }
        if *self.service.stopping.borrow() && self.session.is_idle() && !self.session.is_closed() {
            self.session.handle_shutdown();
        }
        self.send().await?;
        if self.session.is_closed() {
            next = Next::Close;
        }
        Ok(next)
    }

    async fn send(&mut self) -> io::Result<()> {
        let output = self.session.take_output();
        if output.is_empty() {
            return Ok(());
        }
        let sending = async {
            self.stream.write_all(&output).await?;
            self.stream.flush().await
        };
        tokio::time::timeout(self.service.timers.command, sending)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Goes on under TLS; `None` when that fails, and nothing more is said then.
    async fn start_tls(mut self) -> Option<Self> {
        let Stream::Clear(stream) = self.stream else {
            return None; // the session offers it once
        };
        let client = self.session.client().address;
        match self.service.handshake(stream).await {
            Ok((stream, handshake)) => {
                self.stream = stream;
                self.session.handle_tls_started(handshake);
                Some(self)
            }
            Err(error) => {
                mail_log::turned_away(client, TurnedAway::Handshake, Some(&error));
                None
            }
        }
    }

    /// Ends our side and reads what the client still sends for a moment: closing on unread octets would reset the
    /// connection, and the client might never see the last reply.
    async fn linger(mut self) -> io::Result<()> {
        let drained = async {
            self.stream.shutdown().await?;
            let mut is_open = true;
            while is_open {
                is_open = false;
                self.stream
                    .read(|octets| is_open = !octets.is_empty())
                    .await?;
            }
            Ok(())
        };
        tokio::time::timeout(LINGER, drained)
            .await
            .unwrap_or(Ok(()))
    }

    async fn handle_event(&mut self, event: Event) -> io::Result<()> {
        match event {
            Event::Message(received) => {
                let verdict = self.verdict(*received).await;
                self.session.handle_verdict(verdict);
            }
            Event::StartTls => {} // done by the caller
            Event::Verifier { name } => {
                let lookup = authentication::verifier(&self.service.users, name).await;
                self.session
                    .handle_verifier(lookup, &authentication::nonce()?);
            }
            Event::CheckPassword { name, password } => {
                let users = &self.service.users;
                let verdict = authentication::check(users, name, password).await;
                self.session.handle_password_checked(verdict);
            }
            Event::Authenticated { client, mechanism } => {
                mail_log::authenticated(&client, mechanism);
            }
            Event::Rejected {
                client,
                from,
                reply,
                why,
            } => {
                mail_log::rejected(client, from.as_ref(), &reply.to_string(), &why);
            }
        }
        Ok(())
    }

    /// Hands a message in, if there is memory for all of it until it is answered.
    async fn verdict(&mut self, received: Received) -> Verdict {
        let client = received.client.address;
        let reverse_path = received.reverse_path.clone();
        if self.share.resize(received.content.len()).is_err() {
            let reply = replies::storage_unavailable();
            let why = server::Rejection::Shortage;
            mail_log::rejected(client, Some(&reverse_path), &reply.to_string(), &why);
            return Verdict::Refused(reply);
        }
        let accepted = if received.params.require_tls {
            Err(Rejection::RequireTls)
        } else {
            self.service.intake.accept(arrival(received)).await
        };
        match accepted {
            Ok(id) => Verdict::Accepted(id),
            Err(rejection) => {
                let reply = rejection.reply();
                mail_log::rejected(client, Some(&reverse_path), &reply.to_string(), &rejection);
                Verdict::Refused(reply)
            }
        }
    }
}

fn arrival(received: Received) -> Arrival {
    let protocol = match (received.extended, received.params.smtputf8) {
        (true, true) => Protocol::Utf8Smtp,
        (true, false) => Protocol::Esmtp,
        (false, _) => Protocol::Smtp,
    };
    let recipients = received.recipients.into_iter();
    Arrival {
        source: Source::Client {
            client: received.client.proved(),
            helo: received.helo,
        },
        client: Some(received.client),
        protocol,
        reverse_path: received.reverse_path,
        recipients: recipients.map(|recipient| recipient.mailbox).collect(),
        content: received.content,
        notes: received.notes,
    }
}

/// What comes of waiting for a client.
enum Heard {
    /// Octets, which the session has.
    Octets,
    /// Its orderly end.
    End,
    /// Nothing, and it is no use to wait on.
    Nothing,
    /// Something that is not SMTP.
    OtherProtocol,
}

/// What the session wants next.
enum Next {
    /// More from the client.
    Hear,
    /// A handshake.
    StartTls,
    /// The end.
    Close,
}

const LINGER: Duration = Duration::from_secs(2);
/// The longest that a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// The first octet of a TLS client (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;
