//! The two canonicalizations of RFC 6376 §3.4, for header fields and for bodies.
//!
//! `header` turns one field into the octets that are hashed; `body` is the streaming half; `blanks` is what the two
//! share.

mod blanks;
pub(crate) mod body;
pub(crate) mod header;

use std::fmt;

use self::body::{BodyCanonicalizer, LineEndings, Sink};
use crate::field::Field;

/// How a header or a body is brought into the form that is hashed (RFC 6376 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Canonicalization {
    /// Almost nothing may change on the way (RFC 6376 §3.4.1, §3.4.3).
    Simple,
    /// White space may change on the way (RFC 6376 §3.4.2, §3.4.4).
    Relaxed,
}

impl Canonicalization {
    /// The name in a `c=` tag.
    pub fn as_str(self) -> &'static str {
        match self {
            Canonicalization::Simple => "simple",
            Canonicalization::Relaxed => "relaxed",
        }
    }

    /// The octets that are hashed for one field, with the CRLF that ends it (RFC 6376 §3.4.1, §3.4.2).
    pub fn field(self, field: &Field<'_>) -> Vec<u8> {
        let mut octets = Vec::with_capacity(field.raw().len());
        header::push(self, field, &mut octets);
        octets
    }

    /// The octets that are hashed for a whole body (RFC 6376 §3.4.3, §3.4.4), in memory.
    ///
    /// The body is taken as found: CR and LF that do not stand together are octets like any other.
    pub fn body(self, body: &[u8]) -> Vec<u8> {
        let mut octets = Octets(Vec::with_capacity(body.len()));
        let mut canonicalizer = BodyCanonicalizer::new(self, LineEndings::AsFound);
        let passed = canonicalizer
            .update(body, &mut octets)
            .and_then(|()| canonicalizer.finish(&mut octets));
        debug_assert!(passed.is_ok(), "what is taken as found is not refused");
        octets.0
    }

    pub(crate) fn from_tag(value: &str) -> Option<Canonicalization> {
        [Canonicalization::Simple, Canonicalization::Relaxed]
            .into_iter()
            .find(|canonicalization| canonicalization.as_str().eq_ignore_ascii_case(value))
    }
}

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A body that is kept.
struct Octets(Vec<u8>);

impl Sink for Octets {
    fn write(&mut self, octets: &[u8]) {
        self.0.extend_from_slice(octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::HeaderBlock;

    /// The example of RFC 6376 §3.4.5, octet for octet.
    #[test]
    fn the_example_of_the_rfc() {
        let message = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let (header, start) = HeaderBlock::parse(message).unwrap();
        let check = |kind: Canonicalization, expected_header: &[u8], expected_body: &[u8]| {
            let fields: Vec<u8> = header
                .fields()
                .iter()
                .flat_map(|field| kind.field(field))
                .collect();
            assert_eq!(fields, expected_header, "{kind}");
            assert_eq!(kind.body(&message[start..]), expected_body, "{kind}");
        };
        check(
            Canonicalization::Relaxed,
            b"a:X\r\nb:Y Z\r\n",
            b" C\r\nD E\r\n",
        );
        check(
            Canonicalization::Simple,
            b"A: X\r\nB : Y\t\r\n\tZ  \r\n",
            b" C \r\nD \t E\r\n",
        );
    }

    #[test]
    fn a_body_of_any_octets_has_a_form() {
        // RFC 6376 §3.4.3: without a last line end one is added; §3.4.4: an empty body stays empty.
        for (body, simple, relaxed) in [
            (&b""[..], &b"\r\n"[..], &b""[..]),
            (b"\r\n\r\n", b"\r\n", b""),
            (b"a", b"a\r\n", b"a\r\n"),
            (b"a\rb\n\0", b"a\rb\n\0\r\n", b"a\rb\n\0\r\n"),
        ] {
            assert_eq!(Canonicalization::Simple.body(body), simple, "{body:?}");
            assert_eq!(Canonicalization::Relaxed.body(body), relaxed, "{body:?}");
        }
    }
}
