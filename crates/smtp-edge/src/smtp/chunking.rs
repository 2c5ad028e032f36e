//! A message in chunks (RFC 3030): octets that are counted, with no dots to unstuff and no line that ends them.
//!
//! What is read is left as it came, and noted as [`crate::smtp::data`] notes it, so that a message is treated the same by
//! whichever command it came. A CR and an LF on both sides of a chunk's border are a line end like any other.

use super::data::{DataNotes, LONGEST_LINE};

/// What BDAT announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// The octets that follow the command.
    pub size: u64,
    /// Whether the message ends with them.
    pub position: Position,
}

/// Where a chunk stands in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Others follow it.
    Inner,
    /// It is the last: `LAST`.
    Last,
}

/// Reads the chunks of one message. The parts of its input may be cut anywhere.
#[derive(Debug)]
pub struct ChunkReader {
    content: Vec<u8>,
    notes: DataNotes,
    /// Whether the last octet was CR.
    cr: bool,
    /// Octets of the line that is being read, without that CR.
    line: usize,
    /// `content.len() + left <= limit`
    limit: usize,
    left: usize,
    position: Position,
}

/// The chunk does not fit into the largest message.
#[derive(Debug, PartialEq, Eq)]
pub struct TooBig;

impl ChunkReader {
    /// For a message of at most `limit` octets.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            content: Vec::new(),
            notes: DataNotes::default(),
            cr: false,
            line: 0,
            limit,
            left: 0,
            position: Position::Inner,
        }
    }

    /// Begins the next chunk; the one before is complete.
    ///
    /// # Errors
    /// [`TooBig`]; no octet of it may be taken then.
    pub fn begin(&mut self, chunk: Chunk) -> Result<(), TooBig> {
        let room = self.limit - self.content.len();
        self.left = usize::try_from(chunk.size)
            .ok()
            .filter(|size| *size <= room)
            .ok_or(TooBig)?;
        self.position = chunk.position;
        Ok(())
    }

    /// Takes octets of the chunk from the front of `input`, and returns how many.
    pub fn take(&mut self, input: &[u8]) -> usize {
        let used = self.left.min(input.len());
        let octets = input.get(..used).unwrap_or_default();
        for octet in octets {
            self.notes.bare_cr_or_lf |= self.cr != (*octet == b'\n');
            if self.cr && *octet == b'\n' {
                self.line = 0;
            } else {
                self.lengthen(usize::from(self.cr) + usize::from(*octet != b'\r'));
            }
            self.cr = *octet == b'\r';
        }
        self.notes.nul |= octets.contains(&0);
        self.notes.eight_bit |= !octets.is_ascii();
        self.content.extend_from_slice(octets);
        self.left -= used;
        used
    }

    /// Where the chunk stands, once all its octets have come.
    #[must_use]
    pub fn complete(&self) -> Option<Position> {
        (self.left == 0).then_some(self.position)
    }

    /// How many octets of the chunk are still to come.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left as u64
    }

    /// How many octets there are so far.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.content.len()
    }

    /// The message, after its last chunk.
    #[must_use]
    pub fn finish(mut self) -> (Vec<u8>, DataNotes) {
        self.notes.bare_cr_or_lf |= self.cr;
        self.lengthen(usize::from(self.cr));
        (self.content, self.notes)
    }

    fn lengthen(&mut self, octets: usize) {
        self.line += octets;
        self.notes.long_line |= self.line > LONGEST_LINE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the chunks one after the other, cut at every octet; the content must be the chunks joined.
    fn check(chunks: &[&[u8]], expected: DataNotes) {
        let longest = chunks.iter().map(|chunk| chunk.len()).max().unwrap_or(0);
        for cut in 0..=longest {
            let mut reader = ChunkReader::new(2000);
            for (number, chunk) in chunks.iter().enumerate() {
                let last = number + 1 == chunks.len();
                let position = if last {
                    Position::Last
                } else {
                    Position::Inner
                };
                let size = chunk.len() as u64;
                reader.begin(Chunk { size, position }).unwrap();
                let (first, second) = chunk.split_at(cut.min(chunk.len()));
                assert_eq!(reader.take(first), first.len());
                let behind = [second, b"QUIT\r\n"].concat();
                assert_eq!(reader.take(&behind), second.len());
                assert_eq!(reader.complete(), Some(position));
            }
            let (content, notes) = reader.finish();
            assert_eq!(content, chunks.concat());
            assert_eq!(notes, expected, "{chunks:?} cut at {cut}");
        }
    }

    #[test]
    fn octets_are_kept_as_they_come_and_noted() {
        let clean = DataNotes::default();
        check(&[b"a\r\n"], clean);
        check(&[b"a\r\n", b""], clean);
        check(&[b""], clean);
        check(&[b"a\r\n.\r\n..\r\n", b".\r\n"], clean); // dots are text
        check(&[b"a\r", b"\nb\r\n"], clean); // a line end across a border
        let (longest, tail) = ([b'a'; LONGEST_LINE], b"a\r\n".as_slice());
        check(&[&longest[1..], tail], clean);
        let long_line = true;
        check(&[&longest, tail], DataNotes { long_line, ..clean });
        let bare = DataNotes {
            bare_cr_or_lf: true,
            ..clean
        };
        check(&[b"a\nb\r\n"], bare);
        check(&[b"a\rb\r\n"], bare);
        check(&[b"a\r\r\n"], bare);
        check(&[b"a\r\n\n"], bare);
        check(&[b"a\r", b"b\r\n"], bare);
        check(&[b"a", b"\nb\r\n"], bare);
        check(&[b"a\r"], bare); // nothing follows it
        check(&[b"a\r", b""], bare);
        let nul = DataNotes { nul: true, ..clean };
        check(&[b"a\0"], nul);
        let long_line = DataNotes {
            long_line: true,
            ..clean
        };
        let line = [b'x'; 998];
        check(&[&line, b"\r\n"], clean);
        check(&[b"a\r\n", &line], clean); // the line end will be added
        check(&[b"x", &line], long_line);
        let both = DataNotes {
            bare_cr_or_lf: true,
            ..long_line
        };
        check(&[&line, b"\r"], both); // a space, once it is mended
        check(&[&line[..900], b"\r", &line[..98]], both);
        let eight_bit = DataNotes {
            eight_bit: true,
            ..clean
        };
        check(&[&[0xc3], &[0xa9]], eight_bit);
    }

    #[test]
    fn a_chunk_that_does_not_fit_is_not_begun() {
        let check = |sizes: &[u64], expected: Result<(), TooBig>| {
            let mut reader = ChunkReader::new(10);
            let mut last = Ok(());
            for size in sizes {
                let position = Position::Inner;
                last = reader.begin(Chunk {
                    size: *size,
                    position,
                });
                if last.is_ok() {
                    reader.take(&[b'x'; 20]);
                }
            }
            assert_eq!(last, expected, "{sizes:?}");
        };
        check(&[10], Ok(()));
        check(&[4, 6, 0], Ok(()));
        check(&[11], Err(TooBig));
        check(&[10, 1], Err(TooBig));
        check(&[u64::MAX], Err(TooBig));
    }
}
