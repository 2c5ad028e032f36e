//! DATA and BDAT: the message, and what becomes of it.

use super::event::{Event, Received, Rejection, Verdict};
use super::limits::Limit;
use super::session::Session;
use super::state::{Discard, State};
use super::transaction::Transaction;
use crate::smtp::chunking::{Chunk, ChunkReader, Position};
use crate::smtp::data::{DataNotes, DataReader};
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
            State::AwaitingChunk(..) | State::AwaitingReset => {
                self.state = State::AwaitingReset;
                self.error(&replies::bad_sequence(
                    "the message comes by BDAT, say RSET",
                ));
            }
            other => {
                self.state = other;
                self.error(&replies::bad_sequence("say RCPT first"));
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
        if self.counters.discarded > self.settings.limits.discarded {
            let reply = replies::message_too_big();
            self.reject(reply.clone(), Rejection::TooBig);
            self.reply(&reply);
            self.end_at(Limit::Discarded);
        }
    }

    fn handle_end_of_data(&mut self) {
        let State::AwaitingData(transaction, reader) = self.take_state() else {
            return;
        };
        let (content, notes) = reader.finish();
        if notes.too_big {
            let reply = replies::message_too_big();
            self.state = State::AwaitingMail;
            let from = Some(transaction.reverse_path);
            self.rejected(from, reply.clone(), Rejection::TooBig);
            return self.error(&reply);
        }
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
                let reply = if matches!(self.state, State::AwaitingReset) {
                    replies::bad_sequence("a chunk was refused, say RSET")
                } else if self.is_in_transaction() {
                    replies::no_recipients()
                } else {
                    replies::bad_sequence("say MAIL and RCPT first")
                };
                return self.refuse_chunk(chunk.size, reply);
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
        let then = if self.is_in_transaction() {
            State::AwaitingReset
        } else {
            self.take_state()
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
            Verdict::Refused(reply) => self.error(&reply),
        }
        self.resume();
    }

    fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Closed)
    }
}
