//! The parts of a MIME message, and where they lie (RFC 2046 §5.1).
//!
//! One pass over the lines, with the boundaries that are open at hand; nothing is copied, nothing is decoded. Readers differ
//! over malformed messages, and to change one by our reading would change it by somebody else's: where a line could be a
//! delimiter to some and text to others, the whole structure is [`Unclear`].

use std::ops::Range;

use memchr::memchr;

use super::content_type::{ContentType, Family};
use super::transfer_encoding::TransferEncoding;
use crate::intake::normalize::Normalized;
use crate::intake::normalize::fields::{Field, take_line};

/// The message itself, or what stands between two delimiters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Its header's lines, without the empty line.
    pub(super) header: Range<usize>,
    /// What it holds, without the CRLF that belongs to the delimiter behind it.
    pub(super) content: Range<usize>,
    pub(super) kind: Kind,
    /// Whether it has a Content-Type.
    pub(super) is_typed: bool,
    pub(super) encoding: TransferEncoding,
    /// What stands after the colon of Content-Transfer-Encoding, if it is there.
    pub(super) encoding_value: Option<Range<usize>>,
}

/// What may be done to a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A leaf of text.
    Text,
    /// A leaf of octets.
    Octets,
    /// It is made of the parts that follow and lie within its content.
    Multipart,
    /// Nothing: it is a message, it is or lies in something signed or encrypted, or its header is malformed.
    Sealed,
}

/// Why there is no list of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unclear {
    /// A line that is a delimiter to some readers and not to others.
    Delimiter,
    /// Deeper than [`DEEPEST`].
    TooDeep,
    /// More than [`MOST_PARTS`].
    TooMany,
}

/// The parts in the order in which they stand, the message first.
pub(super) fn parts(message: &Normalized) -> Result<Vec<Part>, Unclear> {
    let content = &message.content;
    let mut walk = Walk {
        message: content,
        parts: Vec::new(),
        open: Vec::new(),
        place: Place::Between,
    };
    let header = 0..message.header_length();
    let mut at = header.end + 2;
    walk.begin(header, at, message.fields())?;
    while at < content.len() {
        let end = memchr(b'\n', content.get(at..).unwrap_or_default())
            .map_or(content.len(), |length| at + length + 1);
        walk.line(at..end)?;
        at = end;
    }
    walk.end_parts(0, content.len());
    Ok(walk.parts)
}

/// Where the walk is.
struct Walk<'a> {
    message: &'a [u8],
    parts: Vec<Part>,
    /// From the outermost to the innermost. `open.len() <= DEEPEST`
    open: Vec<Open<'a>>,
    place: Place,
}

/// A multipart whose end has not been seen.
struct Open<'a> {
    boundary: &'a [u8],
    family: Family,
    /// Its place among the parts.
    part: usize,
    /// Its closing delimiter has been seen: what follows is its epilogue.
    is_closed: bool,
}

/// What the next line belongs to.
enum Place {
    /// The header of a part that began at `start`.
    Header { start: usize, fields: Vec<Field> },
    /// The content of a leaf.
    Leaf(usize),
    /// A preamble or an epilogue.
    Between,
}

impl<'a> Walk<'a> {
    fn line(&mut self, range: Range<usize>) -> Result<(), Unclear> {
        let line = self.message.get(range.clone()).unwrap_or_default();
        if let Some((level, closing)) = self.delimiter(line)? {
            // The CRLF before a delimiter belongs to it.
            self.end_parts(level + 1, range.start.saturating_sub(2));
            if let Some(open) = self.open.get_mut(level) {
                open.is_closed = closing == Closing::Yes;
            }
            self.place = match closing {
                Closing::Yes => Place::Between,
                Closing::No => Place::Header {
                    start: range.end,
                    fields: Vec::new(),
                },
            };
            return Ok(());
        }
        let Place::Header { start, fields } = &mut self.place else {
            return Ok(());
        };
        let header = *start..range.start;
        if line == b"\r\n" {
            let fields = std::mem::take(fields);
            return self.begin(header, range.end, &fields);
        }
        if fields.len() >= MOST_FIELDS || !take_line(fields, line, range.start) {
            return self.push(Part::sealed(header, range.start));
        }
        Ok(())
    }

    /// Which of the open multiparts the line delimits. RFC 2046 §5.1.1 asks readers to look at the start of a line only;
    /// nearly all look at the whole line. What is one thing by the one and another by the other is unclear, but for a
    /// boundary that starts with an outer one: to both it is a delimiter, with a part behind it.
    fn delimiter(&self, line: &[u8]) -> Result<Option<(usize, Closing)>, Unclear> {
        let Some(text) = line.strip_prefix(b"--") else {
            return Ok(None);
        };
        let text = without_blanks(text);
        let mut found = None;
        let mut starts_like_one = false;
        for (level, open) in self.open.iter().enumerate() {
            let Some(rest) = text.strip_prefix(open.boundary) else {
                continue;
            };
            starts_like_one = true;
            let closing = match rest {
                b"" => Closing::No,
                b"--" => Closing::Yes,
                _ => continue,
            };
            if found.is_some() || open.is_closed {
                return Err(Unclear::Delimiter);
            }
            found = Some((level, closing));
        }
        if found.is_none() && starts_like_one {
            return Err(Unclear::Delimiter);
        }
        Ok(found)
    }

