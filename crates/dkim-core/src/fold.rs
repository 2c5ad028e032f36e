//! The text of a `DKIM-Signature` field, folded.
//!
//! Lines stay under 78 octets wherever RFC 6376 §3.5 allows white space: between tags, after the colons of `h=`, inside
//! `b=`. Names are never split. `b=` comes last and starts a line, so that whoever empties it, by whatever rule, leaves the same octets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::algorithm::Algorithm;
use crate::params::SignatureParams;

/// The field up to and with `h=`: all that can be written before the body hash is known.
pub(crate) fn opening(params: &SignatureParams, algorithm: Algorithm, names: &[&str]) -> Folder {
    let mut folder = Folder::new();
    folder.tag(&["v=1;"]);
    folder.tag(&["a=", algorithm.as_str(), ";"]);
    let (header, body) = (params.header_canonicalization, params.body_canonicalization);
    folder.tag(&["c=", header.as_str(), "/", body.as_str(), ";"]);
    folder.tag(&["d=", params.domain.as_str(), ";"]);
    folder.tag(&["s=", params.selector.as_str(), ";"]);
    if let Some(identity) = &params.identity {
        folder.tag(&["i=@", identity.as_str(), ";"]);
    }
    if let Some(timestamp) = params.timestamp {
        folder.tag(&["t=", &timestamp.to_string(), ";"]);
    }
    if let Some(expires) = params.expires {
        folder.tag(&["x=", &expires.to_string(), ";"]);
    }
    if params.reports {
        folder.tag(&["r=y;"]);
    }
    for (place, name) in names.iter().enumerate() {
        let end = if place + 1 == names.len() { ";" } else { ":" };
        if place == 0 {
            folder.tag(&["h=", name, end]);
        } else {
            folder.joined(&[name, end]);
        }
    }
    folder
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

/// A field under way.
pub(crate) struct Folder {
    text: String,
    column: usize,
}

impl Folder {
    fn new() -> Folder {
        let mut text = String::with_capacity(USUAL_LENGTH);
        text.push_str(NAME);
        text.push(':');
        let column = text.len();
        Folder { text, column }
    }

    /// The field up to and with `b=`, as it is hashed: no value in `b=`, no CRLF after it.
    pub(crate) fn unsigned(mut self, body_hash: &[u8; 32]) -> String {
        self.tag(&["bh=", &STANDARD.encode(body_hash), ";"]);
        self.line(&["b="]);
        self.text
    }

    /// Adds a tag, given in parts, after a space, or on a line of its own.
    fn tag(&mut self, tag: &[&str]) {
        if self.column + 1 + length(tag) > WIDTH {
            self.line(tag);
        } else {
            self.push(" ", tag);
        }
    }

    /// Adds a part of a value right after what is there, or on a line of its own.
    fn joined(&mut self, part: &[&str]) {
        if self.column + length(part) > WIDTH {
            self.line(part);
        } else {
            self.push("", part);
        }
    }

    fn line(&mut self, part: &[&str]) {
        self.text.push_str("\r\n");
        self.column = 0;
        self.push(" ", part);
    }

    fn push(&mut self, before: &str, part: &[&str]) {
        self.text.push_str(before);
        self.column += before.len();
        for piece in part {
            self.text.push_str(piece);
            self.column += piece.len();
        }
    }
}

fn length(part: &[&str]) -> usize {
    part.iter().map(|piece| piece.len()).sum()
}

const NAME: &str = "DKIM-Signature";
/// RFC 5322 §2.1.1: lines SHOULD have no more than 78 octets. Ours stay below.
const WIDTH: usize = 76;
/// Room for the whole field with an RSA signature of 2,048 bits, so that it is not moved while it grows.
const USUAL_LENGTH: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::Signature;
    use proptest::prelude::*;

    #[test]
    fn reads_as_it_should() {
        let params = SignatureParams::new("example.com".parse().unwrap(), "sel".parse().unwrap())
            .timestamp(1);
        let opening = opening(&params, Algorithm::RsaSha256, &["From", "From", "To"]);
        let text = signed(opening.unsigned(&[0; 32]), &[0; 120]);
        let expected = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=sel;\r\n \
                        t=1; h=From:From:To; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;\r\n \
                        b=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n \
                        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n \
                        AAAAAAAAAAAA\r\n";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    fn label() -> impl Strategy<Value = String> {
        "[a-z][a-z0-9]{0,40}"
    }

    proptest! {
        #[test]
        fn folding_round_trips(
            domain in (label(), label()), selector in label(), expires in proptest::option::of(10u64..),
            names in proptest::collection::vec("[A-Z][A-Za-z-]{0,63}", 0..40), value in proptest::collection::vec(any::<u8>(), 1..600),
        ) {
            let name = format!("{}.{}", domain.0, domain.1);
            let mut params = SignatureParams::new(name.parse().unwrap(), selector.parse().unwrap())
                .timestamp(9)
                .identity(format!("mail.{name}").parse().unwrap());
            if let Some(expires) = expires {
                params = params.expires(expires);
            }
            let names: Vec<String> = names.into_iter().chain(["From".to_owned()]).collect();
            let listed: Vec<&str> = names.iter().map(String::as_str).collect();
            let opening = opening(&params, Algorithm::Ed25519Sha256, &listed);
            let text = signed(opening.unsigned(&[7; 32]), &value);
            let text = String::from_utf8(text).unwrap();
            let body = text.strip_prefix("DKIM-Signature: ").unwrap();
            prop_assert!(!body.starts_with([' ', '\r']));
            for line in text.strip_suffix("\r\n").unwrap().split("\r\n") {
                prop_assert!(line.len() < 78 || line.trim_start().len() == line.len() - 1 && !line.contains(": "), "{}", line);
                prop_assert!(!line.ends_with(' ') && !line.trim().is_empty());
            }
            let read = Signature::parse(body.strip_suffix("\r\n").unwrap().as_bytes()).unwrap();
            prop_assert_eq!(read.names, names);
            prop_assert_eq!(read.value, value);
            prop_assert_eq!(read.body_hash, vec![7; 32]);
            prop_assert_eq!(read.key, params.key_name());
            prop_assert_eq!(Some(read.identity), params.identity);
            prop_assert_eq!((read.timestamp, read.expires), (Some(9), expires));
        }
    }
}
