//! A message in chunks, each in any pieces: it is the octets of the chunks that fit, one after the other, and nothing behind
//! a chunk is taken.
//!
//! The first octet of the input is the root of the limit, the second the length of the pieces. Then come the chunks: an
//! octet that says how long one is and whether it is the last, and its octets.

use smtp_edge::smtp::chunking::{Chunk, ChunkReader, Position, TooBig};

#[path = "../rfc5321/content.rs"]
mod judge;

pub(crate) fn check(input: &[u8]) {
    let (head, mut rest) = input.split_at(input.len().min(2));
    let head = |at: usize| head.get(at).copied().map_or(0, usize::from);
    let (limit, piece) = (head(0).pow(2), head(1).max(1));
    let mut reader = ChunkReader::new(limit);
    let mut content = Vec::new();
    while let Some((size, octets)) = rest.split_first() {
        // The squares of 0 to 127, so that lines may become long.
        let position = if size & 128 == 0 {
            Position::Inner
        } else {
            Position::Last
        };
        let size = usize::from(size & 127).pow(2).min(octets.len());
        let (chunk, behind) = octets.split_at(size);
        let begun = reader.begin(Chunk {
            size: size as u64,
            position,
        });
        assert_eq!(begun.is_ok(), content.len() + size <= limit);
        rest = behind;
        if begun.is_ok() {
            take(&mut reader, chunk, behind, piece);
            assert_eq!(reader.complete(), Some(position));
            content.extend_from_slice(chunk);
        }
    }
    for size in [limit as u64 + 1, u64::MAX] {
        let position = Position::Last;
        assert_eq!(reader.begin(Chunk { size, position }), Err(TooBig));
    }
    assert_eq!(reader.octets(), content.len());
    let (kept, notes) = reader.finish();
    assert_eq!(kept, content);
    assert_eq!(notes, judge::notes(&content));
}

/// Hands over the chunk in pieces, the last of them with all that stands behind it.
fn take(reader: &mut ChunkReader, chunk: &[u8], behind: &[u8], piece: usize) {
    let mut left = chunk;
    while left.len() > piece {
        let (first, rest) = left.split_at(piece);
        assert_eq!((reader.take(first), reader.complete()), (piece, None));
        assert_eq!(reader.left(), rest.len() as u64);
        left = rest;
    }
    assert_eq!(reader.take(&[left, behind].concat()), left.len());
    assert_eq!(reader.take(behind), 0, "the chunk is complete");
}
