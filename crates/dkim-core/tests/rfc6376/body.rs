//! RFC 6376 §3.4.3 and §3.4.4 word for word, on a whole body: the judge of the streaming canonicalizer.
//!
//! Written for the eye, not for speed, and without anything of the crate. The crate's own tests, its integration tests
//! and its fuzz targets all include this one file.

/// The simple body canonicalization.
pub(crate) fn simple(body: &[u8]) -> Vec<u8> {
    let canonical = without_empty_last_lines(lines(body));
    // "If there is no body or no trailing CRLF on the message body, a CRLF is added."
    if canonical.is_empty() {
        return b"\r\n".to_vec();
    }
    canonical
}

/// The relaxed body canonicalization.
pub(crate) fn relaxed(body: &[u8]) -> Vec<u8> {
    let reduce = |line: Vec<u8>| {
        let mut reduced: Vec<u8> = Vec::new();
        for octet in line {
            match octet {
                b' ' | b'\t' if reduced.last() == Some(&b' ') => {}
                b' ' | b'\t' => reduced.push(b' '),
                other => reduced.push(other),
            }
        }
        if reduced.last() == Some(&b' ') {
            reduced.pop();
        }
        reduced
    };
    without_empty_last_lines(lines(body).into_iter().map(reduce).collect())
}

/// The lines without their CRLF. What follows the last CRLF is a line if it is not empty.
fn lines(body: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    let mut octets = body.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        if octet == b'\r' && octets.peek() == Some(&b'\n') {
            octets.next();
            lines.push(std::mem::take(&mut line));
        } else {
            line.push(octet);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// "Ignore all empty lines at the end of the message body"; the others end in CRLF.
fn without_empty_last_lines(mut lines: Vec<Vec<u8>>) -> Vec<u8> {
    while lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
        .iter()
        .flat_map(|line| [line, b"\r\n".as_slice()].concat())
        .collect()
}
