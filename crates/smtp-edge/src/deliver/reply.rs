//! Reads the replies of a remote host (RFC 5321 §4.2), whatever it sends. Pure.
//!
//! The host is a stranger: its lines may be endless, binary, out of order. What comes out of here is bounded and
//! printable ASCII, so that it can stand in a log, a queue record or a report.

use std::fmt;

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    /// The three-digit code: 200 to 599.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// What the code's first digit says.
    #[must_use]
    pub fn class(&self) -> Class {
        match self.code / 100 {
            2 => Class::Done,
            3 => Class::GoOn,
            4 => Class::NotNow,
            _ => Class::Never,
        }
    }

    /// The text of each line, printable ASCII.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// The enhanced status code (RFC 3463) that the first line begins with, if it agrees with the reply's code.
    #[must_use]
    pub fn enhanced_status(&self) -> Option<&str> {
        let word = self.lines.first()?.split(' ').next()?;
        let mut parts = word.split('.');
        let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
        let number = |part: &str| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        let agrees = class == (self.code / 100).to_string();
        (parts.next().is_none() && agrees && number(subject) && number(detail)).then_some(word)
    }
}

impl fmt::Display for Reply {
    /// One line, of no more than 500 characters and a mark that more was cut off.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.code.to_string();
        for line in self.lines.iter().filter(|line| !line.is_empty()) {
            text.push(' ');
            text.push_str(line);
        }
        match text.get(..SHOWN) {
            Some(start) if start.len() < text.len() => write!(f, "{start}..."),
            _ => f.write_str(&text),
        }
    }
}

/// The first digit of a reply's code (RFC 5321 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 2yz.
    Done,
    /// 3yz.
    GoOn,
    /// 4yz.
    NotNow,
    /// 5yz.
    Never,
}

/// Collects the octets of one reply after another.
#[derive(Debug, Default)]
pub struct ReplyReader {
    line: Vec<u8>,
    lines: Vec<String>,
    octets: usize,
}

impl ReplyReader {
    /// Takes octets from the front of `input`, at most to the end of one reply; gives the reply, if it is whole, and
    /// how many octets were taken.
    ///
    /// # Errors
    /// [`ReplyError`] when this is no SMTP reply; nothing more can be read from that host.
    pub fn read(&mut self, input: &[u8]) -> Result<(Option<Reply>, usize), ReplyError> {
        for (place, byte) in input.iter().enumerate() {
            self.octets += 1;
            if self.octets > LONGEST_REPLY {
                return Err(ReplyError::TooLong);
            }
            if *byte != b'\n' {
                if self.line.len() < LONGEST_LINE {
                    self.line.push(*byte);
                }
                continue;
            }
            if let Some(code) = self.end_line()? {
                let lines = std::mem::take(&mut self.lines);
                self.octets = 0;
                return Ok((Some(Reply { code, lines }), place + 1));
            }
        }
        Ok((None, input.len()))
    }

    /// Takes in the line that has ended; gives the code when it was the reply's last.
    fn end_line(&mut self) -> Result<Option<u16>, ReplyError> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let (digits, rest) = line.split_first_chunk::<3>().ok_or(ReplyError::NotSmtp)?;
        let code = match digits {
            [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] => digits
                .iter()
                .fold(0, |code, digit| code * 10 + u16::from(digit - b'0')),
            _ => return Err(ReplyError::NotSmtp),
        };
        let (last, text) = match rest {
            [] => (true, rest),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(ReplyError::NotSmtp),
        };
        self.lines.push(printable(text));
        Ok(last.then_some(code))
    }
}

/// Why what a host sent cannot be read as a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// A line does not begin with a code.
    #[error("the host does not speak SMTP")]
    NotSmtp,
    /// The reply does not end.
    #[error("the host's reply is longer than {LONGEST_REPLY} octets")]
    TooLong,
}

/// The text with every octet that is not printable ASCII shown as `?`.
fn printable(text: &[u8]) -> String {
    text.iter()
        .map(|byte| {
            if matches!(byte, b' '..=b'~') {
                char::from(*byte)
            } else {
                '?'
            }
        })
        .collect()
}

