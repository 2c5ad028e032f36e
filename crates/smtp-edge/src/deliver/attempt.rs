//! One attempt at one host: connect, greet, encrypt, hand over.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Timeouts;
use super::capabilities::Capabilities;
use super::connect;
use super::conversation::{Conversation, ConversationError};
use super::copy::Copy;
use super::outcome::{Outcome, Stage, Verdict, fault, local_fault, verdict};
use super::reply::Class;
use super::tls_policy::{Decision, Earlier, decide};
use super::transaction::{After, Ending, MOST_RECIPIENTS, Transaction, session_fault};
use crate::config::TlsMode;
use crate::envelope::Mailbox;
use crate::mail_log::{self, Chain};
use crate::spool::message::Fault;

/// A host at one of its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Its name, or its address as text.
    pub(super) host: Box<str>,
    pub(super) address: SocketAddr,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} [{}]:{}",
            self.host,
            self.address.ip(),
            self.address.port()
        )
    }
}

/// How we behave towards every host.
pub(super) struct Manner {
    /// The name that we give.
    pub(super) hostname: Box<str>,
    pub(super) timeouts: Timeouts,
    pub(super) tls: TlsMode,
    pub(super) connector: TlsConnector,
}

/// One attempt. `took` says how long the route has taken so far.
pub(super) struct Attempt<'a> {
    pub(super) target: &'a Target,
    pub(super) copy: &'a Copy<'a>,
    pub(super) recipients: &'a [(usize, &'a Mailbox)],
    pub(super) manner: &'a Manner,
    pub(super) took: &'a (dyn Fn() -> Duration + Sync),
}