    /// A part whose header has been read.
    fn begin(
        &mut self,
        header: Range<usize>,
        start: usize,
        fields: &[Field],
    ) -> Result<(), Unclear> {
        let mut part = Part::sealed(header, start);
        let Ok(kind) = single(self.message, fields, "Content-Type") else {
            return self.push(part);
        };
        let Ok(encoding) = single(self.message, fields, "Content-Transfer-Encoding") else {
            return self.push(part);
        };
        let value = |range: &Range<usize>| self.message.get(range.clone()).unwrap_or_default();
        part.is_typed = kind.is_some();
        part.encoding = match &encoding {
            Some(range) => TransferEncoding::parse(value(range)),
            None => TransferEncoding::SevenBit,
        };
        part.encoding_value = encoding;
        let parent = self.open.last().map(|open| open.family);
        let kind = match (kind, parent) {
            (Some(range), _) => ContentType::parse(value(&range)),
            (None, Some(Family::Digest)) => Some(ContentType::Message),
            (None, _) => Some(ContentType::Text),
        };
        let in_sealed = parent == Some(Family::Sealed);
        match kind {
            Some(ContentType::Multipart { family, boundary }) if part.encoding.is_identity() => {
                let family = if in_sealed { Family::Sealed } else { family };
                if family != Family::Sealed {
                    part.kind = Kind::Multipart;
                }
                self.open(family, boundary)?;
                self.push(part)?;
                self.place = Place::Between;
                Ok(())
            }
            Some(ContentType::Text) if !in_sealed => {
                part.kind = Kind::Text;
                self.push(part)
            }
            Some(ContentType::Octets) if !in_sealed => {
                part.kind = Kind::Octets;
                self.push(part)
            }
            Some(
                ContentType::Text
                | ContentType::Octets
                | ContentType::Message
                | ContentType::Multipart { .. },
            )
            | None => self.push(part),
        }
    }

    fn open(&mut self, family: Family, boundary: &'a [u8]) -> Result<(), Unclear> {
        if self.open.len() >= DEEPEST {
            return Err(Unclear::TooDeep);
        }
        self.open.push(Open {
            boundary,
            family,
            part: self.parts.len(),
            is_closed: false,
        });
        Ok(())
    }

    /// Adds a part whose content goes on until a delimiter.
    fn push(&mut self, part: Part) -> Result<(), Unclear> {
        if self.parts.len() >= MOST_PARTS {
            return Err(Unclear::TooMany);
        }
        self.place = Place::Leaf(self.parts.len());
        self.parts.push(part);
        Ok(())
    }

    /// Ends the leaf, and the multiparts from `level` inwards, at `end`.
    fn end_parts(&mut self, level: usize, end: usize) {
        let leaf = match std::mem::replace(&mut self.place, Place::Between) {
            Place::Leaf(part) => Some(part),
            Place::Header { .. } | Place::Between => None,
        };
        let multiparts = self
            .open
            .drain(level.min(self.open.len())..)
            .map(|open| open.part);
        for part in leaf.into_iter().chain(multiparts) {
            if let Some(part) = self.parts.get_mut(part) {
                part.content.end = end.max(part.content.start);
            }
        }
    }
}

impl Part {
    fn sealed(header: Range<usize>, start: usize) -> Self {
        Self {
            header,
            content: start..start,
            kind: Kind::Sealed,
            is_typed: false,
            encoding: TransferEncoding::Unknown,
            encoding_value: None,
        }
    }
}

/// Without the line end and the blanks before it, which hops may have added (RFC 2046 §5.1.1).
fn without_blanks(line: &[u8]) -> &[u8] {
    let text = line.strip_suffix(b"\r\n").unwrap_or(line);
    let blanks = text
        .iter()
        .rev()
        .take_while(|octet| matches!(octet, b' ' | b'\t'));
    let length = text.len() - blanks.count();
    text.get(..length).unwrap_or_default()
}

/// Whether a delimiter is the last of its multipart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    Yes,
    No,
}

/// The value of the one field of that name, if there is one. `Err`: there are several.
fn single(message: &[u8], fields: &[Field], name: &str) -> Result<Option<Range<usize>>, Repeated> {
    let mut named = fields.iter().filter(|field| field.is(message, name));
    let first = named.next();
    if named.next().is_some() {
        return Err(Repeated);
    }
    Ok(first.map(|field| field.value.clone()))
}

/// A field stands in a header more than once.
struct Repeated;

/// Multiparts within multiparts; honest mail has fewer than ten.
const DEEPEST: usize = 32;
/// Parts of a message.
const MOST_PARTS: usize = 10_000;
/// Fields of a part's header.
const MOST_FIELDS: usize = 1_000;

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
