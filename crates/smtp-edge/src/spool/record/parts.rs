//! Reads a message's record in parts: what stands before the content and behind it, and not the content.

use super::read::Reader;
use super::{CHECKSUM, Front, HEAD, MESSAGE, RecordError};
use crate::spool::message::Head;

/// Reads the record of a message, `length` octets long, without its content; `read` gives so many octets from an offset on,
/// or those that there are.
///
/// The record's checksum is not compared, since that takes all of its octets: what does not parse is damaged.
///
/// # Errors
/// What `read` says; and within, [`RecordError`] with the offset where the record stops making sense.
pub(in crate::spool) fn read_head<E>(
    length: u64,
    mut read: impl FnMut(u64, usize) -> Result<Vec<u8>, E>,
) -> Result<Result<Head, RecordError>, E> {
    let mut window = FIRST_WINDOW;
    let (front, version, at) = loop {
        let octets = read(0, window)?;
        match front(&octets) {
            Ok(found) => break found,
            // A long list of recipients, or damage.
            Err(RecordError::Damaged { .. }) if (octets.len() as u64) < length => window *= 8,
            Err(other) => return Ok(Err(other)),
        }
    };
    let damaged = RecordError::Damaged { offset: at };
    let state_at = at.checked_add(front.length);
    let end = length.saturating_sub(CHECKSUM as u64);
    let Some((state_at, state_length)) = state_at
        .and_then(|at| Some((at, usize::try_from(end.checked_sub(at)?).ok()?)))
        .filter(|(_, length)| *length <= LARGEST_STATE)
    else {
        return Ok(Err(damaged));
    };
    let octets = read(state_at, state_length)?;
    let mut reader = Reader::part(&octets, version);
    let state = reader.state().and_then(|state| {
        reader.finish()?;
        Ok(state)
    });
    Ok(match state {
        Ok(state) if state.recipients.len() == front.envelope.recipients.len() => Ok(Head {
            id: front.id,
            envelope: front.envelope,
            trace: front.trace,
            size: front.length,
            state,
        }),
        Ok(_) | Err(_) => Err(RecordError::Damaged { offset: state_at }),
    })
}

/// What stands before the content, the record's version, and where the content begins.
fn front(octets: &[u8]) -> Result<(Front, u8, u64), RecordError> {
    let mut reader = Reader::unverified(octets, MESSAGE)?;
    let front = Front::read(&mut reader)?;
    Ok((front, reader.version(), reader.offset()))
}

/// Holds the front of nearly every message.
const FIRST_WINDOW: usize = 8 * 1024;
const _: () = assert!(FIRST_WINDOW > HEAD);
/// More than a thousand recipients with their faults, and all signatures, take.
const LARGEST_STATE: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::spool::message::Message;
    use crate::spool::record::encode_message;
    use crate::spool::sample;

    /// What is read of a record, and how many octets that took.
    fn read(record: &[u8]) -> (Result<Head, RecordError>, usize) {
        let mut taken = 0;
        let head = read_head(record.len() as u64, |at, length| {
            let rest = record.get(at as usize..).unwrap_or_default();
            let octets = &rest[..length.min(rest.len())];
            taken += octets.len();
            Ok::<_, Infallible>(octets.to_vec())
        });
        let Ok(head) = head;
        (head, taken)
    }

    #[test]
    fn the_head_is_read_and_the_content_is_not() {
        let small = sample::message(1);
        let large = Message {
            content: vec![b'x'; 10 << 20],
            state: sample::worked_on(),
            ..small.clone()
        };
        let mut many = large.clone();
        many.envelope.recipients = vec!["somebody@example.net".parse().unwrap(); 1000];
        many.state.recipients = vec![crate::spool::message::RecipientState::Delivered; 1000];
        for message in [small, large, many] {
            let (head, taken) = read(&encode_message(&message));
            assert_eq!(head, Ok(Head::from(message)));
            assert!(taken < 256 * 1024, "{taken}");
        }
    }

    #[test]
    fn what_is_cut_short_is_damaged() {
        let record = encode_message(&sample::message(1));
        for length in 0..record.len() {
            let (head, _) = read(&record[..length]);
            let damaged = matches!(head, Err(RecordError::Damaged { .. }));
            assert!(damaged, "cut at {length}");
        }
        let mut later = record;
        later[5] = 99;
        assert_eq!(read(&later).0, Err(RecordError::Version { version: 99 }));
    }
}
