//! RFC 5321 §4.5.2 word for word, on whole octets: the judge of the reader of DATA.
//!
//! Written for the eye, not for speed, and without anything of the crate.

use super::content::lines;

/// Where the data that begin here end: behind the first line that is a dot alone. Lines end at CRLF and nowhere else.
pub(crate) fn end(stream: &[u8]) -> Option<usize> {
    let mut at = 0;
    for line in lines(stream) {
        at += line.len();
        if line == b".\r\n" {
            return Some(at);
        }
    }
    None
}

/// The message that these data say, which have come to their end. "If the first character is a period and there are other
/// characters on the line, the first character is deleted."
pub(crate) fn unstuffed(data: &[u8]) -> Vec<u8> {
    let (lines, last) = (lines(data), b".\r\n");
    let kept = lines.iter().filter(|line| *line != last);
    kept.flat_map(|line| line.strip_prefix(b".").unwrap_or(line))
        .copied()
        .collect()
}
