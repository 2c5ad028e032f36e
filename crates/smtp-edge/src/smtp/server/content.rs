//! DATA and BDAT: the message, and what becomes of it.

use super::event::{Event, Received, Rejection, Verdict};
use super::limits::Limit;
use super::session::Session;
use super::state::{Discard, State};
use super::transaction::Transaction;
use crate::smtp::chunking::{Chunk, ChunkReader, Position};
use crate::smtp::data::{DataNotes, DataReader, Loss};
use crate::smtp::replies;
use crate::smtp::reply::Reply;

impl Session {
    pub(super) fn handle_data(&mut self) {
        match self.take_state() {
            State::AwaitingRecipient(transaction) if !transaction.recipients.is_empty() => {
                let reader = DataReader::new(self.settings.limits.message_size);
                self.counters.contents += 1;
                self.state = State::AwaitingData(transaction, reader);
                self.reply(&replies::go_ahead());
            }
            // RFC 3030 §2: a transaction has one of the two, and after an error waits for RSET.
            State::AwaitingChunk(..) => {
                self.state = State::awaiting_reset();
                self.error(&replies::bad_sequence(
                    "the message comes by BDAT, say RSET",
                ));
            }
            other => {
                self.state = other;
                self.error(&replies::bad_sequence("say MAIL and RCPT first"));
            }
        }
    }

    /// Octets of DATA have been read; `ended` with the dot.
    pub(super) fn after_data(&mut self, ended: bool) {
        let State::AwaitingData(_, reader) = &mut self.state else {
            return;
        };
        self.counters.discarded += reader.take_discarded();
        if ended {
            return self.handle_end_of_data();
        }
        let loss = reader.loss();
        if let Some(loss) = loss
            && self.counters.discarded > self.settings.limits.discarded
        {
            let (reply, why) = lost(loss);
            self.reject(reply.clone(), why);
            self.reply(&reply);
            self.end_at(Limit::Discarded);
        }
    }

    fn handle_end_of_data(&mut self) {
        let State::AwaitingData(transaction, reader) = self.take_state() else {
            return;
        };
        if let Some(loss) = reader.loss() {
            self.state = State::AwaitingMail;
            let (reply, why) = lost(loss);
            self.rejected(Some(transaction.reverse_path), reply.clone(), why);
            return self.error(&reply);
        }
        let (content, notes) = reader.finish();
        self.hand_over(transaction, content, notes);
    }

    pub(super) fn handle_chunk(&mut self, chunk: Chunk) {
        let (transaction, mut reader) = match self.take_state() {
            State::AwaitingRecipient(transaction) if !transaction.recipients.is_empty() => {
                self.counters.contents += 1;
                let reader = ChunkReader::new(self.settings.limits.message_size);
                (transaction, reader)
            }
            State::AwaitingChunk(transaction, reader) => (transaction, reader),
            other => {
                self.state = other;
                return self.refuse_chunk(chunk.size, self.chunk_refusal());
            }
        };
        if reader.begin(chunk).is_err() {
            let reply = replies::message_too_big();
            self.state = State::AwaitingChunk(transaction, reader);
            self.reject(reply.clone(), Rejection::TooBig);
            return self.refuse_chunk(chunk.size, reply);
        }
        self.state = State::AwaitingOctets(transaction, reader);
        self.after_octets();
    }

    /// Octets of a chunk have been read.
    pub(super) fn after_octets(&mut self) {
        let State::AwaitingOctets(_, reader) = &self.state else {
            return;
        };
        let Some(position) = reader.complete() else {
            return;
        };
        let State::AwaitingOctets(transaction, reader) = self.take_state() else {
            return;
        };
        match position {
            Position::Inner => {
                let reply = replies::chunk_ok(reader.octets());
                self.state = State::AwaitingChunk(transaction, reader);
                self.reply(&reply);
            }
            Position::Last => {
                let (content, notes) = reader.finish();
                self.hand_over(transaction, content, notes);
            }
        }
    }

