//! One mail transaction (RFC 5321 §3.3): MAIL, RCPT for each recipient, DATA. What it came to, for each recipient.
//!
//! A recipient is settled by the reply to its RCPT when that refuses it, and else by the reply to the final dot and by
//! nothing before: a host that promised more earlier has taken nothing.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::Timeouts;
use super::capabilities::Capabilities;
use super::conversation::{Conversation, ConversationError};
use super::copy::Copy;
use super::data::Stuffer;
use super::outcome::{Outcome, Stage, Taken, Verdict, fault, local_fault, verdict};
use super::reply::{Class, Reply};
use crate::envelope::Mailbox;
use crate::mail_log::Chain;
use crate::spool::message::Fault;

/// What a host did about one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is settled for this round.
    Settled(Outcome),
    /// This host would not: the next may.
    NextHost(Fault),
}

/// What a transaction is about.
pub(super) struct Transaction<'a> {
    pub(super) copy: &'a Copy<'a>,
    /// Who of the copy's recipients; at most [`MOST_RECIPIENTS`].
    pub(super) recipients: &'a [(usize, &'a Mailbox)],
    pub(super) capabilities: Capabilities,
    pub(super) timeouts: Timeouts,
    /// The host's name in logs and reports.
    pub(super) remote: &'a str,
    pub(super) tls: bool,
    /// How long the route has taken so far.
    pub(super) took: &'a (dyn Fn() -> Duration + Sync),
}

/// How a transaction left the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Ready for the next one.
    Ready,
    /// Open, and to be reset before the next one.
    Unfinished,
    /// Not to be used any more.
    Broken,
}

/// RFC 5321 §4.5.3.1.8: every host takes so many recipients.
pub(super) const MOST_RECIPIENTS: usize = 100;

