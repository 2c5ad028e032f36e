//! Lines as RFC 5321 §2.3.8 has them, and what is noticed in a message: the judge of the readers of DATA and BDAT.
//!
//! Written for the eye, not for speed, and without anything of the crate but the names of what is noted.

use smtp_edge::smtp::data::DataNotes;

/// What is to be noticed in a message.
pub(crate) fn notes(content: &[u8]) -> DataNotes {
    let texts: Vec<&[u8]> = lines(content)
        .into_iter()
        .map(|line| line.strip_suffix(b"\r\n").unwrap_or(line))
        .collect();
    let has = |octet: u8| texts.iter().any(|text| text.contains(&octet));
    DataNotes {
        bare_cr_or_lf: has(b'\r') || has(b'\n'),
        nul: has(0),
        eight_bit: content.iter().any(|octet| *octet > 127),
        long_line: texts.iter().any(|text| text.len() > 998),
    }
}

/// The lines with their CRLF. What follows the last CRLF is a line if it is not empty.
pub(crate) fn lines(octets: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = octets;
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let (line, after) = rest.split_at(end + 2);
        lines.push(line);
        rest = after;
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}
