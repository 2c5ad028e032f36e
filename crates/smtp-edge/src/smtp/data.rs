//! The octets between `354` and the final dot (RFC 5321 §4.5.2).
//!
//! The message ends at CRLF.CRLF and at nothing else, for every client. A dot is unstuffed only where it follows a CRLF
//! (or starts the data). What is read here is otherwise left as it came; bare CR, bare LF, NUL, octets over 127 and long
//! lines are noted, and [`crate::intake::normalize`] mends or refuses them.

/// What was noticed while a message was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DataNotes {
    /// It holds LF without a CR before it, or CR without an LF behind it.
    pub bare_cr_or_lf: bool,
    /// It holds NUL.
    pub nul: bool,
    /// It holds octets over 127.
    pub eight_bit: bool,
    /// It may hold lines over [`LONGEST_LINE`]; bare LF counts as a line end only after it has been mended.
    pub long_line: bool,
}

/// Why a message was read to its end, and not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// It was longer than the limit.
    TooBig,
    /// There was no memory for it.
    Shortage,
}

impl DataNotes {
    /// What would be noticed in a message that nobody has to read from a connection.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        let ends = content.windows(2).filter(|pair| pair == b"\r\n").count();
        let halves = content
            .iter()
            .filter(|octet| matches!(octet, b'\r' | b'\n'));
        Self {
            bare_cr_or_lf: halves.count() != 2 * ends,
            nul: content.contains(&0),
            eight_bit: !content.is_ascii(),
            long_line: has_long_line(content),
        }
    }
}

/// Octets that a line may have without its CRLF (RFC 5322 §2.1.1).
pub const LONGEST_LINE: usize = 998;

/// Whether a line has more octets than [`LONGEST_LINE`].
#[must_use]
pub fn has_long_line(text: &[u8]) -> bool {
    text.split(|octet| *octet == b'\n')
        .any(|line| line.strip_suffix(b"\r").unwrap_or(line).len() > LONGEST_LINE)
}

/// Reads the data of one message. The parts of its input may be cut anywhere.
#[derive(Debug)]
pub struct DataReader {
    state: State,
    content: Vec<u8>,
    notes: DataNotes,
    /// Octets of the line that is being read, kept or not.
    line: usize,
    /// `content.len() <= limit`
    limit: usize,
    loss: Option<Loss>,
    discarded: u64,
}

/// What the octets before the next one were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// CRLF, or nothing yet.
    LineStart,
    /// CRLF and a dot, which has not been kept.
    Dot,
    /// CRLF, a dot and CR; neither has been kept.
    DotCr,
    /// Something within a line.
    Text,
    /// CR, which has not been kept.
    Cr,
}

