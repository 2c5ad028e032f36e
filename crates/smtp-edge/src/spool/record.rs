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

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::envelope::{Envelope, Mailbox, Needs, ReversePath, Source};
use crate::ids::QueueId;
use crate::signing::state::{FaultClass, Signing, SigningFault};
use crate::spool::message::{Fault, Message, MessageState, RecipientState};

/// The record of a message as it was accepted.
#[must_use]
pub fn encode_message(message: &Message) -> Vec<u8> {
    let mut writer = Writer::new(MESSAGE, message.content.len() + message.trace.len() + 1024);
    writer.u64(message.id.number());
    writer.envelope(&message.envelope);
    writer.bytes(&message.trace);
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
const VERSION: u8 = 1;
const HEAD: usize = 16;
const CHECKSUM: usize = 4;

struct Writer(Vec<u8>);

impl Writer {
    fn new(kind: u8, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[kind, VERSION, 0, 0]);
        bytes.extend_from_slice(&[0; 8]); // the length, known in `finish`
        Self(bytes)
    }

    fn finish(mut self) -> Vec<u8> {
        let length = (self.0.len() - HEAD) as u64;
        if let Some(place) = self.0.get_mut(8..HEAD) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        let checksum = crc32fast::hash(&self.0);
        self.0.extend_from_slice(&checksum.to_le_bytes());
        self.0
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A count or length. Nothing that is counted here comes near 2^32: recipients, keys and header fields have
    /// caps far below, and message bytes are counted in 64 bits.
    fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX));
    }

    fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.0.extend_from_slice(value);
    }

    fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    fn optional_text(&mut self, value: Option<&str>) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            self.text(value);
        }
    }

    fn time(&mut self, value: SystemTime) {
        let since = value
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.u64(since.as_secs());
        self.u32(since.subsec_nanos());
    }

    fn envelope(&mut self, envelope: &Envelope) {
        match &envelope.source {
            Source::Client { address, helo } => {
                self.u8(0);
                self.text(&address.to_string());
                self.text(helo);
            }
            Source::Ourselves => self.u8(1),
        }
        match &envelope.reverse_path {
            ReversePath::Null => self.u8(0),
            ReversePath::Mailbox(mailbox) => {
                self.u8(1);
                self.text(&mailbox.to_string());
            }
        }
        self.count(envelope.recipients.len());
        for recipient in &envelope.recipients {
            self.text(&recipient.to_string());
        }
        self.u8(u8::from(envelope.needs.eight_bit) | u8::from(envelope.needs.smtputf8) << 1);
        self.time(envelope.accepted);
    }

    fn state(&mut self, state: &MessageState) {
        self.count(state.recipients.len());
        for recipient in &state.recipients {
            match recipient {
                RecipientState::Pending(None) => self.u8(0),
                RecipientState::Pending(Some(fault)) => {
                    self.u8(1);
                    self.fault(fault);
                }
                RecipientState::Delivered => self.u8(2),
                RecipientState::Failed(fault) => {
                    self.u8(3);
                    self.fault(fault);
                }
                RecipientState::Reported => self.u8(4),
            }
        }
        match &state.signing {
            Signing::NotNeeded => self.u8(0),
            Signing::Done { header, keys } => {
                self.u8(1);
                self.bytes(header);
                self.count(keys.len());
                for key in keys {
                    self.text(&key.to_string());
                }
            }
            Signing::Deferred(fault) => {
                self.u8(2);
                self.signing_fault(fault);
            }
            Signing::Refused(fault) => {
                self.u8(3);
                self.signing_fault(fault);
            }
        }
        self.u32(state.attempts);
        self.time(state.next_attempt);
    }

    fn fault(&mut self, fault: &Fault) {
        self.text(&fault.status);
        self.optional_text(fault.remote.as_deref());
        self.text(&fault.text);
    }

    fn signing_fault(&mut self, fault: &SigningFault) {
        self.u8(match fault.class {
            FaultClass::StoreAway => 0,
            FaultClass::NekAway => 1,
            FaultClass::KeyMissing => 2,
            FaultClass::KeyRevoked => 3,
            FaultClass::KeyUnreadable => 4,
            FaultClass::KeyTooShort => 5,
            FaultClass::CannotSign => 6,
        });
        self.optional_text(fault.domain.as_ref().map(ToString::to_string).as_deref());
        self.optional_text(fault.key.as_ref().map(ToString::to_string).as_deref());
    }
}

