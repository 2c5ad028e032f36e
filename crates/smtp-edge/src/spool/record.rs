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

mod parts;
mod read;
mod version_1;
mod write;

use dkim_core::BodyHashes;

use crate::envelope::Envelope;
use crate::ids::QueueId;
use crate::spool::message::{Message, MessageState};
pub(super) use parts::read_head;
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
    let Front {
        id,
        envelope,
        trace,
        body_hashes,
        length,
    } = Front::read(&mut reader)?;
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

/// What stands before the content in the record of a message.
struct Front {
    id: QueueId,
    envelope: Envelope,
    trace: Vec<u8>,
    body_hashes: BodyHashes,
    /// Octets of the content.
    length: u64,
}

impl Front {
    fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            id: QueueId::from_number(reader.u64()?),
            envelope: reader.envelope()?,
            trace: reader.bytes()?.to_vec(),
            body_hashes: reader.body_hashes()?,
            length: reader.u64()?,
        })
    }
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
/// What is written. Versions 1 to 3 are read as well. All of them kept no notice of a delay, 1 and 2 no orders of an
/// administrator; version 1 kept no hashes of the body, and one outcome of signing for all copies, which is made anew.
const VERSION: u8 = 4;
const HEAD: usize = 16;
const CHECKSUM: usize = 4;

#[cfg(test)]
mod tests;