/// Octets of a line that are kept; RFC 5321 §4.5.3.1.5 allows 512.
const LONGEST_LINE: usize = 2048;
/// Octets of a reply, all lines together.
const LONGEST_REPLY: usize = 64 * 1024;
/// Characters of a reply that logs, records and reports show.
const SHOWN: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(input: &[u8]) -> Result<Vec<Reply>, ReplyError> {
        let mut reader = ReplyReader::default();
        let (mut rest, mut replies) = (input, Vec::new());
        while !rest.is_empty() {
            let (reply, taken) = reader.read(rest)?;
            replies.extend(reply);
            rest = &rest[taken..];
        }
        Ok(replies)
    }

    #[test]
    fn replies_read_as_one_line() {
        let check = |input: &[u8], expected: &[&str], reason: &str| {
            let shown: Vec<String> = read_all(input)
                .unwrap()
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(shown, expected, "{reason}");
        };
        check(b"220 mx ready\r\n", &["220 mx ready"], "one line");
        check(
            b"250-one\r\n250-two\r\n250 three\r\n",
            &["250 one two three"],
            "several lines",
        );
        check(b"250\r\n", &["250"], "no text");
        check(
            b"250 ok\n",
            &["250 ok"],
            "a bare LF ends a line, as careless hosts send it",
        );
        check(
            b"250 a\r\n550 b\r\n",
            &["250 a", "550 b"],
            "two replies in one read",
        );
        check(
            b"250-a\r\n550 b\r\n",
            &["550 a b"],
            "codes that differ: the last counts",
        );
        check(b"550 a\0b\x1b[31m\xff\r\n", &["550 a?b?[31m?"], "binary");
        check(
            b"550 a\rb\r\n",
            &["550 a?b"],
            "a bare CR is not a line's end",
        );
        check(b"250 unfinished", &[], "no end yet");
        let long = [b"550 ".as_slice(), &[b'x'; 5000], b"\r\n250 next\r\n"].concat();
        let shown = format!("550 {}...", "x".repeat(496));
        check(
            &long,
            &[&shown, "250 next"],
            "an overlong line is cut and the next reply still found",
        );
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let check = |input: &[u8], expected: ReplyError| {
            assert_eq!(read_all(input), Err(expected), "{input:.40?}");
        };
        check(b"HTTP/1.1 400 Bad Request\r\n", ReplyError::NotSmtp);
        check(b"\r\n", ReplyError::NotSmtp);
        check(b"25\r\n", ReplyError::NotSmtp);
        check(b"250_ok\r\n", ReplyError::NotSmtp);
        check(b"150 ok\r\n", ReplyError::NotSmtp);
        check(b"650 ok\r\n", ReplyError::NotSmtp);
        check("٢٥٠ ok\r\n".as_bytes(), ReplyError::NotSmtp);
        check(&[b'2'; 70_000], ReplyError::TooLong);
        check(&b"250-more\r\n".repeat(7000), ReplyError::TooLong);
    }

    #[test]
    fn replies_are_the_same_wherever_the_input_is_split() {
        let input = b"250-first\r\n250 second\r\n354 go\r\n";
        let whole = read_all(input).unwrap();
        for split in 0..input.len() {
            let mut reader = ReplyReader::default();
            let mut replies = Vec::new();
            for mut part in [&input[..split], &input[split..]] {
                while !part.is_empty() {
                    let (reply, taken) = reader.read(part).unwrap();
                    replies.extend(reply);
                    part = &part[taken..];
                }
            }
            assert_eq!(replies, whole, "split at {split}");
        }
    }

    #[test]
    fn an_enhanced_status_is_believed_when_it_agrees_with_the_code() {
        let check = |line: &str, expected: Option<&str>| {
            let reply = read_all(format!("{line}\r\n").as_bytes())
                .unwrap()
                .remove(0);
            assert_eq!(reply.enhanced_status(), expected, "{line}");
        };
        check("550 5.1.1 no such user", Some("5.1.1"));
        check("550 5.7.510 blocked", Some("5.7.510"));
        check("250 2.0.0", Some("2.0.0"));
        check("550 4.1.1 which is it", None);
        check("550 5.1.1234 too long", None);
        check("550 5.1", None);
        check("550 5.1.1.1 an address", None);
        check("550 5..1 empty", None);
        check("550 no such user", None);
        check("550", None);
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_printable_and_bounded(input in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let input = [b"550-".as_slice(), &input, b"\r\n550 end\r\n"].concat();
            for reply in read_all(&input).unwrap_or_default() {
                let shown = reply.to_string();
                proptest::prop_assert!(shown.len() <= SHOWN + 3, "{}", shown);
                proptest::prop_assert!(shown.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", shown);
            }
        }
    }
}