/// Reads a payload from `offset` on. The invariant is `HEAD <= offset <= end <= record.len() - CHECKSUM`.
struct Reader<'a> {
    record: &'a [u8],
    offset: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    fn open(record: &'a [u8], kind: u8) -> Result<Self, RecordError> {
        const AT_HEAD: RecordError = RecordError::Damaged { offset: 0 };
        let head = record.first_chunk::<HEAD>().ok_or(AT_HEAD)?;
        let [magic @ .., found, version, _, _] = head.first_chunk::<8>().ok_or(AT_HEAD)?;
        if magic != MAGIC || *found != kind {
            return Err(AT_HEAD);
        }
        if *version != VERSION {
            return Err(RecordError::Version { version: *version });
        }
        let length = head
            .last_chunk::<8>()
            .map(|bytes| u64::from_le_bytes(*bytes))
            .ok_or(AT_HEAD)?;
        let (covered, checksum) = record.split_last_chunk::<CHECKSUM>().ok_or(AT_HEAD)?;
        let end = covered.len();
        if end.checked_sub(HEAD).map(|payload| payload as u64) != Some(length) {
            return Err(RecordError::Damaged { offset: 8 });
        }
        if crc32fast::hash(covered) != u32::from_le_bytes(*checksum) {
            return Err(RecordError::Damaged { offset: end as u64 });
        }
        Ok(Self {
            record,
            offset: HEAD,
            end,
        })
    }

    fn finish(&self) -> Result<(), RecordError> {
        if self.offset == self.end {
            Ok(())
        } else {
            Err(self.damaged())
        }
    }

    fn damaged(&self) -> RecordError {
        RecordError::Damaged {
            offset: self.offset as u64,
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], RecordError> {
        let after = self
            .offset
            .checked_add(length)
            .filter(|after| *after <= self.end);
        let after = after.ok_or_else(|| self.damaged())?;
        let bytes = self
            .record
            .get(self.offset..after)
            .ok_or_else(|| self.damaged())?;
        self.offset = after;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let at = self.damaged();
        self.take(N)?.first_chunk::<N>().copied().ok_or(at)
    }

    fn u8(&mut self) -> Result<u8, RecordError> {
        self.array::<1>().map(|[octet]| octet)
    }

    fn u32(&mut self) -> Result<u32, RecordError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, RecordError> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], RecordError> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    fn text(&mut self) -> Result<&'a str, RecordError> {
        let at = self.damaged();
        std::str::from_utf8(self.bytes()?).map_err(|_| at)
    }

    fn optional_text(&mut self) -> Result<Option<&'a str>, RecordError> {
        let at = self.damaged();
        match self.u8()? {
            0 => Ok(None),
            1 => self.text().map(Some),
            _ => Err(at),
        }
    }

    fn parsed<T: std::str::FromStr>(&mut self) -> Result<T, RecordError> {
        let at = self.damaged();
        self.text()?.parse().map_err(|_| at)
    }

    fn optional_parsed<T: std::str::FromStr>(&mut self) -> Result<Option<T>, RecordError> {
        let at = self.damaged();
        self.optional_text()?
            .map(str::parse)
            .transpose()
            .map_err(|_| at)
    }

    fn time(&mut self) -> Result<SystemTime, RecordError> {
        let at = self.damaged();
        let (seconds, nanoseconds) = (self.u64()?, self.u32()?);
        if nanoseconds >= 1_000_000_000 {
            return Err(at);
        }
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::new(seconds, nanoseconds))
            .ok_or(at)
    }

    fn envelope(&mut self) -> Result<Envelope, RecordError> {
        let at = self.damaged();
        let source = match self.u8()? {
            0 => Source::Client {
                address: self.parsed::<IpAddr>()?,
                helo: self.text()?.into(),
            },
            1 => Source::Ourselves,
            _ => return Err(at),
        };
        let reverse_path = match self.u8()? {
            0 => ReversePath::Null,
            1 => ReversePath::Mailbox(self.parsed()?),
            _ => return Err(self.damaged()),
        };
        let count = self.u32()?;
        let recipients = (0..count)
            .map(|_| self.parsed::<Mailbox>())
            .collect::<Result<Vec<_>, _>>()?;
        let needs = self.u8()?;
        if needs > 3 {
            return Err(self.damaged());
        }
        Ok(Envelope {
            source,
            reverse_path,
            recipients,
            needs: Needs {
                eight_bit: needs & 1 != 0,
                smtputf8: needs & 2 != 0,
            },
            accepted: self.time()?,
        })
    }

    fn state(&mut self) -> Result<MessageState, RecordError> {
        let count = self.u32()?;
        let recipients = (0..count)
            .map(|_| self.recipient())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(MessageState {
            recipients,
            signing: self.signing()?,
            attempts: self.u32()?,
            next_attempt: self.time()?,
        })
    }

    fn recipient(&mut self) -> Result<RecipientState, RecordError> {
        let at = self.damaged();
        match self.u8()? {
            0 => Ok(RecipientState::Pending(None)),
            1 => Ok(RecipientState::Pending(Some(self.fault()?))),
            2 => Ok(RecipientState::Delivered),
            3 => Ok(RecipientState::Failed(self.fault()?)),
            4 => Ok(RecipientState::Reported),
            _ => Err(at),
        }
    }

    fn signing(&mut self) -> Result<Signing, RecordError> {
        let at = self.damaged();
        match self.u8()? {
            0 => Ok(Signing::NotNeeded),
            1 => {
                let header = self.bytes()?.to_vec();
                let count = self.u32()?;
                let keys = (0..count)
                    .map(|_| self.parsed())
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(Signing::Done { header, keys })
            }
            2 => Ok(Signing::Deferred(self.signing_fault()?)),
            3 => Ok(Signing::Refused(self.signing_fault()?)),
            _ => Err(at),
        }
    }

    fn fault(&mut self) -> Result<Fault, RecordError> {
        Ok(Fault {
            status: self.text()?.into(),
            remote: self.optional_text()?.map(Into::into),
            text: self.text()?.into(),
        })
    }

    fn signing_fault(&mut self) -> Result<SigningFault, RecordError> {
        let at = self.damaged();
        let class = match self.u8()? {
            0 => FaultClass::StoreAway,
            1 => FaultClass::NekAway,
            2 => FaultClass::KeyMissing,
            3 => FaultClass::KeyRevoked,
            4 => FaultClass::KeyUnreadable,
            5 => FaultClass::KeyTooShort,
            6 => FaultClass::CannotSign,
            _ => return Err(at),
        };
        Ok(SigningFault {
            class,
            domain: self.optional_parsed()?,
            key: self.optional_parsed()?,
        })
    }
}

#[cfg(test)]
mod tests;
