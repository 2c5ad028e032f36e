//! Makes a message one that can be signed and sent on: CRLF alone ends lines, a header is parted from its body, and
//! fields that must not travel are taken out. A message that has nothing of this is passed on as it is.

use std::ops::Range;

use crate::smtp::data::DataNotes;

/// Why a message cannot be made well-formed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// NUL has no place in a message (RFC 5322 §2.2, RFC 5321 §4.5.2), and hides text from those who read it.
    #[error("the message holds NUL")]
    Nul,
}

/// A message in normal form.
#[derive(Debug, PartialEq, Eq)]
pub struct Normalized {
    /// Header, empty line, body; every line ends in CRLF, and no CR or LF stands alone.
    pub content: Vec<u8>,
    /// The header fields in `content`, in their order. They follow one another without a gap from offset 0.
    fields: Vec<Field>,
}

impl Normalized {
    /// The header, without the empty line.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        self.content.get(..self.header_length()).unwrap_or_default()
    }

    fn header_length(&self) -> usize {
        self.fields.last().map_or(0, |field| field.value.end)
    }

    /// The header fields of a name (any case): what stands after the colon, folds and all.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let content = &self.content;
        let named = self
            .fields
            .iter()
            .filter(move |field| field.is(content, name));
        named.filter_map(move |field| content.get(field.value.clone()))
    }

    /// The body: everything after the empty line.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.content
            .get(self.header_length() + 2..)
            .unwrap_or_default()
    }
}

/// Where a header field lies.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    /// Its name, without blanks before the colon.
    name: Range<usize>,
    /// What stands after the colon, to its last CRLF. `value.start > name.end`
    value: Range<usize>,
}

impl Field {
    fn is(&self, content: &[u8], name: &str) -> bool {
        content
            .get(self.name.clone())
            .is_some_and(|own| own.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// Brings a message into normal form.
///
/// # Errors
/// [`Malformed`].
pub fn normalize(content: Vec<u8>, notes: DataNotes) -> Result<Normalized, Malformed> {
    if notes.nul {
        return Err(Malformed::Nul);
    }
    let content = if notes.bare_cr_or_lf {
        mend_line_ends(&content)
    } else {
        content
    };
    Ok(with_clean_fields(parted(content)))
}

/// A bare LF becomes CRLF; a bare CR becomes a space, since a line end in its place could make a header field or a
/// boundary out of what readers before us took for text.
fn mend_line_ends(content: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(content.len() + content.len() / 32);
    let mut octets = content.iter().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b'\r' if octets.peek() == Some(&&b'\n') => {
                octets.next();
                mended.extend_from_slice(b"\r\n");
            }
            b'\r' => mended.push(b' '),
            b'\n' => mended.extend_from_slice(b"\r\n"),
            other => mended.push(*other),
        }
    }
    mended
}

/// Finds the header's fields and sees to it that an empty line ends them. Text that is no field ends the header, as a
/// message without a header has it: an empty line then goes before it, so that nothing of it is lost.
fn parted(mut content: Vec<u8>) -> Normalized {
    if !content.is_empty() && !content.ends_with(b"\r\n") {
        content.extend_from_slice(b"\r\n");
    }
    let mut fields: Vec<Field> = Vec::new();
    let mut offset = 0;
    let mut empty_line = false;
    for line in content.split_inclusive(|octet| *octet == b'\n') {
        let end = offset + line.len();
        if line == b"\r\n" {
            empty_line = true;
            break;
        }
        match (line.first(), fields.last_mut()) {
            (Some(b' ' | b'\t'), Some(field)) => field.value.end = end,
            _ => match field_name(line) {
                Some((name, colon)) => fields.push(Field {
                    name: offset..offset + name,
                    value: offset + colon + 1..end,
                }),
                None => break,
            },
        }
        offset = end;
    }
    if !empty_line {
        content.splice(offset..offset, *b"\r\n");
    }
    Normalized { content, fields }
}

/// The length of the name and the offset of the colon, if the line starts a field (RFC 5322 §2.2: printable ASCII without
/// colon, then a colon; §4.5 lets blanks stand between them).
fn field_name(line: &[u8]) -> Option<(usize, usize)> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let mut name = line.get(..colon)?;
    while let Some(shorter) = name.strip_suffix(b" ").or_else(|| name.strip_suffix(b"\t")) {
        name = shorter;
    }
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some((name.len(), colon))
}

