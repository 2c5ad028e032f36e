//! The binary form of the spool's records: length-prefixed, versioned, checksummed.
//!
//! ```text
//!  0      4      5         6          8                16                    16 + length
//!  +------+------+---------+----------+----------------+---------------------+----------+
//!  | EDGE | kind | version | reserved | length (u64)   | payload             | CRC-32   |
//!  +------+------+---------+----------+----------------+---------------------+----------+
//! ```
//!
//! Numbers are little-endian; a text or a byte string is its length (u32; u64 for the content) and its octets; a
//! choice is one octet. The checksum covers everything before it. Nothing in a payload is looked for by its content,
//! so that no octet of a message or of a remote reply can be taken for structure.

mod read;
mod write;

use crate::ids::QueueId;
use crate::spool::message::{Message, MessageState};
use read::Reader;
use write::Writer;

/// The record of a message as it was accepted.
#[must_use]
pub fn encode_message(message: &Message) -> Vec<u8> {
    let mut writer = Writer::new(MESSAGE, message.content.len() + message.trace.len() + 1024);
    writer.u64(message.id.number());
    writer.envelope(&message.envelope);
    writer.bytes(&message.trace);
    writer.body_hashes(&message.body_hashes);
    writer.u64(message.content.len() as u64);
    writer.0.extend_from_slice(&message.content);
    writer.state(&message.state);
    writer.finish()
}

/// Reads what [`encode_message`] wrote.
///
/// # Errors
/// [`RecordError`] with the offset where the record stops making sense.
pub fn decode_message(record: &[u8]) -> Result<Message, RecordError> {
    let mut reader = Reader::open(record, MESSAGE)?;
    let id = QueueId::from_number(reader.u64()?);
    let envelope = reader.envelope()?;
    let trace = reader.bytes()?.to_vec();
    let body_hashes = reader.body_hashes()?;
    let length = reader.u64()?;
    let length = usize::try_from(length).map_err(|_| reader.damaged())?;
    let content = reader.take(length)?.to_vec();
    let state = reader.state()?;
    reader.finish()?;
    if state.recipients.len() != envelope.recipients.len() {
        return Err(reader.damaged());
    }
    Ok(Message {
        id,
        envelope,
        trace,
        content,
        body_hashes,
        state,
    })
}

/// The record of how far a message has come.
#[must_use]
pub fn encode_state(id: QueueId, state: &MessageState) -> Vec<u8> {
    let mut writer = Writer::new(STATE, 256);
    writer.u64(id.number());
    writer.state(state);
    writer.finish()
}

/// Reads what [`encode_state`] wrote.
///
/// # Errors
/// [`RecordError`] with the offset where the record stops making sense.
pub fn decode_state(record: &[u8]) -> Result<(QueueId, MessageState), RecordError> {
    let mut reader = Reader::open(record, STATE)?;
    let id = QueueId::from_number(reader.u64()?);
    let state = reader.state()?;
    reader.finish()?;
    Ok((id, state))
}

/// Why a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Its form or its checksum is wrong.
    #[error("the record is damaged at octet {offset}")]
    Damaged {
        /// Where reading failed.
        offset: u64,
    },
    /// A later version of this server wrote it.
    #[error("the record is of version {version}: read it with the smtp-edge that wrote it")]
    Version {
        /// The version it names.
        version: u8,
    },
}

const MAGIC: &[u8; 4] = b"EDGE";
const MESSAGE: u8 = b'M';
const STATE: u8 = b'S';
/// What is written. Version 1 is read as well: it kept no hashes of the body, and one outcome of signing for all copies, which
/// is made anew.
const VERSION: u8 = 2;
const HEAD: usize = 16;
const CHECKSUM: usize = 4;

#[cfg(test)]
mod tests;