impl DataReader {
    /// For a message of at most `limit` octets.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            state: State::LineStart,
            content: Vec::new(),
            notes: DataNotes::default(),
            line: 0,
            limit,
            loss: None,
            discarded: 0,
        }
    }

    /// Takes octets from the front of `input`. Returns how many were consumed, and whether the message has ended with
    /// them; what follows is the next command.
    pub fn take(&mut self, input: &[u8]) -> (usize, bool) {
        let mut rest = input;
        while let Some((byte, after)) = rest.split_first() {
            match (self.state, byte) {
                (State::DotCr, b'\n') => return (input.len() - after.len(), true),
                (State::LineStart, b'.') => self.state = State::Dot,
                (State::Dot, b'\r') => self.state = State::DotCr,
                (State::DotCr, _) => {
                    // A CR that no LF follows, after a dot that was only stuffing.
                    self.bare_cr();
                    self.state = State::Text;
                    continue;
                }
                (State::Cr, b'\n') => {
                    self.keep(b"\r\n");
                    self.line = 0;
                    self.state = State::LineStart;
                }
                (State::Cr, b'\r') => self.bare_cr(),
                (State::Cr, _) => {
                    self.bare_cr();
                    self.state = State::Text;
                    continue;
                }
                (State::LineStart | State::Text, b'\r') => self.state = State::Cr,
                (State::LineStart | State::Dot | State::Text, _) => {
                    let text = rest
                        .iter()
                        .position(|byte| *byte == b'\r')
                        .unwrap_or(rest.len());
                    let (text, after) = rest.split_at(text);
                    self.keep_text(text);
                    self.state = State::Text;
                    rest = after;
                    continue;
                }
            }
            rest = after;
        }
        (input.len(), false)
    }

    /// How many octets there are so far.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.content.len()
    }

    /// How many octets were thrown away since this was asked last.
    pub fn take_discarded(&mut self) -> u64 {
        std::mem::take(&mut self.discarded)
    }

    /// Keeps nothing of the message: what has come, and what is to come.
    pub fn lose(&mut self, loss: Loss) {
        self.loss = self.loss.or(Some(loss));
        self.content = Vec::new();
    }

    /// Why nothing of the message is kept, when that is so.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        self.loss
    }

    /// The message, after its end.
    #[must_use]
    pub fn finish(self) -> (Vec<u8>, DataNotes) {
        (self.content, self.notes)
    }

    fn bare_cr(&mut self) {
        self.notes.bare_cr_or_lf = true;
        self.lengthen(1);
        self.keep(b"\r");
    }

    /// `text` holds no CR.
    fn keep_text(&mut self, text: &[u8]) {
        self.notes.bare_cr_or_lf |= text.contains(&b'\n');
        self.notes.nul |= text.contains(&0);
        self.notes.eight_bit |= !text.is_ascii();
        self.lengthen(text.len());
        self.keep(text);
    }

    fn lengthen(&mut self, octets: usize) {
        self.line += octets;
        self.notes.long_line |= self.line > LONGEST_LINE;
    }

    fn keep(&mut self, octets: &[u8]) {
        if self.loss.is_some() {
            self.discarded += octets.len() as u64;
            return;
        }
        // Read on past the limit: the end must be found, or the rest of the message would be taken for commands.
        let over = (self.content.len() + octets.len()).saturating_sub(self.limit);
        if over > 0 {
            self.lose(Loss::TooBig);
            self.discarded += over as u64;
        } else {
            self.content.extend_from_slice(octets);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What other servers have taken for an end of the data.
    pub(in crate::smtp) const MARKS: [&[u8]; 10] = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\r\n.\r\r\n",
        b"\r\r\n.\r\r\n",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
    ];

    /// Reads `input` cut in three at `first` and `second`; the content and what was left over, if the end was seen.
    fn read(input: &[u8], first: usize, second: usize) -> Option<(Vec<u8>, DataNotes, Vec<u8>)> {
        let mut reader = DataReader::new(1000);
        let mut consumed = 0;
        for end in [first, second, input.len()] {
            let (used, ended) = reader.take(&input[consumed..end]);
            consumed += used;
            if ended {
                let (content, notes) = reader.finish();
                return Some((content, notes, input[consumed..].to_vec()));
            }
        }
        None
    }

    fn check(input: &[u8], content: &[u8], left: &[u8]) -> DataNotes {
        let mut seen = DataNotes::default();
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let (got, notes, rest) = read(input, first, second).expect("the end is there");
                assert_eq!(
                    String::from_utf8_lossy(&got),
                    String::from_utf8_lossy(content)
                );
                assert_eq!(rest, left);
                seen = notes;
            }
        }
        seen
    }

    #[test]
    fn dots_are_unstuffed_and_the_final_one_ends_the_message() {
        let clean = DataNotes::default();
        assert_eq!(check(b"a\r\n.\r\nQUIT\r\n", b"a\r\n", b"QUIT\r\n"), clean);
        assert_eq!(check(b".\r\n", b"", b""), clean); // empty
        assert_eq!(check(b"..\r\n.\r\n", b".\r\n", b""), clean);
        assert_eq!(check(b"..a\r\n...b\r\n.\r\n", b".a\r\n..b\r\n", b""), clean);
        assert_eq!(check(b".a\r\n.\r\n", b"a\r\n", b""), clean); // a client that stuffs nothing
        assert_eq!(check(b"a.\r\n.\r\n", b"a.\r\n", b""), clean);
    }

    #[test]
    fn smuggling_sequences_never_end_the_message() {
        for mark in MARKS {
            let mut input = b"a".to_vec();
            input.extend_from_slice(mark);
            input.extend_from_slice(b"MAIL FROM:<x@example.com>\r\n.\r\nQUIT\r\n");
            for first in 0..=input.len() {
                for second in first..=input.len() {
                    let (content, notes, left) =
                        read(&input, first, second).expect("the true end is there");
                    assert_eq!(left, b"QUIT\r\n", "{mark:?}");
                    let text = String::from_utf8_lossy(&content);
                    assert!(text.contains("MAIL FROM"), "{mark:?}");
                    assert!(notes.bare_cr_or_lf || notes.nul, "{mark:?}");
                }
            }
        }
    }

    #[test]
    fn what_matters_later_is_noted() {
        assert!(check("\u{e9}\r\n.\r\n".as_bytes(), "\u{e9}\r\n".as_bytes(), b"").eight_bit);
        assert!(check(b"a\0\r\n.\r\n", b"a\0\r\n", b"").nul);
        assert!(check(b"a\nb\r\n.\r\n", b"a\nb\r\n", b"").bare_cr_or_lf);
        assert!(check(b"a\rb\r\n.\r\n", b"a\rb\r\n", b"").bare_cr_or_lf);
        assert!(check(b"a\r\r\n.\r\n", b"a\r\r\n", b"").bare_cr_or_lf);
    }

    #[test]
    fn long_lines_are_noted_however_the_input_is_cut() {
        let noted = |line: usize, cut: usize| {
            let line = "a".repeat(line);
            let mut reader = DataReader::new(10_000);
            for part in format!("b\r\n..{line}\r\n{line}\r\n.\r\n")
                .as_bytes()
                .chunks(cut)
            {
                reader.take(part);
            }
            let (content, notes) = reader.finish();
            assert_eq!(notes, DataNotes::of(&content));
            notes.long_line
        };
        for cut in [1, 2, 3, 500, 999, 5000] {
            assert!(!noted(997, cut)); // and the dot that was unstuffed
            assert!(noted(998, cut));
            assert!(noted(999, cut));
        }
    }

    #[test]
    fn a_message_of_our_own_is_looked_at_in_the_same_way() {
        let check = |content: &[u8], expected: DataNotes| {
            assert_eq!(DataNotes::of(content), expected, "{content:?}");
        };
        let clean = DataNotes::default();
        check(b"", clean);
        check(b"a\r\n\r\nb\r\n", clean);
        let bare = DataNotes {
            bare_cr_or_lf: true,
            ..clean
        };
        for content in [&b"a\nb\r\n"[..], b"a\rb\r\n", b"a\r\r\n", b"\n", b"\r"] {
            check(content, bare);
        }
        check(b"\0", DataNotes { nul: true, ..clean });
        check(
            b"\xff",
            DataNotes {
                eight_bit: true,
                ..clean
            },
        );
    }

    #[test]
    fn a_message_over_the_limit_is_read_to_its_end_and_not_kept() {
        let mut reader = DataReader::new(8);
        let (used, ended) = reader.take(b"0123456789\r\n.\r\nQUIT");
        assert!(ended);
        assert_eq!(used, 15);
        assert_eq!((reader.octets(), reader.take_discarded()), (0, 4)); // what is over the limit
        assert_eq!(reader.take_discarded(), 0);
        assert_eq!(reader.loss(), Some(Loss::TooBig));
        assert!(reader.finish().0.is_empty());
    }
}
