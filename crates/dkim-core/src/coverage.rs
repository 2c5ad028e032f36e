//! What an existing signature covers of a message, so that a message as sent can be compared with the same as received.
//!
//! It reads what the verifier reads, and judges no signature: it looks for no key.

use std::ops::Range;

use aws_lc_rs::digest;
use common_config::name::KeyName;

use crate::canon::{Canonicalization, header};
use crate::error::SignatureError;
use crate::field::{Field, HeaderBlock};
use crate::header_hash;
use crate::signature::Signature;

/// What one `DKIM-Signature` field says that it covers.
///
/// ```
/// use dkim_core::{Coverage, HeaderBlock};
///
/// let message = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed; d=example.com; s=sel;\r\n h=From:To; bh=AAAA; b=BBBB\r\n\
///     From:  Jo  <jo@example.com>\r\n\r\nHi.\r\n";
/// let (header, _) = HeaderBlock::parse(message)?;
/// let coverage = Coverage::read(&header.fields()[0])?;
/// let fields = coverage.fields(&header);
/// assert_eq!(coverage.header_canonicalization().field(fields[0].unwrap()), b"from:Jo <jo@example.com>\r\n");
/// assert!(fields[1].is_none(), "there is no To");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Coverage<'a> {
    field: Field<'a>,
    signature: Signature,
}

impl<'a> Coverage<'a> {
    /// Reads a `DKIM-Signature` field.
    ///
    /// # Errors
    /// The tag that is missing or malformed.
    pub fn read(field: &Field<'a>) -> Result<Coverage<'a>, SignatureError> {
        Ok(Coverage {
            field: *field,
            signature: Signature::parse(field.body())?,
        })
    }

    /// Where the key of the signature is published.
    pub fn key(&self) -> &KeyName {
        &self.signature.key
    }

    /// The first half of `c=`.
    pub fn header_canonicalization(&self) -> Canonicalization {
        self.signature.header_canonicalization
    }

    /// The second half of `c=`.
    pub fn body_canonicalization(&self) -> Canonicalization {
        self.signature.body_canonicalization
    }

    /// The names of `h=`, as written.
    pub fn names(&self) -> &[String] {
        &self.signature.names
    }

    /// `l=`: how many octets of the canonical body are covered; nothing when it is all of it.
    pub fn length(&self) -> Option<u64> {
        self.signature.length
    }

    /// `bh=`.
    pub fn body_hash(&self) -> &[u8] {
        &self.signature.body_hash
    }

    /// One answer for each name of `h=`: the field of `header` that it names, of several the last first (RFC 6376 §5.4.2),
    /// or nothing. The signature is never one of its own fields.
    pub fn fields<'f>(&self, header: &'f HeaderBlock<'a>) -> Vec<Option<&'f Field<'a>>> {
        let own = self.field.raw().as_ptr();
        let others = header
            .fields()
            .iter()
            .filter(|field| !std::ptr::eq(field.raw().as_ptr(), own));
        header_hash::named_or_absent(others, self.names()).collect()
    }

    /// The signature's own field as it is hashed, its `b=` emptied.
    pub fn own_form(&self) -> Vec<u8> {
        let raw = self.field.raw();
        let content = raw.strip_suffix(b"\r\n").unwrap_or(raw);
        let start = content.len() - self.field.body().len();
        let Range { start: from, end } = self.signature.value_span;
        let before = content.get(..start + from).unwrap_or_default();
        let after = content.get(start + end..).unwrap_or_default();
        let mut octets = Vec::with_capacity(content.len());
        header::push_unsigned(
            self.header_canonicalization(),
            &[before, after].concat(),
            &mut octets,
        );
        octets
    }

    /// The value of `b=`, without base64.
    pub fn value(&self) -> &[u8] {
        &self.signature.value
    }

    /// Whether `body` is the one that was signed: its canonical form, as far as `l=` reaches, has the hash of `bh=`.
    pub fn covers_body(&self, body: &[u8]) -> bool {
        let canonical = self.body_canonicalization().body(body);
        let covered = match self.length() {
            None => Some(canonical.as_slice()),
            Some(length) => usize::try_from(length)
                .ok()
                .and_then(|length| canonical.get(..length)),
        };
        covered.is_some_and(|covered| {
            digest::digest(&digest::SHA256, covered).as_ref() == self.body_hash()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SignatureParams, SigningKey, sign};

    const MESSAGE: &[u8] =
        b"To: one\r\nFrom: a@example.com\r\nto: two\r\n\r\nbody \r\n \r\nmore\r\n\r\n";

    fn signed(canonicalization: Canonicalization) -> Vec<u8> {
        let key = SigningKey::from_ed25519_seed(&[9; 32]).unwrap();
        let params = SignatureParams::new("example.com".parse().unwrap(), "sel".parse().unwrap())
            .canonicalization(canonicalization, canonicalization);
        let field = sign(MESSAGE, &[(params, key)]).unwrap().remove(0).text;
        [field.as_slice(), MESSAGE].concat()
    }

    #[test]
    fn fields_are_named_from_the_last_and_may_be_absent() {
        let message = signed(Canonicalization::Relaxed);
        let (header, _) = HeaderBlock::parse(&message).unwrap();
        let coverage = Coverage::read(&header.fields()[0]).unwrap();
        let fields = coverage.fields(&header);
        assert_eq!(fields.len(), coverage.names().len());
        let found: Vec<Option<&[u8]>> = coverage
            .names()
            .iter()
            .zip(&fields)
            .filter(|(name, _)| name.eq_ignore_ascii_case("to"))
            .map(|(_, field)| field.map(|field| field.body()))
            .collect();
        assert_eq!(found, [Some(&b" two"[..]), Some(b" one"), None]);
    }

    #[test]
    fn its_own_form_has_an_empty_value() {
        for kind in [Canonicalization::Relaxed, Canonicalization::Simple] {
            let message = signed(kind);
            let (header, _) = HeaderBlock::parse(&message).unwrap();
            let coverage = Coverage::read(&header.fields()[0]).unwrap();
            let form = String::from_utf8(coverage.own_form()).unwrap();
            assert!(form.ends_with("b="), "{form}");
            assert_eq!(coverage.value().len(), 64);
        }
    }

    #[test]
    fn a_body_is_known_by_its_hash() {
        let message = signed(Canonicalization::Relaxed);
        let (header, _) = HeaderBlock::parse(&message).unwrap();
        let coverage = Coverage::read(&header.fields()[0]).unwrap();
        assert!(coverage.covers_body(b"body\r\n\r\nmore"));
        assert!(!coverage.covers_body(b"body\r\nmore\r\n"));
        // RFC 6376 §3.4.5: l= cuts the canonical body; the sum is that of "body\r\n".
        let field = b"DKIM-Signature: v=1; a=rsa-sha256; c=simple/relaxed; d=e.com; s=s; h=From; l=6; bh=AAAA; b=AAAA\r\n\r\n";
        let sum = digest::digest(&digest::SHA256, b"body\r\n");
        let (header, _) = HeaderBlock::parse(field).unwrap();
        let mut coverage = Coverage::read(&header.fields()[0]).unwrap();
        coverage.signature.body_hash = sum.as_ref().to_vec();
        assert!(coverage.covers_body(b"body \r\nand what was added\r\n"));
        assert!(!coverage.covers_body(b"bod"));
    }
}
