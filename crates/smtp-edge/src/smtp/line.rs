//! Command lines out of a stream of bytes.
//!
//! A line ends at CRLF. A bare LF ends it too, but marks it as malformed, so that a client that frames its lines
//! wrongly hears so at once instead of waiting for ever, and nothing it sent is obeyed.

use zeroize::Zeroizing;

/// The longest line of an AUTH exchange with its CRLF (RFC 4954 §4.3).
pub const MAX_AUTH_LINE: usize = 12_288;

/// One line taken from the stream, without its end.
#[derive(PartialEq, Eq)]
pub enum Line {
    /// A complete command line. It may hold a password, so it is wiped when it is dropped.
    Complete(Zeroizing<Vec<u8>>),
    /// It ended in LF without CR, or held a bare CR.
    Malformed,
    /// It was longer than allowed; all of it is gone.
    TooLong,
}

/// What a line is expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expecting {
    /// A command.
    Command,
    /// A response within an AUTH exchange.
    Response,
}

/// Splits a stream into lines, remembering the part of a line that has come so far.
pub struct LineReader {
    /// `partial.len() <= max(max_line, MAX_AUTH_LINE)`
    partial: Zeroizing<Vec<u8>>,
    overlong: bool,
    /// The longest command line with its CRLF.
    max_line: usize,
}

impl LineReader {
    /// For command lines of at most `max_line` octets with their CRLF.
    #[must_use]
    pub fn new(max_line: usize) -> Self {
        Self {
            partial: Zeroizing::default(),
            overlong: false,
            max_line,
        }
    }

    /// Takes one line from the front of `input`, if its end is there. Returns how many octets were consumed.
    pub fn take(&mut self, input: &[u8], expecting: Expecting) -> (usize, Option<Line>) {
        let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
            self.keep(input, expecting);
            return (input.len(), None);
        };
        let (line, _) = input.split_at_checked(end + 1).unwrap_or((input, b""));
        self.keep(line, expecting);
        let mut line = std::mem::take(&mut self.partial);
        if std::mem::take(&mut self.overlong) {
            return (end + 1, Some(Line::TooLong));
        }
        line.pop(); // the LF
        let well_formed = line.pop() == Some(b'\r') && !line.contains(&b'\r');
        let line = if well_formed {
            Line::Complete(line)
        } else {
            Line::Malformed
        };
        (end + 1, Some(line))
    }

    fn keep(&mut self, part: &[u8], expecting: Expecting) {
        self.overlong |= self.partial.len() + part.len() > self.limit(part, expecting);
        if self.overlong {
            self.partial.clear();
        } else {
            self.partial.extend_from_slice(part);
        }
    }

    /// AUTH may bring a response along, which other commands' limit would cut.
    fn limit(&self, part: &[u8], expecting: Expecting) -> usize {
        let start = self.partial.iter().chain(part).take(AUTH.len());
        let is_auth = start.map(u8::to_ascii_uppercase).eq(AUTH.iter().copied());
        match expecting {
            Expecting::Command if !is_auth => self.max_line,
            Expecting::Command | Expecting::Response => MAX_AUTH_LINE,
        }
    }
}

const AUTH: &[u8] = b"AUTH ";

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_LINE: usize = 512;

    impl std::fmt::Debug for Line {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            match self {
                Self::Complete(line) => write!(f, "Complete({:?})", String::from_utf8_lossy(line)),
                Self::Malformed => f.write_str("Malformed"),
                Self::TooLong => f.write_str("TooLong"),
            }
        }
    }

    fn complete(text: &str) -> Line {
        Line::Complete(Zeroizing::new(text.as_bytes().to_vec()))
    }

    fn all(input: &[u8], split: usize) -> Vec<Line> {
        let mut reader = LineReader::new(MAX_LINE);
        let mut lines = Vec::new();
        let (first, second) = input.split_at(split);
        for mut part in [first, second] {
            while !part.is_empty() {
                let (used, line) = reader.take(part, Expecting::Command);
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
            assert_eq!(lines, [Line::TooLong, complete("NOOP")]);
        }
    }

    #[test]
    fn the_limit_counts_the_line_end_and_is_another_for_auth() {
        let check = |start: &str, length: usize, expecting: Expecting, fits: bool| {
            let text = format!("{start:x<width$}", width = length - 2);
            let input = format!("{text}\r\n").into_bytes();
            for split in 0..input.len() {
                let (first, second) = input.split_at(split);
                let mut reader = LineReader::new(MAX_LINE);
                reader.take(first, expecting);
                let (_, line) = reader.take(second, expecting);
                let expected = if fits { complete(&text) } else { Line::TooLong };
                assert!(
                    line == Some(expected),
                    "{start}, {length} octets, cut at {split}"
                );
            }
        };
        check("NOOP ", MAX_LINE, Expecting::Command, true);
        check("NOOP ", MAX_LINE + 1, Expecting::Command, false);
        check("auth PLAIN ", MAX_AUTH_LINE, Expecting::Command, true);
        check("auth PLAIN ", MAX_AUTH_LINE + 1, Expecting::Command, false);
        check("AUTHX", MAX_LINE + 1, Expecting::Command, false);
        check("", MAX_AUTH_LINE, Expecting::Response, true);
        check("", MAX_AUTH_LINE + 1, Expecting::Response, false);
    }
}
