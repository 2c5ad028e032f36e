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
