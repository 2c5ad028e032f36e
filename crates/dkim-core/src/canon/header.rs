//! Header canonicalization: one field in, the octets that are hashed out.
//!
//! RFC 6376 §3.4.1 (simple: as it stands) and §3.4.2 (relaxed). It cannot fail.

use super::Canonicalization;
use crate::field::Field;

/// Appends the canonical form of `field`, CRLF included.
pub(crate) fn push(kind: Canonicalization, field: &Field<'_>, out: &mut Vec<u8>) {
    match kind {
        Canonicalization::Simple => out.extend_from_slice(field.raw()),
        Canonicalization::Relaxed => {
            push_relaxed(field.name_octets(), field.body(), out);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Appends the relaxed form of a field without its closing CRLF.
pub(crate) fn push_relaxed(name: &[u8], body: &[u8], out: &mut Vec<u8>) {
    out.extend(name.iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let start = out.len();
    let mut blank = false;
    let mut octets = body.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b' ' | b'\t' => blank = true,
            // Unfolding takes the CRLF alone; the blank that follows it is white space like any other.
            b'\r' if octets.peek() == Some(&b'\n') => {
                octets.next();
            }
            _ => {
                if blank && out.len() > start {
                    out.push(b' ');
                }
                blank = false;
                out.push(octet);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(name: &str, body: &str, expected: &str) {
        let mut out = Vec::new();
        push_relaxed(name.as_bytes(), body.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{name}:{body}");
    }

    #[test]
    fn relaxed_goldens() {
        check("A", " X", "a:X"); // RFC 6376 §3.4.5
        check("B", " Y\t\r\n\tZ  ", "b:Y Z"); // RFC 6376 §3.4.5, its name already cut at the colon
        check("Subject", "", "subject:");
        check("Subject", " \r\n \r\n\t", "subject:");
        check("Subject", "a\r\n b", "subject:a b");
        check("Subject", " gr\u{fc}n  tee ", "subject:gr\u{fc}n tee");
    }

    proptest! {
        #[test]
        fn canonical_fields_stay_as_they_are(name in "[A-Za-z-]{1,9}", body in "([!-~]{1,3}|[ \t]{1,2}|\r\n[ \t]|\u{fc}){0,12}") {
            let (mut once, mut again) = (Vec::new(), Vec::new());
            push_relaxed(name.as_bytes(), body.as_bytes(), &mut once);
            let (name, body) = once.split_at(name.len());
            push_relaxed(name, &body[1..], &mut again);
            prop_assert_eq!(again, once);
        }
    }
}
