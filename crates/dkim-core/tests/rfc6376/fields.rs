//! The header of a message and its fields by the words of RFC 5322 §2.2, on a well-formed message: what splits a header
//! for the judges.

/// The header of a message, without the empty line after it.
pub(crate) fn without_body(message: &[u8]) -> &[u8] {
    if message.starts_with(b"\r\n") {
        return b"";
    }
    match message.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(end) => message.split_at(end + 2).0,
        None => message,
    }
}

/// The fields of a header, each with its folding and its last CRLF. The header is well-formed and has no empty line.
pub(crate) fn fields(header: &[u8]) -> Vec<Vec<u8>> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in lines(header) {
        match fields.last_mut() {
            Some(field) if line.starts_with(b" ") || line.starts_with(b"\t") => field.extend(line),
            Some(_) | None => fields.push(line),
        }
    }
    fields
}

/// The name of a field in lower case, without the blanks that RFC 5322 §4.5 lets stand before the colon.
pub(crate) fn name(field: &[u8]) -> Vec<u8> {
    let name = field.split(|octet| *octet == b':').next();
    let name = name.unwrap_or_default();
    let end = name.iter().rposition(|octet| !b" \t".contains(octet));
    name.split_at(end.map_or(0, |last| last + 1))
        .0
        .to_ascii_lowercase()
}

/// The lines with their CRLF, which the last may lack.
pub(crate) fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    for octet in text {
        line.push(*octet);
        if line.ends_with(b"\r\n") {
            lines.push(std::mem::take(&mut line));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}
