//! The exchange of commands and replies with one host, over any stream: bounded in time, and deaf to nothing.
//!
//! Octets that arrive before they are asked for are kept and looked at. A host that says 421 unasked is closing; one
//! that says anything else unasked has lost step with us, or somebody else is talking, and the session ends.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::reply::{Reply, ReplyError, ReplyReader};

/// A session with a host, seen as lines out and replies in.
#[derive(Debug)]
pub(super) struct Conversation<S> {
    stream: S,
    reader: ReplyReader,
    /// Octets read and not yet taken for a reply.
    unread: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            reader: ReplyReader::default(),
            unread: Vec::new(),
        }
    }

    /// The stream, for the TLS handshake.
    ///
    /// Nothing may have been read after the reply to STARTTLS: it would be taken for part of the encrypted session
    /// though anybody on the way could have put it there (RFC 3207 §6, CVE-2011-0411).
    pub(super) fn into_stream(self) -> Result<S, ConversationError> {
        if self.unread.is_empty() {
            Ok(self.stream)
        } else {
            Err(ConversationError::Unasked)
        }
    }

    /// Sends a command line, without its end, and waits for the reply.
    pub(super) async fn command(
        &mut self,
        line: &str,
        within: Duration,
    ) -> Result<Reply, ConversationError> {
        self.send(format!("{line}\r\n").as_bytes(), within).await?;
        self.reply(within).await
    }

    /// Sends octets. Nothing may have come in that has not been read.
    pub(super) async fn send(
        &mut self,
        octets: &[u8],
        within: Duration,
    ) -> Result<(), ConversationError> {
        if !self.unread.is_empty() {
            return Err(match self.take_reply()? {
                Some(reply) if reply.code() == 421 => ConversationError::Closing(reply),
                _ => ConversationError::Unasked,
            });
        }
        let written = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        timeout(within, written)
            .await
            .map_err(|_| ConversationError::TimedOut)??;
        Ok(())
    }

    /// Reads the next reply. The whole of it must come within the time.
    pub(super) async fn reply(&mut self, within: Duration) -> Result<Reply, ConversationError> {
        timeout(within, self.read_reply())
            .await
            .map_err(|_| ConversationError::TimedOut)?
    }

    async fn read_reply(&mut self) -> Result<Reply, ConversationError> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(reply) = self.take_reply()? {
                return Ok(reply);
            }
            let count = self.stream.read(&mut buffer).await?;
            if count == 0 {
                return Err(ConversationError::Closed);
            }
            self.unread.extend(buffer.iter().take(count));
        }
    }

    fn take_reply(&mut self) -> Result<Option<Reply>, ConversationError> {
        let (reply, taken) = self.reader.read(&self.unread)?;
        self.unread.drain(..taken);
        Ok(reply)
    }
}

/// Why a session broke.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ConversationError {
    /// The host closed the connection.
    #[error("the host closed the connection")]
    Closed,
    /// The connection broke.
    #[error("the connection broke")]
    Io(#[from] io::Error),
    /// The host took too long.
    #[error("the host did not answer in time")]
    TimedOut,
    /// The host does not speak SMTP.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The host sent something that was not asked for.
    #[error("the host sent more than was asked for")]
    Unasked,
    /// The host announced that it closes the connection.
    #[error("the host is closing: {0}")]
    Closing(Reply),
}