impl Transaction<'_> {
    /// Runs it to its end.
    pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        conversation: &mut Conversation<S>,
    ) -> (Vec<(usize, Ending)>, After) {
        let mut progress = Progress {
            endings: vec![None; self.recipients.len()],
            dot_sent: false,
            after: After::Unfinished,
        };
        let broken = self.steps(conversation, &mut progress).await.err();
        let open = broken.as_ref().map(|error| self.broken(error, &progress));
        let open = open.unwrap_or_else(|| {
            Ending::Settled(Outcome::Later(local_fault("4.0.0", "not attempted")))
        });
        let after = if broken.is_some() {
            After::Broken
        } else {
            progress.after
        };
        let places = self.recipients.iter().map(|(place, _)| *place);
        let endings = progress
            .endings
            .into_iter()
            .map(|ending| ending.unwrap_or_else(|| open.clone()));
        (places.zip(endings).collect(), after)
    }

    async fn steps<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        conversation: &mut Conversation<S>,
        progress: &mut Progress,
    ) -> Result<(), ConversationError> {
        self.envelope(conversation, progress).await?;
        if progress.endings.iter().all(Option::is_some) {
            return Ok(());
        }
        let within = self.timeouts.command;
        let reply = conversation.command("DATA", within).await?;
        if let Some(ending) = self.ending(Stage::Data, &reply)? {
            progress.settle_open(&ending);
            return Ok(());
        }
        let reply = match self.content(conversation, progress).await {
            Ok(()) => conversation.reply(self.timeouts.data).await?,
            // A host that refuses in the middle of the data closes its side: it may have said why.
            Err(ConversationError::Io(error)) => match conversation.reply(LAST_WORDS).await {
                Ok(reply) if matches!(reply.class(), Class::NotNow | Class::Never) => reply,
                _ => return Err(error.into()),
            },
            Err(error) => return Err(error),
        };
        let ending = match verdict(Stage::EndOfData, &reply) {
            Verdict::Accepted => Ending::Settled(Outcome::Delivered(Taken {
                remote: self.remote.into(),
                reply: reply.to_string().into(),
                tls: self.tls,
                took: (self.took)(),
            })),
            refused => self.refused(&reply, refused),
        };
        progress.settle_open(&ending);
        progress.after = if reply.code() == 421 {
            After::Broken
        } else {
            After::Ready
        };
        Ok(())
    }

    /// MAIL and every RCPT, as many at once as the host lets us.
    async fn envelope<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        conversation: &mut Conversation<S>,
        progress: &mut Progress,
    ) -> Result<(), ConversationError> {
        let within = self.timeouts.command;
        let mut commands = vec![(None, self.mail())];
        let recipients = self.recipients.iter().enumerate();
        commands.extend(
            recipients
                .map(|(index, (_, mailbox))| (Some(index), format!("RCPT TO:<{mailbox}>\r\n"))),
        );
        // Bounded, so that the replies to one window always fit the buffers on the way and neither side can wait
        // for the other to read (RFC 2920 §3.1).
        let window = if self.capabilities.pipelining {
            WINDOW
        } else {
            1
        };
        for batch in commands.chunks(window) {
            let lines: String = batch.iter().map(|(_, line)| line.as_str()).collect();
            conversation.send(lines.as_bytes(), within).await?;
            let mut no_mail = None;
            for (index, _) in batch {
                let reply = conversation.reply(within).await?;
                match index {
                    None => no_mail = self.ending(Stage::Mail, &reply)?,
                    Some(_) if no_mail.is_some() => {} // refused for want of MAIL, which says nothing
                    Some(index) => {
                        let ending = self.ending(Stage::Recipient, &reply)?;
                        if let Some(place) = progress.endings.get_mut(*index) {
                            *place = ending;
                        }
                    }
                }
            }
            if let Some(ending) = no_mail {
                progress.settle_open(&ending);
                return Ok(());
            }
        }
        Ok(())
    }

    fn mail(&self) -> String {
        let mut line = format!("MAIL FROM:{}", self.copy.reverse_path());
        if self.capabilities.size.is_some() {
            line.push_str(&format!(" SIZE={}", self.copy.size()));
        }
        let needs = self.copy.needs();
        if needs.eight_bit {
            line.push_str(" BODY=8BITMIME");
        }
        if needs.smtputf8 {
            line.push_str(" SMTPUTF8");
        }
        line.push_str("\r\n");
        line
    }

    /// The message and the final dot.
    async fn content<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        conversation: &mut Conversation<S>,
        progress: &mut Progress,
    ) -> Result<(), ConversationError> {
        let mut stuffer = Stuffer::default();
        let mut block = Vec::with_capacity(BLOCK * 2);
        for part in self.copy.parts() {
            for piece in part.chunks(BLOCK) {
                stuffer.stuff(piece, &mut block);
                if block.len() >= BLOCK {
                    conversation.send(&block, self.timeouts.data).await?;
                    block.clear();
                }
            }
        }
        stuffer.finish(&mut block);
        // From here on the host may have the whole message, even if we never hear of it.
        progress.dot_sent = true;
        conversation.send(&block, self.timeouts.data).await
    }

    /// What a reply settles; `None` when it accepts.
    fn ending(&self, stage: Stage, reply: &Reply) -> Result<Option<Ending>, ConversationError> {
        match verdict(stage, reply) {
            Verdict::Accepted => Ok(None),
            Verdict::NextHost => Err(ConversationError::Closing(reply.clone())),
            refused @ (Verdict::Later | Verdict::Failed) => Ok(Some(self.refused(reply, refused))),
        }
    }

    fn refused(&self, reply: &Reply, verdict: Verdict) -> Ending {
        let fault = fault(self.remote, reply, verdict);
        Ending::Settled(match verdict {
            Verdict::Failed => Outcome::Failed(fault),
            Verdict::Accepted | Verdict::NextHost | Verdict::Later => Outcome::Later(fault),
        })
    }

    /// What becomes of recipients without an ending when the session broke.
    fn broken(&self, error: &ConversationError, progress: &Progress) -> Ending {
        let fault = session_fault(self.remote, error);
        if progress.dot_sent {
            // Another host might take it a second time now; this one is asked again in the next round.
            Ending::Settled(Outcome::Later(fault))
        } else {
            Ending::NextHost(fault)
        }
    }
}

/// How far a transaction has come. `endings` has one place for each recipient, empty while it is open.
struct Progress {
    endings: Vec<Option<Ending>>,
    dot_sent: bool,
    after: After,
}

impl Progress {
    fn settle_open(&mut self, ending: &Ending) {
        for place in &mut self.endings {
            place.get_or_insert_with(|| ending.clone());
        }
    }
}

/// A broken session as a fault.
pub(super) fn session_fault(remote: &str, error: &ConversationError) -> Fault {
    match error {
        ConversationError::Closing(reply) => fault(remote, reply, Verdict::NextHost),
        ConversationError::Closed
        | ConversationError::Io(_)
        | ConversationError::TimedOut
        | ConversationError::Reply(_)
        | ConversationError::Unasked => local_fault("4.4.2", format!("{remote}: {}", Chain(error))),
    }
}

/// Commands of one window.
const WINDOW: usize = 32;
/// Octets of the message that are written at once.
const BLOCK: usize = 32 * 1024;
/// How long a host that stopped reading may take to say why.
const LAST_WORDS: Duration = Duration::from_secs(2);
