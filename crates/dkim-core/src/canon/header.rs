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
                // A CR that stands alone is text, and so is the first octet in any case.
                let end = after_first.iter().position(|octet| is_white(*octet));
                let (word, after) = rest
                    .split_at_checked(end.map_or(rest.len(), |end| end + 1))
                    .unwrap_or((rest, &[]));
                out.extend_from_slice(word);
                after
            }
        };
    }
}

fn is_white(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
