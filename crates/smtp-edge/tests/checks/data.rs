//! The data behind DATA, in any pieces: they end at CRLF.CRLF and nowhere else, a dot is unstuffed at the start of a line
//! alone, and nothing behind the end is taken.
//!
//! The first four octets of the input are the lengths of the pieces, in turn; the rest is the stream.

use smtp_edge::smtp::data::{DataNotes, DataReader, Loss};

#[path = "../rfc5321/content.rs"]
mod content;
#[path = "../rfc5321/data.rs"]
mod rfc5321;

pub(crate) fn check(input: &[u8]) {
    let (lengths, stream) = input.split_at(input.len().min(4));
    let end = rfc5321::end(stream);
    let whole = read(stream, &[], NO_LIMIT);
    assert_eq!(
        (whole.ended, whole.used),
        (end.is_some(), end.unwrap_or(stream.len()))
    );
    assert_eq!(
        read(stream, lengths, NO_LIMIT),
        whole,
        "in pieces of {lengths:?}"
    );
    let Some(end) = end else {
        return;
    };
    let message = rfc5321::unstuffed(stream.get(..end).unwrap_or_default());
    assert_eq!(whole.content, message);
    assert_eq!(whole.notes, content::notes(&message));
    check_notes(&message, whole.notes);
    check_limit(stream, lengths, &whole);
}

/// A message of our own is looked at by other code, which takes a bare LF for a line end.
fn check_notes(message: &[u8], notes: DataNotes) {
    let again = DataNotes::of(message);
    let long_line = again.long_line || (notes.long_line && notes.bare_cr_or_lf);
    assert_eq!(DataNotes { long_line, ..again }, notes);
}

/// A limit changes what is kept, and not where the message ends.
fn check_limit(stream: &[u8], lengths: &[u8], whole: &Read) {
    let size = whole.content.len();
    for limit in [0, size / 2, size.saturating_sub(1), size] {
        let within = read(stream, lengths, limit);
        assert_eq!((within.ended, within.used), (whole.ended, whole.used));
        if size > limit {
            assert_eq!(
                (within.loss, within.content),
                (Some(Loss::TooBig), Vec::new())
            );
            assert_eq!(within.discarded, (size - limit) as u64);
        } else {
            assert_eq!(&within, whole);
        }
    }
}

/// What comes of reading a stream.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    used: usize,
    ended: bool,
    content: Vec<u8>,
    notes: DataNotes,
    loss: Option<Loss>,
    discarded: u64,
}

/// Reads the stream in pieces of 0 to 15 octets; in one piece when no lengths are given.
fn read(stream: &[u8], lengths: &[u8], limit: usize) -> Read {
    let mut reader = DataReader::new(limit);
    let mut lengths = lengths.iter().map(|octet| usize::from(octet & 15)).cycle();
    let (mut used, mut ended, mut rest, mut discarded) = (0, false, stream, 0);
    while !ended && !rest.is_empty() {
        let length = lengths.next().unwrap_or(rest.len());
        // All lengths may be 0: one octet more goes on in any case.
        for length in [length, 1] {
            let (piece, _) = rest.split_at(length.min(rest.len()));
            let (taken, last) = reader.take(piece);
            assert!(last || taken == piece.len(), "all is taken until the end");
            assert!(reader.octets() <= limit);
            discarded += reader.take_discarded();
            used += taken;
            ended = last;
            rest = stream.get(used..).unwrap_or_default();
            if ended {
                break;
            }
        }
    }
    let loss = reader.loss();
    let (content, notes) = reader.finish();
    Read {
        used,
        ended,
        content,
        notes,
        loss,
        discarded,
    }
}

const NO_LIMIT: usize = usize::MAX;
