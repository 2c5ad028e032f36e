//! Content-Transfer-Encoding (RFC 2045 §6): how a part says that its octets are to be read.

use std::borrow::Cow;

use encodify::{base64, qp};

use super::tokens::Tokens;

/// How the octets of a part stand for its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferEncoding {
    /// `7bit`, or nothing said: as they are.
    SevenBit,
    /// `8bit` or `binary`: as they are, and some may be over 127.
    EightBit,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `base64`.
    Base64,
    /// Something else, or nothing that can be understood.
    Unknown,
}

impl TransferEncoding {
    /// Reads the value of the field.
    pub(super) fn parse(value: &[u8]) -> Self {
        match only_token(value) {
            Some(token) => Self::of(token),
            None => Self::Unknown,
        }
    }

    fn of(token: &[u8]) -> Self {
        let is = |name: &str| token.eq_ignore_ascii_case(name.as_bytes());
        if is("7bit") {
            Self::SevenBit
        } else if is("8bit") || is("binary") {
            Self::EightBit
        } else if is("quoted-printable") {
            Self::QuotedPrintable
        } else if is("base64") {
            Self::Base64
        } else {
            Self::Unknown
        }
    }

    /// Whether the octets are the content itself.
    pub(super) fn is_identity(self) -> bool {
        match self {
            Self::SevenBit | Self::EightBit => true,
            Self::QuotedPrintable | Self::Base64 | Self::Unknown => false,
        }
    }

    /// What the octets stand for, when that is beyond doubt. Quoted-printable with blanks at the end of a line is not: some
    /// readers drop them, as RFC 2045 §6.7 says, and some do not. A soft line end before a delimiter hides it from some.
    pub(super) fn decode(self, octets: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::SevenBit | Self::EightBit => Some(Cow::Borrowed(octets)),
            Self::QuotedPrintable => {
                let mut lines = octets.split(|octet| *octet == b'\n');
                let blank = |line: &[u8]| {
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    line.ends_with(b" ") || line.ends_with(b"\t")
                };
                if lines.any(blank) || octets.ends_with(b"=") {
                    return None;
                }
                qp::BODY.strict().decode(octets).ok()
            }
            Self::Base64 => {
                let blank = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
                let letters: Vec<u8> = octets
                    .iter()
                    .copied()
                    .filter(|octet| !blank(octet))
                    .collect();
                base64::STANDARD.decode(letters).ok().map(Cow::Owned)
            }
            Self::Unknown => None,
        }
    }
}

/// The token that is the whole value.
fn only_token(value: &[u8]) -> Option<&[u8]> {
    let mut tokens = Tokens::new(value);
    tokens.skip_blanks()?;
    let token = tokens.token()?;
    tokens.skip_blanks()?;
    tokens.is_empty().then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_only_when_they_stand_alone() {
        let check = |value: &str, expected| {
            assert_eq!(
                TransferEncoding::parse(value.as_bytes()),
                expected,
                "{value:?}"
            );
        };
        check(" 7bit\r\n", TransferEncoding::SevenBit);
        check(" 8BIT (really)\r\n", TransferEncoding::EightBit);
        check("binary", TransferEncoding::EightBit);
        check("\r\n Quoted-Printable", TransferEncoding::QuotedPrintable);
        check(" base64", TransferEncoding::Base64);
        for value in [
            "",
            " 8-bit",
            " utf-8",
            " x-uuencode",
            " 8bit; 7bit",
            " base64 (",
            " \"base64\"",
        ] {
            check(value, TransferEncoding::Unknown);
        }
    }

    #[test]
    fn only_what_is_beyond_doubt_is_decoded() {
        use TransferEncoding::{Base64, EightBit, QuotedPrintable, SevenBit, Unknown};
        let check = |encoding: TransferEncoding, octets: &str, expected: Option<&str>| {
            let decoded = encoding.decode(octets.as_bytes());
            assert_eq!(
                decoded.as_deref(),
                expected.map(str::as_bytes),
                "{octets:?}"
            );
        };
        check(SevenBit, "a=\r\nb", Some("a=\r\nb"));
        check(EightBit, "\u{fc} ", Some("\u{fc} "));
        check(Unknown, "a", None);
        check(QuotedPrintable, "=c3=\r\n=bc\r\n=\r\n", Some("\u{fc}\r\n"));
        check(QuotedPrintable, "a=3D=\r\nb=20\r\nc", Some("a=b \r\nc"));
        check(QuotedPrintable, "K\u{fc}che", Some("K\u{fc}che")); // 8-bit text in it is taken for itself
        for broken in ["a=", "a=G0", "a=\u{fc}", "a \r\nb", "a\t"] {
            check(QuotedPrintable, broken, None);
        }
        check(Base64, "YW\r\n J\tj\r\n", Some("abc"));
        check(Base64, "YWI=", Some("ab"));
        for broken in [
            "YWI",
            "YWJ=",
            "YQ==YQ==",
            "YW-j",
            "YWJj\u{fc}",
            "-- \r\nlist",
        ] {
            check(Base64, broken, None);
        }
    }
}
