//! The text of a `DKIM-Signature` field, folded.
//!
//! Lines stay under 78 octets wherever RFC 6376 §3.5 allows white space: between tags, after the colons of `h=`, inside
//! `b=`. Names are never split. `b=` comes last and starts a line, so that whoever empties it, by whatever rule, leaves the same octets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::algorithm::Algorithm;
use crate::params::SignatureParams;

/// The field up to and with `b=`, as it is hashed: no value in `b=`, no CRLF after it.
pub(crate) fn unsigned(
    params: &SignatureParams,
    algorithm: Algorithm,
    names: &[String],
    body_hash: &[u8; 32],
) -> String {
    let mut folder = Folder {
        text: format!("{NAME}:"),
        column: NAME.len() + 1,
    };
    folder.tag("v=1;");
    folder.tag(&format!("a={algorithm};"));
    folder.tag(&format!(
        "c={}/{};",
        params.header_canonicalization, params.body_canonicalization
    ));
    folder.tag(&format!("d={};", params.domain));
    folder.tag(&format!("s={};", params.selector));
    if let Some(identity) = &params.identity {
        folder.tag(&format!("i=@{identity};"));
    }
    if let Some(timestamp) = params.timestamp {
        folder.tag(&format!("t={timestamp};"));
    }
    if let Some(expires) = params.expires {
        folder.tag(&format!("x={expires};"));
    }
    if params.reports {
        folder.tag("r=y;");
    }
    for (place, name) in names.iter().enumerate() {
        let end = if place + 1 == names.len() { ';' } else { ':' };
        if place == 0 {
            folder.tag(&format!("h={name}{end}"));
        } else {
            folder.joined(&format!("{name}{end}"));
        }
    }
    folder.tag(&format!("bh={};", STANDARD.encode(body_hash)));
    folder.line("b=");
    folder.text
}

/// The whole field with its CRLF.
pub(crate) fn signed(mut unsigned: String, signature: &[u8]) -> Vec<u8> {
    let encoded = STANDARD.encode(signature);
    let mut rest = encoded.as_str();
    let mut room = WIDTH - " b=".len();
    while let Some((line, after)) = rest.split_at_checked(room) {
        unsigned.push_str(line);
        rest = after;
        if rest.is_empty() {
            break;
        }
        unsigned.push_str("\r\n ");
        room = WIDTH - " ".len();
    }
    unsigned.push_str(rest);
    unsigned.push_str("\r\n");
    unsigned.into_bytes()
}

struct Folder {
    text: String,
    column: usize,
}

impl Folder {
    /// Adds a tag after a space, or on a line of its own.
    fn tag(&mut self, tag: &str) {
        if self.column + 1 + tag.len() > WIDTH {
            self.line(tag);
        } else {
            self.text.push(' ');
            self.text.push_str(tag);
            self.column += 1 + tag.len();
        }
    }

    /// Adds a part of a value right after what is there, or on a line of its own.
    fn joined(&mut self, part: &str) {
        if self.column + part.len() > WIDTH {
            self.line(part);
        } else {
            self.text.push_str(part);
            self.column += part.len();
        }
    }

    fn line(&mut self, part: &str) {
        self.text.push_str("\r\n ");
        self.text.push_str(part);
        self.column = 1 + part.len();
    }
}

const NAME: &str = "DKIM-Signature";
/// RFC 5322 §2.1.1: lines SHOULD have no more than 78 octets. Ours stay below.
const WIDTH: usize = 76;
