//! Re-encodes what a later hop might have to convert, and folds what it might break: 8-bit text and lines over 998 octets.
//! Such a conversion after signing would break every signature (RFC 6376 §5.3).
//!
//! Of a part its content and its Content-Transfer-Encoding change, and nothing else; the decoded content is the same. Left as
//! they are: messages within the message (RFC 2046 §5.2.1), what is signed or encrypted (RFC 1847), parts in an encoding that
//! is unknown or broken, and the whole body when its structure is not beyond doubt.

mod armour;
mod content_type;
mod edits;
mod parts;
mod tokens;
mod transfer_encoding;

use std::ops::Range;

use armour::Armour;
use edits::{Change, Edits};
use parts::{Kind, Part, parts};
use transfer_encoding::TransferEncoding;

use super::normalize::fold::folds;
use super::normalize::{Mending, Normalized};
use crate::smtp::data::has_long_line;

/// What is to be mended where it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Octets over 127 in content.
    pub(super) eight_bit: bool,
    /// Lines over 998 octets.
    pub(super) long_lines: bool,
}

impl Wanted {
    fn in_content(self, octets: &[u8]) -> bool {
        (self.eight_bit && !octets.is_ascii()) || (self.long_lines && has_long_line(octets))
    }
}

/// The message with everything mended that can be.
pub(super) fn mended(message: Normalized, wanted: Wanted) -> Normalized {
    let parts = parts(&message).unwrap_or_default();
    let mut edits = Edits::default();
    if wanted.long_lines {
        fold(&message, &parts, &mut edits);
    }
    let folded = !edits.is_empty();
    let encoded = reencode(&message, &parts, wanted, &mut edits);
    if edits.is_empty() {
        return message;
    }
    let content = edits.apply(&message.content);
    let folded = folded.then_some(Mending::Folded);
    let encoded = encoded.then_some(Mending::Reencoded);
    message.rewritten(content, folded.into_iter().chain(encoded))
}

/// Folds the message's own header, and those of its parts that may be touched.
fn fold(message: &Normalized, parts: &[Part], edits: &mut Edits) {
    let inner = parts.iter().skip(1).filter(|part| match part.kind {
        Kind::Text | Kind::Octets | Kind::Multipart => true,
        Kind::Sealed => false,
    });
    let own = 0..message.header_length();
    for header in std::iter::once(own).chain(inner.map(|part| part.header.clone())) {
        let lines = message.content.get(header.clone()).unwrap_or_default();
        for place in folds(lines) {
            edits.insert(header.start + place, "\r\n");
        }
    }
}

/// Encodes the leaves that need it; whether any did.
fn reencode(message: &Normalized, parts: &[Part], wanted: Wanted, edits: &mut Edits) -> bool {
    let planned: Vec<(&Part, Armour, Change)> = parts
        .iter()
        .filter_map(|part| {
            let (armour, change) = plan(&message.content, part, wanted)?;
            Some((part, armour, change))
        })
        .collect();
    if planned.is_empty() {
        return false;
    }
    let encoded: Vec<Range<usize>> = planned
        .iter()
        .map(|(part, _, _)| part.content.clone())
        .collect();
    relabel(&message.content, parts, &encoded, edits);
    add_mime_fields(message, parts, edits);
    for (part, armour, change) in planned {
        let token = armour.token();
        match &part.encoding_value {
            Some(_) if armour.is_named_by(part.encoding) => {}
            Some(value) => {
                edits.replace(value.clone(), Change::Text(format!(" {token}\r\n").into()));
            }
            None => edits.insert(
                part.header.end,
                format!("Content-Transfer-Encoding: {token}\r\n"),
            ),
        }
        edits.replace(part.content.clone(), change);
    }
    true
}

/// How a leaf is to be encoded, if it needs to be and can be.
fn plan(message: &[u8], part: &Part, wanted: Wanted) -> Option<(Armour, Change)> {
    let octets = message.get(part.content.clone())?;
    if !wanted.in_content(octets) {
        return None;
    }
    let armour = |content: &[u8]| match (part.kind, part.encoding) {
        (Kind::Multipart | Kind::Sealed, _) => None,
        (Kind::Octets, _) | (Kind::Text, TransferEncoding::Base64) => Some(Armour::Base64),
        (Kind::Text, _) => Some(Armour::for_text(content)),
    };
    if part.encoding.is_identity() {
        let armour = armour(octets)?;
        return Some((armour, Change::Encoded(armour)));
    }
    let content = part.encoding.decode(octets)?;
    let armour = armour(&content)?;
    Some((armour, Change::Anew(armour, content.into_owned())))
}

/// Says `7bit` of the multiparts that said `8bit` or `binary` and hold no 8-bit octets any more: a hop that goes by the
/// label would convert them otherwise, and alter the label at least.
fn relabel(message: &[u8], parts: &[Part], encoded: &[Range<usize>], edits: &mut Edits) {
    for part in parts {
        let (Kind::Multipart, TransferEncoding::EightBit, Some(value)) =
            (part.kind, part.encoding, &part.encoding_value)
        else {
            continue;
        };
        let first = encoded.partition_point(|range| range.start < part.content.start);
        let within = encoded.iter().skip(first);
        let mut within = within
            .take_while(|range| range.start < part.content.end)
            .peekable();
        if within.peek().is_none() {
            continue;
        }
        let mut at = part.content.start;
        let mut ascii = true;
        for range in within {
            ascii &= message.get(at..range.start).is_some_and(<[u8]>::is_ascii);
            at = range.end;
        }
        ascii &= message
            .get(at..part.content.end)
            .is_some_and(<[u8]>::is_ascii);
        if ascii {
            edits.replace(value.clone(), Change::Text(" 7bit\r\n".into()));
        }
    }
}

/// Adds what makes a reader decode: MIME-Version (RFC 2045 §4), and a Content-Type to a text that has none and was not
/// encoded. Text of before MIME is what most readers take it for, UTF-8, or text in a charset that nobody knows (RFC 1428 §3).
fn add_mime_fields(message: &Normalized, parts: &[Part], edits: &mut Edits) {
    let end = message.header_length();
    if message.values("MIME-Version").next().is_none() {
        edits.insert(end, "MIME-Version: 1.0\r\n");
    }
    let is_bare = |message: &Part| !message.is_typed && message.encoding.is_identity();
    if parts.first().is_some_and(is_bare) {
        let charset = match std::str::from_utf8(message.body()) {
            Ok(text) if text.is_ascii() => "us-ascii",
            Ok(_) => "utf-8",
            Err(_) => "unknown-8bit",
        };
        edits.insert(
            end,
            format!("Content-Type: text/plain; charset={charset}\r\n"),
        );
    }
}