/// Takes out what must not travel: Bcc names people whom the others must not see, Return-Path is for the last hop to write
/// (RFC 5321 §4.4), and blanks before a colon are for nobody to generate (RFC 5322 §4.5) and make verifiers disagree.
fn with_clean_fields(message: Normalized) -> Normalized {
    const PRIVATE: [&str; 3] = ["Bcc", "Resent-Bcc", "Return-Path"];
    let private = |field: &Field| PRIVATE.iter().any(|name| field.is(&message.content, name));
    let spaced = |field: &Field| field.value.start > field.name.end + 1;
    if !message
        .fields
        .iter()
        .any(|field| private(field) || spaced(field))
    {
        return message;
    }
    let part = |range: Range<usize>| message.content.get(range).unwrap_or_default();
    let mut content = Vec::with_capacity(message.content.len());
    for field in message.fields.iter().filter(|field| !private(field)) {
        content.extend_from_slice(part(field.name.clone()));
        content.push(b':');
        content.extend_from_slice(part(field.value.clone()));
    }
    content.extend_from_slice(part(message.header_length()..message.content.len()));
    parted(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &str, expected: &str) {
        let bare = content.replace("\r\n", "").contains(['\r', '\n']);
        let notes = DataNotes {
            bare_cr_or_lf: bare,
            ..DataNotes::default()
        };
        let normalized = normalize(content.as_bytes().to_vec(), notes).unwrap();
        assert_eq!(String::from_utf8_lossy(&normalized.content), expected);
        let (header, body) = (normalized.header(), normalized.body());
        assert_eq!(
            [header, b"\r\n", body].concat(),
            normalized.content,
            "header, empty line and body are the whole"
        );
    }

    #[test]
    fn a_well_formed_message_stays_as_it_is() {
        check("A: b\r\n\r\nbody\r\n", "A: b\r\n\r\nbody\r\n");
        check("A: b\r\n c\r\nD: e\r\n\r\n", "A: b\r\n c\r\nD: e\r\n\r\n");
        check("A: b\r\n\r\n\r\nA: x\r\n", "A: b\r\n\r\n\r\nA: x\r\n");
        check("\r\nbody\r\n", "\r\nbody\r\n"); // no header at all
    }

    #[test]
    fn line_ends_become_crlf() {
        check("A: b\nC: d\n\nbody\n", "A: b\r\nC: d\r\n\r\nbody\r\n");
        check("A: b\r\n\r\none\rtwo\r\n", "A: b\r\n\r\none two\r\n");
        check("A: b\r\n\r\none\r\r\n", "A: b\r\n\r\none \r\n");
    }

    #[test]
    fn what_is_no_header_becomes_the_body() {
        check("hello\r\n", "\r\nhello\r\n");
        check(
            "A: b\r\nhello\r\n\r\nC: d\r\n",
            "A: b\r\n\r\nhello\r\n\r\nC: d\r\n",
        );
        check("A: b\r\n", "A: b\r\n\r\n");
        check(" folded first\r\n", "\r\n folded first\r\n");
        check("A\u{c}: b\r\n", "\r\nA\u{c}: b\r\n"); // a form feed is no blank
        check("", "\r\n");
    }

    #[test]
    fn fields_that_must_not_travel_are_taken_out() {
        check(
            "A: b\r\nbcc: x@y,\r\n z@y\r\nReturn-Path: <a@b>\r\nC: d\r\n\r\nBcc: in the body\r\n",
            "A: b\r\nC: d\r\n\r\nBcc: in the body\r\n",
        );
        check("Bcc: x\r\n\r\n", "\r\n");
        check("Bcc: x\r\nhello\r\n", "\r\nhello\r\n");
    }

    #[test]
    fn blanks_before_a_colon_are_taken_out() {
        check(
            "A : b\r\n c \t: d\r\nE\t :f\r\n\r\nG : h\r\n",
            "A: b\r\n c \t: d\r\nE:f\r\n\r\nG : h\r\n",
        );
        check("bcc : x@y\r\nA: b\r\n\r\n", "A: b\r\n\r\n");
    }

    #[test]
    fn nul_is_refused() {
        let notes = DataNotes {
            nul: true,
            ..DataNotes::default()
        };
        assert_eq!(
            normalize(b"A: b\0\r\n".to_vec(), notes),
            Err(Malformed::Nul)
        );
    }

    #[test]
    fn values_are_found_in_any_case() {
        let message = normalize(
            b"from: a\r\nTo: x\r\nFROM: b\r\n c\r\n\r\n".to_vec(),
            DataNotes::default(),
        )
        .unwrap();
        let values: Vec<_> = message.values("From").collect();
        assert_eq!(values, [&b" a\r\n"[..], b" b\r\n c\r\n"]);
    }
}
