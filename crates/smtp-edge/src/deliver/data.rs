//! The octets of a copy as DATA sends them: parts joined, dots stuffed (RFC 5321 §4.5.2), ended by the final dot.

/// Stuffs one part after another. A dot that begins a line is doubled, also the one that begins the whole.
#[derive(Debug)]
pub struct Stuffer {
    /// How much of the line end before the next octet has been seen.
    seen: Seen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Text,
    Cr,
    LineEnd,
}

impl Default for Stuffer {
    fn default() -> Self {
        Self {
            seen: Seen::LineEnd,
        }
    }
}

impl Stuffer {
    /// Appends `part`, stuffed, to `out`.
    pub fn stuff(&mut self, part: &[u8], out: &mut Vec<u8>) {
        for byte in part {
            if self.seen == Seen::LineEnd && *byte == b'.' {
                out.push(b'.');
            }
            out.push(*byte);
            self.seen = match (byte, self.seen) {
                (b'\r', _) => Seen::Cr,
                (b'\n', Seen::Cr) => Seen::LineEnd,
                _ => Seen::Text,
            };
        }
    }

    /// Appends the end of the last line, if the message lacks it, and the final dot.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.seen != Seen::LineEnd {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(parts: &[&[u8]]) -> Vec<u8> {
        let (mut stuffer, mut out) = (Stuffer::default(), Vec::new());
        for part in parts {
            stuffer.stuff(part, &mut out);
        }
        stuffer.finish(&mut out);
        out
    }

    #[test]
    fn dots_that_begin_a_line_are_doubled() {
        let check = |input: &str, expected: &str| {
            assert_eq!(
                stuffed(&[input.as_bytes()]),
                expected.as_bytes(),
                "{input:?}"
            );
        };
        check("", ".\r\n");
        check("a\r\n", "a\r\n.\r\n");
        check("a", "a\r\n.\r\n");
        check(".a\r\n", "..a\r\n.\r\n"); // the message begins with a dot
        check(".\r\n", "..\r\n.\r\n");
        check("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n");
        check("a\r\n..\r\n", "a\r\n...\r\n.\r\n");
        check("a.b\r\n", "a.b\r\n.\r\n");
        check("a\n.b\r\n", "a\n.b\r\n.\r\n"); // not a line's beginning: LF alone ends none
        check("a\r.b\r\n", "a\r.b\r\n.\r\n");
        check("a\r\r\n.b", "a\r\r\n..b\r\n.\r\n");
        check("a\r", "a\r\r\n.\r\n");
    }

    #[test]
    fn parts_may_be_cut_anywhere() {
        let whole = b".a\r\n.b\r\n..\r\nc\r\n";
        let expected = stuffed(&[whole]);
        for cut in 0..whole.len() {
            assert_eq!(
                stuffed(&[&whole[..cut], &whole[cut..]]),
                expected,
                "cut at {cut}"
            );
        }
    }
}
