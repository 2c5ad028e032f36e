//! Command lines out of a stream of bytes.
//!
//! A line ends at CRLF. A bare LF ends it too, but marks it as malformed, so that a client that frames its lines
//! wrongly hears so at once instead of waiting for ever, and nothing it sent is obeyed.

/// The longest command line with its CRLF. RFC 5321 §4.5.3.1.4 asks for 512; SMTPUTF8 and other extensions add to it.
pub const MAX_LINE: usize = 2048;

/// One line taken from the stream, without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A complete command line.
    Complete(Vec<u8>),
    /// It ended in LF without CR, or held a bare CR.
    Malformed,
    /// It was longer than [`MAX_LINE`]; all of it is gone.
    TooLong,
}

/// Splits a stream into lines, remembering the part of a line that has come so far.
#[derive(Debug, Default)]
pub struct LineReader {
    /// `partial.len() <= MAX_LINE`
    partial: Vec<u8>,
    overlong: bool,
}

impl LineReader {
    /// Takes one line from the front of `input`, if its end is there. Returns how many octets were consumed.
    pub fn take(&mut self, input: &[u8]) -> (usize, Option<Line>) {
        let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
            self.keep(input);
            return (input.len(), None);
        };
        let (line, _) = input.split_at(end);
        self.keep(line);
        let mut line = std::mem::take(&mut self.partial);
        if std::mem::take(&mut self.overlong) {
            return (end + 1, Some(Line::TooLong));
        }
        let well_formed = line.pop() == Some(b'\r') && !line.contains(&b'\r');
        let line = if well_formed {
            Line::Complete(line)
        } else {
            Line::Malformed
        };
        (end + 1, Some(line))
    }

    fn keep(&mut self, part: &[u8]) {
        if self.partial.len() + part.len() > MAX_LINE {
            self.overlong = true;
        }
        if !self.overlong {
            self.partial.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8], split: usize) -> Vec<Line> {
        let mut reader = LineReader::default();
        let mut lines = Vec::new();
        let (first, second) = input.split_at(split);
        for mut part in [first, second] {
            while !part.is_empty() {
                let (used, line) = reader.take(part);
                lines.extend(line);
                part = &part[used..];
            }
        }
        lines
    }

    #[test]
    fn lines_are_the_same_wherever_the_stream_is_cut() {
        let check = |input: &[u8], expected: &[Line]| {
            for split in 0..=input.len() {
                assert_eq!(all(input, split), expected, "{input:?} cut at {split}");
            }
        };
        let complete = |text: &str| Line::Complete(text.as_bytes().to_vec());
        check(b"NOOP\r\nQUIT\r\n", &[complete("NOOP"), complete("QUIT")]);
        check(b"\r\n", &[complete("")]);
        check(b"NOOP\nQUIT\r\n", &[Line::Malformed, complete("QUIT")]); // bare LF
        check(b"NO\rOP\r\n", &[Line::Malformed]); // bare CR
        check(b"NOOP\r\r\n", &[Line::Malformed]);
        check(b"\n", &[Line::Malformed]);
        check(b"NOOP\r", &[]); // the LF may still come
    }

    #[test]
    fn an_overlong_line_is_swallowed_whole_and_the_next_one_is_read() {
        let mut input = vec![b'x'; MAX_LINE * 3];
        input.extend_from_slice(b"\r\nNOOP\r\n");
        for split in [0, 1, MAX_LINE, MAX_LINE + 1, input.len() - 7] {
            let lines = all(&input, split);
            assert_eq!(lines, [Line::TooLong, Line::Complete(b"NOOP".to_vec())]);
        }
    }
}
