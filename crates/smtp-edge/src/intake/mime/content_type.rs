//! What a Content-Type field says that matters for re-encoding: is it text, is it made of parts, may it be touched.
//!
//! What is malformed is nobody's to guess: readers differ over it, so that such a part is left alone.

use super::tokens::Tokens;

/// The kind of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ContentType<'a> {
    /// `text/*`: lines that end in CRLF, whatever encodes them.
    Text,
    /// Octets: images, programs, everything that is not known.
    Octets,
    /// `multipart/*`.
    Multipart {
        /// What its subtype means for its parts.
        family: Family,
        /// The delimiter's text.
        boundary: &'a [u8],
    },
    /// `message/*`: a message of its own, whose encoding must not change (RFC 2046 §5.2.1).
    Message,
}

/// What the subtype of a multipart means for its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Parts like any others.
    Mixed,
    /// Parts that are messages unless they say otherwise (RFC 2046 §5.1.5).
    Digest,
    /// `multipart/signed` and `multipart/encrypted`: not one octet may change (RFC 1847 §2.1).
    Sealed,
}

impl<'a> ContentType<'a> {
    /// Reads the value of the field. `None` when it is malformed.
    pub(super) fn parse(value: &'a [u8]) -> Option<Self> {
        let mut tokens = Tokens::new(value);
        tokens.skip_blanks()?;
        let kind = tokens.token()?;
        tokens.skip_blanks()?;
        tokens.take(b'/')?;
        tokens.skip_blanks()?;
        let subtype = tokens.token()?;
        let is = |name: &str| kind.eq_ignore_ascii_case(name.as_bytes());
        if is("text") {
            Some(Self::Text)
        } else if is("message") {
            Some(Self::Message)
        } else if is("multipart") {
            let family = Family::of(subtype);
            let boundary = boundary(tokens)?;
            Some(Self::Multipart { family, boundary })
        } else {
            Some(Self::Octets)
        }
    }
}

impl Family {
    fn of(subtype: &[u8]) -> Self {
        let is = |name: &str| subtype.eq_ignore_ascii_case(name.as_bytes());
        if is("signed") || is("encrypted") {
            Self::Sealed
        } else if is("digest") {
            Self::Digest
        } else {
            Self::Mixed
        }
    }
}

/// The one boundary among the parameters, if it is one that all readers take the same way. A boundary in pieces or with a
/// charset (RFC 2231) is not.
fn boundary<'a>(mut tokens: Tokens<'a>) -> Option<&'a [u8]> {
    let mut found = None;
    loop {
        tokens.skip_blanks()?;
        if tokens.is_empty() {
            return found;
        }
        tokens.take(b';')?;
        tokens.skip_blanks()?;
        if tokens.is_empty() {
            return found; // a semicolon too many is harmless
        }
        let name = tokens.token()?;
        tokens.skip_blanks()?;
        tokens.take(b'=')?;
        tokens.skip_blanks()?;
        let value = tokens.parameter_value()?;
        let (base, extended) = match name.iter().position(|octet| *octet == b'*') {
            Some(star) => (name.get(..star)?, true),
            None => (name, false),
        };
        if base.eq_ignore_ascii_case(b"boundary") {
            if extended || found.is_some() || !is_boundary(value) {
                return None;
            }
            found = Some(value);
        }
    }
}

/// RFC 2046 §5.1.1: 1 to 70 characters, no blank at the end. Of the characters more are in use than the standard names.
fn is_boundary(value: &[u8]) -> bool {
    (1..=70).contains(&value.len())
        && value.iter().all(|octet| matches!(octet, b' '..=b'~'))
        && !value.ends_with(b" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Option<ContentType<'_>>) {
        assert_eq!(ContentType::parse(value.as_bytes()), expected, "{value:?}");
    }

    fn multipart(family: Family, boundary: &str) -> Option<ContentType<'_>> {
        Some(ContentType::Multipart {
            family,
            boundary: boundary.as_bytes(),
        })
    }

    #[test]
    fn kinds_are_told_apart() {
        check(" text/plain; charset=utf-8\r\n", Some(ContentType::Text));
        check(" TEXT / html", Some(ContentType::Text));
        check(
            " (a (nested) \\) comment) text/plain",
            Some(ContentType::Text),
        );
        check(" text/html charset=utf-8", Some(ContentType::Text)); // the semicolon is forgotten, the kind is not
        check(" image/png; name=\"x; y\"", Some(ContentType::Octets));
        check(" message/rfc822", Some(ContentType::Message));
        check(" message/global", Some(ContentType::Message));
    }

    #[test]
    fn what_is_malformed_has_no_kind() {
        for value in [
            "",
            " ",
            " text",
            " text/",
            " /plain",
            " (text/plain",
            " \u{fc}/x",
        ] {
            check(value, None);
        }
    }

    #[test]
    fn boundaries_are_read_as_they_are_written() {
        use Family::{Digest, Mixed, Sealed};
        check(
            " multipart/mixed; boundary=abc\r\n",
            multipart(Mixed, "abc"),
        );
        check(
            " multipart/x; a=b;\r\n\tBOUNDARY = \"a b:c\" (no)",
            multipart(Mixed, "a b:c"),
        );
        check(
            " multipart/mixed; boundary=----=_Part/1:2;",
            multipart(Mixed, "----=_Part/1:2"),
        );
        check(" multipart/digest; boundary=x", multipart(Digest, "x"));
        check(
            " multipart/Signed; protocol=\"a/b\"; boundary=x",
            multipart(Sealed, "x"),
        );
        check(" multipart/encrypted; boundary=x", multipart(Sealed, "x"));
        let longest = "b".repeat(70);
        check(
            &format!(" multipart/mixed; boundary={longest}"),
            multipart(Mixed, &longest),
        );
    }

    #[test]
    fn boundaries_that_readers_differ_over_are_none() {
        for parameters in [
            "",
            "; charset=x",
            "; boundary",
            "; boundary=",
            "; boundary=\"\"",
            "; boundary=\"a \"",
            "; boundary=\"a\\b\"",
            "; boundary=\"a",
            "; boundary=a b",
            "; boundary=a; boundary=b",
            "; boundary*0=a; boundary*1=b",
            "; boundary*=utf-8''a",
            "; boundary=\"a\r\n b\"",
            "; boundary=\"\u{fc}\"",
            " boundary=a",
        ] {
            check(&format!(" multipart/mixed{parameters}"), None);
        }
        check(
            &format!(" multipart/mixed; boundary={}", "b".repeat(71)),
            None,
        );
    }
}
