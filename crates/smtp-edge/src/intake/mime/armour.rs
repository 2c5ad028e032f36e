//! The two encodings that carry any octets in short lines of ASCII (RFC 2045 §6.7 and §6.8).

use std::io::{self, Write as _};

use encodify::{base64, qp};

use super::transfer_encoding::TransferEncoding;

/// An encoding to put content in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Armour {
    /// Text stays legible, and a line end stays a line end.
    QuotedPrintable,
    /// A third longer, whatever it holds.
    Base64,
}

impl Armour {
    /// The shorter one for text; quoted-printable when they are equal.
    pub(super) fn for_text(content: &[u8]) -> Self {
        let base64 = Self::Base64.length(content);
        // A bare LF, which a part may hold that came encoded, would not survive: in quoted-printable it is a line end.
        let lines_are_whole = content
            .split_inclusive(|octet| *octet == b'\n')
            .all(|line| line.ends_with(b"\r\n") || !line.ends_with(b"\n"));
        if lines_are_whole && qp::BODY.encoded_len_within(content, base64).is_some() {
            Self::QuotedPrintable
        } else {
            Self::Base64
        }
    }

    /// The octets that the content takes, but for those that guard the starts of lines.
    pub(super) fn length(self, content: &[u8]) -> usize {
        match self {
            Self::QuotedPrintable => qp::BODY.encoded_len(content),
            Self::Base64 => content.len().div_ceil(OCTETS_OF_A_LINE) * (LONGEST + 2),
        }
    }

    /// Whether a part says already that it is encoded so.
    pub(super) fn is_named_by(self, encoding: TransferEncoding) -> bool {
        match self {
            Self::QuotedPrintable => encoding == TransferEncoding::QuotedPrintable,
            Self::Base64 => encoding == TransferEncoding::Base64,
        }
    }

    /// The value of Content-Transfer-Encoding.
    pub(super) fn token(self) -> &'static str {
        match self {
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    /// Appends the content, encoded. Lines have at most 76 octets and end in CRLF; the last one has no line end that is not
    /// the content's.
    pub(super) fn encode(self, content: &[u8], output: &mut Vec<u8>) {
        match self {
            Self::QuotedPrintable => quoted_printable(content, output),
            Self::Base64 => {
                base64::MIME.encode_append(content, output);
                if output.ends_with(b"\r\n") {
                    output.truncate(output.len() - 2);
                }
            }
        }
    }
}

fn quoted_printable(content: &[u8], output: &mut Vec<u8>) {
    let line = Vec::with_capacity(LONGEST + 2);
    let mut guard = Guard { line, output };
    let _ = qp::BODY.encode_to_writer(content, &mut guard); // writing to a Vec does not fail
    append_guarded(&guard.line, guard.output);
}

/// Passes lines on, one by one.
struct Guard<'a> {
    /// What there is of the line. `line.len() <= LONGEST + 2`
    line: Vec<u8>,
    output: &'a mut Vec<u8>,
}

impl io::Write for Guard<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        for part in octets.split_inclusive(|octet| *octet == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.ends_with(b"\n") {
                append_guarded(&self.line, self.output);
                self.line.clear();
            }
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Appends a line, its first octet as `=XX` where a hop might mistake the line for something else: a dot that it did not
/// unstuff, an mbox's separator, a delimiter of the message.
fn append_guarded(mut line: &[u8], output: &mut Vec<u8>) {
    while let [first, rest @ ..] = line {
        let guarded = [&b"."[..], b"From ", b"--"];
        if !guarded.iter().any(|start| line.starts_with(start)) {
            break;
        }
        let _ = write!(output, "={first:02X}"); // writing to a Vec does not fail
        let length = line.strip_suffix(b"\r\n").unwrap_or(line).len();
        if length + 2 > LONGEST {
            output.extend_from_slice(b"=\r\n");
            line = rest;
        } else {
            output.extend_from_slice(rest);
            return;
        }
    }
    output.extend_from_slice(line);
}

/// Octets of an encoded line (RFC 2045 §6.7, rule 5).
const LONGEST: usize = 76;
/// Octets that a line of base64 stands for.
const OCTETS_OF_A_LINE: usize = LONGEST / 4 * 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(armour: Armour, content: &[u8]) -> String {
        let mut output = Vec::new();
        armour.encode(content, &mut output);
        let output = String::from_utf8(output).unwrap();
        assert!(output.is_ascii(), "{output}");
        for line in output.split("\r\n") {
            assert!(line.len() <= 76 && !line.contains(['\r', '\n']), "{line}");
        }
        output
    }

    fn check(content: &str, expected: &str) {
        assert_eq!(
            encoded(Armour::QuotedPrintable, content.as_bytes()),
            expected
        );
    }

    #[test]
    fn text_is_quoted_printable() {
        check("Küche\r\n", "K=C3=BCche\r\n");
        check("a = b\r\n\r\nc", "a =3D b\r\n\r\nc");
        check("-- \r\nRita\t\r\n", "=2D-=20\r\nRita=09\r\n");
        check("a ", "a=20"); // before a delimiter, too
        check("\u{c}\u{7f}", "=0C=7F");
        check("", "");
    }

    #[test]
    fn no_line_can_be_mistaken_for_something_else() {
        check(".\r\n..a\r\n", "=2E\r\n=2E.a\r\n");
        check(
            "From here\r\nFromage\r\n>From\r\n",
            "=46rom here\r\nFromage\r\n>From\r\n",
        );
        check("--boundary\r\n- one\r\n", "=2D-boundary\r\n- one\r\n");
        let long = format!("{}.\r\n", "x".repeat(75)); // the dot begins the next line
        check(&long, &format!("{}=\r\n=2E\r\n", "x".repeat(75)));
        let dots = format!("=2E=\r\n=2E=\r\n=2E{}=\r\n=2E", ".".repeat(72));
        check(&".".repeat(76), &dots);
    }

    #[test]
    fn other_octets_are_base64() {
        assert_eq!(encoded(Armour::Base64, b"\xff\xfe\r\n"), "//4NCg==");
        let line = "A".repeat(76);
        assert_eq!(
            encoded(Armour::Base64, &[0; 114]),
            format!("{line}\r\n{line}")
        );
        assert_eq!(encoded(Armour::Base64, b""), "");
    }

    #[test]
    fn the_shorter_one_is_chosen_for_text() {
        let check = |content: &str, expected| {
            assert_eq!(
                Armour::for_text(content.as_bytes()),
                expected,
                "{content:?}"
            );
        };
        check("Die Küche ist schön geworden.\r\n", Armour::QuotedPrintable);
        check(&"Кухня готова. ".repeat(20), Armour::Base64);
        check(&"x".repeat(5000), Armour::QuotedPrintable);
        check("a\nb", Armour::Base64); // a bare LF
        check("", Armour::QuotedPrintable);
    }
}