    /// Refuses a chunk. Its octets are on their way and must be read as such, or they would be taken for commands. The
    /// message has a gap now, so that nothing more of it may come: only RSET or another MAIL leads on.
    pub(super) fn refuse_chunk(&mut self, size: u64, reply: Reply) {
        let then = match self.take_state() {
            State::AwaitingRecipient(_) | State::AwaitingChunk(..) => State::awaiting_reset(),
            other => other,
        };
        self.counters.discarded = self.counters.discarded.saturating_add(size);
        if self.counters.discarded > self.settings.limits.discarded {
            self.reply(&reply);
            return self.end_at(Limit::Discarded);
        }
        self.state = State::AwaitingDiscard(Discard {
            left: size,
            reply,
            then: Box::new(then),
        });
        self.after_discard();
    }

    /// What a chunk is told that comes out of order.
    fn chunk_refusal(&self) -> Reply {
        if let State::AwaitingReset(reply) = &self.state {
            return reply.clone();
        }
        if self.is_in_transaction() {
            return replies::no_recipients();
        }
        replies::bad_sequence("say MAIL and RCPT first")
    }

    /// Octets of a refused chunk have been thrown away.
    pub(super) fn after_discard(&mut self) {
        match self.take_state() {
            State::AwaitingDiscard(discard) if discard.left == 0 => {
                self.state = *discard.then;
                self.error(&discard.reply);
            }
            other => self.state = other,
        }
    }

    /// There is no memory for what is held of the message under way. It is given up: the rest of it is read and thrown away,
    /// and the client is told to try again. Without effect when there is no message under way.
    pub fn handle_shortage(&mut self) {
        let (reply, why) = lost(Loss::Shortage);
        match self.take_state() {
            State::AwaitingData(transaction, mut reader) => {
                reader.lose(Loss::Shortage);
                self.state = State::AwaitingData(transaction, reader);
            }
            State::AwaitingChunk(transaction, _) => {
                self.state = State::AwaitingReset(reply.clone());
                self.rejected(Some(transaction.reverse_path), reply, why);
            }
            State::AwaitingOctets(transaction, reader) => {
                let then = State::AwaitingReset(reply.clone());
                self.state = State::AwaitingDiscard(Discard {
                    left: reader.left(),
                    reply: reply.clone(),
                    then: Box::new(then),
                });
                self.rejected(Some(transaction.reverse_path), reply, why);
            }
            other => self.state = other,
        }
    }

    fn hand_over(&mut self, transaction: Transaction, content: Vec<u8>, notes: DataNotes) {
        let hello = self.forwarded_hello.as_ref().unwrap_or(&self.hello);
        self.state = State::AwaitingVerdict;
        self.events.push_back(Event::Message(Box::new(Received {
            client: self.client.clone(),
            helo: hello.name.clone(),
            extended: hello.extended,
            reverse_path: transaction.reverse_path,
            params: transaction.params,
            recipients: transaction.recipients,
            content,
            notes,
        })));
    }

    /// Takes the verdict about the message that [`Event::Message`] handed out, and goes on with what came meanwhile.
    pub fn handle_verdict(&mut self, verdict: Verdict) {
        if !matches!(self.state, State::AwaitingVerdict) {
            return;
        }
        self.state = State::AwaitingMail;
        match verdict {
            Verdict::Accepted(id) => {
                self.counters.idle_commands = 0;
                self.reply(&replies::accepted(id));
            }
            Verdict::Refused(reply) if reply.is_last() => self.close(&reply),
            Verdict::Refused(reply) => self.error(&reply),
        }
        self.resume();
    }

    fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Closed)
    }
}

/// What the client and the log are told of a message that was not kept.
fn lost(loss: Loss) -> (Reply, Rejection) {
    match loss {
        Loss::TooBig => (replies::message_too_big(), Rejection::TooBig),
        Loss::Shortage => (replies::storage_unavailable(), Rejection::Shortage),
    }
}
