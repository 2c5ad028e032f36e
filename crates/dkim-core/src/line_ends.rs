//! From the line ends of files to those of mail.

use std::borrow::Cow;

/// Brings a message read from a file to CRLF line ends: a bare LF becomes CRLF, a bare CR too.
///
/// A message whose lines end in CRLF already is handed back as it is. Mail is signed and sent with CRLF only (RFC 5322 §2.3).
pub fn crlf(message: &[u8]) -> Cow<'_, [u8]> {
    if !has_bare(message) {
        return Cow::Borrowed(message);
    }
    let mut out = Vec::with_capacity(message.len() + message.len() / 32);
    let mut octets = message.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b'\r' => {
                octets.next_if_eq(&b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

fn has_bare(message: &[u8]) -> bool {
    let mut after_cr = false;
    for &octet in message {
        if after_cr != (octet == b'\n') {
            return true;
        }
        after_cr = octet == b'\r';
    }
    after_cr
}

/// Whether CR and LF stand together everywhere, and there is no NUL. It does not say where, and so it is fast.
pub(crate) fn are_whole(octets: &[u8]) -> bool {
    let pairs = octets.iter().zip(octets.iter().skip(1));
    let found = pairs.fold(0, |found, (octet, after)| found | care(*octet, *after));
    let (first, last) = (octets.first(), octets.last());
    found == 0 && first != Some(&b'\n') && !matches!(last, Some(b'\r' | 0))
}

/// Not 0 where an octet, with the one after it, is half a line end or a NUL. Without branches, for many octets at once.
#[inline(always)]
pub(crate) fn care(octet: u8, after: u8) -> u8 {
    (u8::from(octet == b'\r') ^ u8::from(after == b'\n')) | u8::from(octet == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_crlf() {
        let check =
            |input: &[u8], expected: &[u8]| assert_eq!(&*crlf(input), expected, "{input:?}");
        check(b"", b"");
        check(b"a\nb\n", b"a\r\nb\r\n");
        check(b"a\r\nb\n", b"a\r\nb\r\n");
        check(b"a\rb\r", b"a\r\nb\r\n");
        check(b"\n\r\r\n", b"\r\n\r\n\r\n");
        assert!(matches!(crlf(b"a\r\n\r\nb"), Cow::Borrowed(_)));
    }
}
