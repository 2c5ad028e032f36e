//! Makes a message one whose signature survives the next hops: CRLF alone ends lines, a header is parted from its body,
//! fields that must not travel are taken out, and what a hop might convert or break is re-encoded or folded. A message that
//! needs nothing of this is passed on as it is.

pub(in crate::intake) mod fields;
pub(in crate::intake) mod fold;
mod mending;
mod singletons;

use std::ops::Range;

use self::fields::{Field, take_line};
use super::form::{BareLineEnds, EightBit, LongLines, MessageSettings};
use super::mime::{self, Wanted};
use crate::envelope::ReversePath;
use crate::smtp::data::{DataNotes, has_long_line};

pub use mending::Mending;

/// Why a message cannot be made well-formed, or is not to be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// NUL has no place in a message (RFC 5322 §2.2, RFC 5321 §4.5.2), and hides text from those who read it.
    #[error("the message holds NUL")]
    Nul,
    /// A CR or LF stands alone, and the settings refuse that.
    #[error("the message holds bare CR or LF: message.bare_line_ends would mend it")]
    BareLineEnds,
    /// There are more fields than the settings allow.
    #[error("the header has more than {limit} fields, smtp.max_header_fields")]
    TooManyFields {
        /// How many are allowed.
        limit: usize,
    },
    /// A field is not there, and the settings refuse that.
    #[error("the message has no {0} field, and the section [message] refuses that")]
    Missing(&'static str),
    /// A field stands there more than once, and the settings refuse that.
    #[error("the message has more than one {0} field, and the section [message] refuses that")]
    Repeated(&'static str),
    /// A header line over 998 octets has no white space to fold it at.
    #[error("a header line over 998 octets cannot be folded: message.long_lines could let it pass")]
    LongHeaderLine,
    /// A line over 998 octets stands where nothing may be re-encoded.
    #[error("a line over 998 octets cannot be re-encoded: message.long_lines could let it pass")]
    LongLine,
}

/// What a message is brought into normal form by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What is done about its form.
    pub form: &'a MessageSettings,
    /// How many header fields it may have.
    pub max_fields: usize,
    /// Who sent it, for a From that is missing.
    pub sender: &'a ReversePath,
}

/// A message in normal form.
#[derive(Debug, PartialEq, Eq)]
pub struct Normalized {
    /// Header, empty line, body; every line ends in CRLF, and no CR or LF stands alone.
    pub content: Vec<u8>,
    /// Whether there are octets over 127 in `content`.
    pub eight_bit: bool,
    /// What was mended, in the order of [`Mending::ALL`].
    pub mendings: Vec<Mending>,
    /// The header fields in `content`, in their order. They follow one another without a gap from offset 0.
    fields: Vec<Field>,
}

impl Normalized {
    /// A message that is taken for one in normal form: only its fields are looked for.
    #[cfg(test)]
    pub(crate) fn parse(content: Vec<u8>) -> Self {
        Self {
            eight_bit: !content.is_ascii(),
            ..parted(content, usize::MAX)
        }
    }

    /// The header, without the empty line.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        self.content.get(..self.header_length()).unwrap_or_default()
    }

    pub(super) fn header_length(&self) -> usize {
        self.fields.last().map_or(0, |field| field.value.end)
    }

    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
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

    /// Whether somebody has signed the message as it is: then nothing in it is to be mended that can be left.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        let signatures = ["DKIM-Signature", "ARC-Message-Signature"];
        signatures
            .iter()
            .any(|name| self.values(name).next().is_some())
    }

    /// The same message with another content, which these changes made.
    pub(super) fn rewritten(
        mut self,
        content: Vec<u8>,
        changes: impl IntoIterator<Item = Mending>,
    ) -> Self {
        self.mendings.extend(changes);
        Self {
            mendings: self.mendings,
            ..parted(content, usize::MAX)
        }
    }
}

/// Brings a message into normal form.
///
/// # Errors
/// [`Malformed`].
pub fn normalize(
    content: Vec<u8>,
    notes: DataNotes,
    rules: &Rules<'_>,
) -> Result<Normalized, Malformed> {
    if notes.nul {
        return Err(Malformed::Nul);
    }
    let form = rules.form;
    let mut mendings = Vec::new();
    let mut content = content;
    if notes.bare_cr_or_lf {
        if form.bare_line_ends == BareLineEnds::Refuse {
            return Err(Malformed::BareLineEnds);
        }
        content = mend_line_ends(&content);
        mendings.push(Mending::BareLineEnds);
    }
    let message = parted(content, rules.max_fields);
    if message.fields.len() > rules.max_fields {
        let limit = rules.max_fields;
        return Err(Malformed::TooManyFields { limit });
    }
    let mut message = with_clean_fields(message);
    message.mendings = mendings;
    let message = singletons::settle(message, rules)?;
    let wanted = Wanted {
        eight_bit: notes.eight_bit && form.eight_bit == EightBit::Reencode,
        long_lines: notes.long_line && form.long_lines != LongLines::Pass,
    };
    let needs_nothing = !wanted.eight_bit && !wanted.long_lines;
    let mut message = if needs_nothing || message.is_signed() {
        message
    } else {
        mime::mended(message, wanted)
    };
    if notes.long_line && form.long_lines == LongLines::Mend {
        refuse_long_lines(&message)?;
    }
    message.eight_bit = notes.eight_bit && !message.content.is_ascii();
    Ok(message)
}

fn refuse_long_lines(message: &Normalized) -> Result<(), Malformed> {
    if has_long_line(message.header()) {
        return Err(Malformed::LongHeaderLine);
    }
    if has_long_line(message.body()) {
        return Err(Malformed::LongLine);
    }
    Ok(())
}

/// A bare LF becomes CRLF; a bare CR becomes a space, since a line end in its place could make a header field or a
/// boundary out of what readers before us took for text.
fn mend_line_ends(content: &[u8]) -> Vec<u8> {
    let room = content.len() + memchr::memchr_iter(b'\n', content).count();
    let mut mended = Vec::with_capacity(room);
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
/// message without a header has it: an empty line then goes before it, so that nothing of it is lost. The first field over
/// `max_fields` ends the reading.
fn parted(mut content: Vec<u8>, max_fields: usize) -> Normalized {
    if !content.is_empty() && !content.ends_with(b"\r\n") {
        content.extend_from_slice(b"\r\n");
    }
    let mut fields: Vec<Field> = Vec::new();
    let mut offset = 0;
    let mut empty_line = false;
    for line in content.split_inclusive(|octet| *octet == b'\n') {
        if line == b"\r\n" {
            empty_line = true;
            break;
        }
        if !take_line(&mut fields, line, offset) || fields.len() > max_fields {
            break;
        }
        offset += line.len();
    }
    if !empty_line {
        content.splice(offset..offset, *b"\r\n");
    }
    Normalized {
        content,
        eight_bit: false,
        mendings: Vec::new(),
        fields,
    }
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
    parted(content, usize::MAX)
}

#[cfg(test)]
mod tests;