impl Attempt<'_> {
    /// Tries the host, a second time in clear when the TLS handshake fails.
    pub(super) async fn run(&self) -> Vec<(usize, Ending)> {
        let mut earlier = Earlier::None;
        loop {
            let fault = match self.session(earlier).await {
                Ok(endings) => return endings,
                Err(Unserved::Handshake(error)) if earlier == Earlier::None => {
                    mail_log::tls_failed(self.copy.id(), &self.target.to_string(), &error);
                    earlier = Earlier::HandshakeFailed;
                    continue;
                }
                Err(Unserved::Handshake(error)) => {
                    local_fault("4.7.5", format!("{}: {error}", self.target))
                }
                Err(Unserved::Host(fault)) => fault,
            };
            let ending = Ending::NextHost(fault);
            return self
                .recipients
                .iter()
                .map(|(place, _)| (*place, ending.clone()))
                .collect();
        }
    }

    async fn session(&self, earlier: Earlier) -> Result<Vec<(usize, Ending)>, Unserved> {
        let Manner { timeouts, tls, .. } = self.manner;
        let stream = connect::connect(self.target.address, timeouts.connect)
            .await
            .map_err(|error| {
                Unserved::Host(local_fault(
                    "4.4.1",
                    format!("{}: {}", self.target, Chain(&error)),
                ))
            })?;
        let mut conversation = Conversation::new(stream);
        let greeting = conversation
            .reply(timeouts.command)
            .await
            .map_err(|error| self.unserved(&error))?;
        if verdict(Stage::Greeting, &greeting) != Verdict::Accepted {
            return Err(Unserved::Host(fault(
                &self.target.to_string(),
                &greeting,
                Verdict::NextHost,
            )));
        }
        let capabilities = self.hello(&mut conversation).await?;
        match decide(*tls, capabilities.tls_offer(), earlier) {
            Decision::InClear => Ok(self.hand_over(conversation, capabilities, false).await),
            Decision::StartTls => self.start_tls(conversation, capabilities).await,
        }
    }

    async fn start_tls(
        &self,
        mut conversation: Conversation<TcpStream>,
        capabilities: Capabilities,
    ) -> Result<Vec<(usize, Ending)>, Unserved> {
        let Manner {
            timeouts,
            connector,
            ..
        } = self.manner;
        let reply = conversation
            .command("STARTTLS", timeouts.command)
            .await
            .map_err(|error| self.unserved(&error))?;
        if reply.code() == 421 {
            return Err(self.unserved(&ConversationError::Closing(reply)));
        }
        if reply.class() != Class::Done {
            // Not now, or not at all: opportunistic TLS goes on without.
            return Ok(self.hand_over(conversation, capabilities, false).await);
        }
        let stream = conversation
            .into_stream()
            .map_err(|error| self.unserved(&error))?;
        let stream = connect::encrypt(stream, connector, &self.target.host, timeouts.command)
            .await
            .map_err(Unserved::Handshake)?;
        // All that was said in clear is forgotten (RFC 3207 §4.2).
        let mut conversation = Conversation::new(stream);
        let capabilities = self.hello(&mut conversation).await?;
        Ok(self.hand_over(conversation, capabilities, true).await)
    }

    /// EHLO, or HELO where the host does not know EHLO (RFC 5321 §3.2).
    async fn hello<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        conversation: &mut Conversation<S>,
    ) -> Result<Capabilities, Unserved> {
        let Manner {
            hostname, timeouts, ..
        } = self.manner;
        let mut known = true;
        let mut reply = conversation
            .command(&format!("EHLO {hostname}"), timeouts.command)
            .await
            .map_err(|error| self.unserved(&error))?;
        if reply.class() == Class::Never {
            known = false;
            reply = conversation
                .command(&format!("HELO {hostname}"), timeouts.command)
                .await
                .map_err(|error| self.unserved(&error))?;
        }
        match verdict(Stage::Hello, &reply) {
            Verdict::Accepted if known => Ok(Capabilities::of(&reply)),
            Verdict::Accepted => Ok(Capabilities::default()),
            Verdict::NextHost | Verdict::Later | Verdict::Failed => Err(Unserved::Host(fault(
                &self.target.to_string(),
                &reply,
                Verdict::NextHost,
            ))),
        }
    }

    /// As many transactions as the recipients take.
    async fn hand_over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        mut conversation: Conversation<S>,
        capabilities: Capabilities,
        tls: bool,
    ) -> Vec<(usize, Ending)> {
        let Self {
            copy, recipients, ..
        } = self;
        let timeouts = self.manner.timeouts;
        let obstacle = capabilities.obstacle(&self.target.host, copy.size(), copy.needs());
        let mut endings = Vec::with_capacity(recipients.len());
        let mut after = After::Ready;
        for chunk in recipients.chunks(MOST_RECIPIENTS) {
            if let Some(fault) = &obstacle {
                let failed = |(place, _): &(usize, _)| {
                    (*place, Ending::Settled(Outcome::Failed(fault.clone())))
                };
                endings.extend(chunk.iter().map(failed));
                continue;
            }
            if after == After::Unfinished
                && conversation
                    .command("RSET", timeouts.command)
                    .await
                    .is_err()
            {
                after = After::Broken;
            }
            if after == After::Broken {
                let fault = local_fault(
                    "4.4.2",
                    format!("{}: the connection broke before", self.target),
                );
                endings.extend(
                    chunk
                        .iter()
                        .map(|(place, _)| (*place, Ending::NextHost(fault.clone()))),
                );
                continue;
            }
            let transaction = Transaction {
                copy,
                recipients: chunk,
                capabilities,
                timeouts,
                remote: &self.target.to_string(),
                tls,
                took: self.took,
            };
            let (ended, left) = transaction.run(&mut conversation).await;
            endings.extend(ended);
            after = left;
        }
        if after != After::Broken {
            // What has been settled is to be recorded now, and not after a slow farewell.
            tokio::spawn(async move { conversation.command("QUIT", FAREWELL).await });
        }
        endings
    }

    fn unserved(&self, error: &ConversationError) -> Unserved {
        Unserved::Host(session_fault(&self.target.to_string(), error))
    }
}

/// Why a session came to no transaction.
enum Unserved {
    /// The host cannot be reached or will not serve us.
    Host(Fault),
    /// The TLS handshake failed.
    Handshake(mail_send::Error),
}

/// How long a host may take over QUIT.
const FAREWELL: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
