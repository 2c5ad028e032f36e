//! Header canonicalization: one field in, the octets that are hashed out.
//!
//! RFC 6376 §3.4.1 (simple: as it stands) and §3.4.2 (relaxed). It cannot fail.

use super::Canonicalization;
use super::blanks::{GROUP, clean_prefix, is_dropped};
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

/// Appends the canonical form of a signature field under way or under verification: its `b=` is empty, and no CRLF ends
/// it (RFC 6376 §3.7).
pub(crate) fn push_unsigned(kind: Canonicalization, content: &[u8], out: &mut Vec<u8>) {
    match kind {
        Canonicalization::Simple => out.extend_from_slice(content),
        Canonicalization::Relaxed => {
            let colon = content.iter().position(|&octet| octet == b':');
            let (name, body) = content.split_at(colon.unwrap_or(content.len()));
            let body = body.get(1..).unwrap_or_default();
            push_relaxed(name.trim_ascii_end(), body, out);
        }
    }
}

/// Appends the relaxed form of a field without its closing CRLF.
pub(crate) fn push_relaxed(name: &[u8], body: &[u8], out: &mut Vec<u8>) {
    out.reserve(name.len() + body.len() + ":\r\n".len());
    let start = out.len();
    out.extend_from_slice(name);
    out.get_mut(start..)
        .unwrap_or_default()
        .make_ascii_lowercase();
    out.push(b':');
    let start = out.len();
    let mut blank = false;
    let mut rest = body;
    while let Some((first, after_first)) = rest.split_first() {
        rest = match (first, after_first) {
            (b' ' | b'\t', _) => {
                blank = true;
                after_first
            }
            // Unfolding takes the CRLF alone; the blank that follows it is white space like any other.
            (b'\r', [b'\n', after @ ..]) => after,
            _ => {
                if blank && out.len() > start {
                    out.push(b' ');
                }
                blank = false;
                let (word, after) = rest
                    .split_at_checked(run_length(rest))
                    .unwrap_or((rest, &[]));
                out.extend_from_slice(word);
                after
            }
        };
    }
}

/// How many octets stay as they stand: words with single spaces between them, or at least the first word.
///
/// A CR that stands alone is text, and so is the first octet in any case.
fn run_length(rest: &[u8]) -> usize {
    match clean_prefix::<GROUP>(rest, care) {
        0 => {
            let mut after_first = rest.iter().skip(1);
            let white = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r');
            after_first
                .position(white)
                .map_or(rest.len(), |end| end + 1)
        }
        run => run,
    }
}

/// Not 0 where an octet, with the one after it, does not stay as it stands.
#[inline(always)]
fn care(octet: u8, after: u8) -> u8 {
    u8::from((octet == b'\t') | (octet == b'\r') | is_dropped(octet, after))
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

    /// RFC 6376 §3.4.2 word for word, on the octets after the colon.
    fn plain(body: &[u8]) -> Vec<u8> {
        let unfolded = String::from_utf8(body.to_vec())
            .unwrap()
            .replace("\r\n", "");
        let words = unfolded.split([' ', '\t']).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ").into_bytes()
    }

    proptest! {
        #[test]
        fn relaxed_is_what_the_rfc_says(body in "([a-z]{1,20}|[ \t]{1,3}|[ \t]|\r\n[ \t]|\r|\n|\0|\u{fc}){0,40}") {
            let mut out = Vec::new();
            push_relaxed(b"A", body.as_bytes(), &mut out);
            prop_assert_eq!(&out, &[b"a:", plain(body.as_bytes()).as_slice()].concat());
        }
    }

    #[test]
    fn relaxed_goldens() {
        check("A", " X", "a:X"); // RFC 6376 §3.4.5
        check("B", " Y\t\r\n\tZ  ", "b:Y Z"); // RFC 6376 §3.4.5, its name already cut at the colon
        check("Subject", "", "subject:");
        check("Subject", " \r\n \r\n\t", "subject:");
        check("Subject", "a\r\n b", "subject:a b");
        check(
            "Subject",
            "a bare\rCR is text, and \r so is this one",
            "subject:a bare\rCR is text, and \r so is this one",
        );
        check(
            "Subject",
            " a line of one group,  then \t two blanks and a fold \r\n\tbefore more than one group of text ",
            "subject:a line of one group, then two blanks and a fold before more than one group of text",
        );
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
