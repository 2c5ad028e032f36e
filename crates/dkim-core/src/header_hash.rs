//! The hash over the header fields that `h=` names (RFC 6376 §3.7, §5.4.2).

use std::collections::HashMap;

use aws_lc_rs::digest;

use crate::body_hash::sha256_octets;
use crate::canon::{Canonicalization, header};
use crate::field::Field;

/// A header hash that waits for the signature field itself, which comes last.
#[derive(Clone)]
pub(crate) struct HeaderHash {
    kind: Canonicalization,
    context: digest::Context,
}

impl HeaderHash {
    /// Hashes fields in the order in which `h=` names them.
    pub(crate) fn new<'f, 'm: 'f>(
        kind: Canonicalization,
        fields: impl IntoIterator<Item = &'f Field<'m>>,
    ) -> HeaderHash {
        let mut context = digest::Context::new(&digest::SHA256);
        // Field by field would cost the hash more than the copy.
        let mut octets = Vec::with_capacity(STAGE);
        for field in fields {
            if octets.len() + field.raw().len() > STAGE {
                context.update(&octets);
                octets.clear();
            }
            header::push(kind, field, &mut octets);
        }
        context.update(&octets);
        HeaderHash { kind, context }
    }

    /// Adds the signature field, its `b=` emptied and without the CRLF at its end, and ends the hash.
    pub(crate) fn finish(mut self, name: &[u8], raw: &[u8], body: &[u8]) -> [u8; 32] {
        match self.kind {
            Canonicalization::Simple => self.context.update(raw),
            Canonicalization::Relaxed => {
                let mut octets = Vec::with_capacity(raw.len());
                header::push_relaxed(name, body, &mut octets);
                self.context.update(&octets);
            }
        }
        sha256_octets(&self.context.finish())
    }
}

/// The fields that `names` name: of several with one name the last first; a name with no field left adds nothing.
pub(crate) fn named<'f, 'm: 'f, N: AsRef<str>>(
    fields: impl Iterator<Item = &'f Field<'m>>,
    names: &[N],
) -> Vec<&'f Field<'m>> {
    named_or_absent(fields, names).flatten().collect()
}

/// One answer for each of `names`: the field that it names, of several the last first, or nothing.
///
/// A stranger wrote the names, and may have written very many.
pub(crate) fn named_or_absent<'f, 'm: 'f, N: AsRef<str>>(
    fields: impl Iterator<Item = &'f Field<'m>>,
    names: &[N],
) -> impl Iterator<Item = Option<&'f Field<'m>>> {
    let mut left: HashMap<String, Vec<&Field<'_>>> = HashMap::new();
    for field in fields {
        left.entry(field.name().to_ascii_lowercase())
            .or_default()
            .push(field);
    }
    let lower = names.iter().map(|name| name.as_ref().to_ascii_lowercase());
    lower.map(move |name| left.get_mut(&name).and_then(Vec::pop))
}

/// How many octets are collected for the hash, unless one field is longer.
const STAGE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::HeaderBlock;
    use crate::header_set::HeaderSet;

    /// What a signer hashes is what a verifier finds by the names alone.
    #[test]
    fn the_selected_fields_are_the_named_ones() {
        let message = b"Received: 1\r\nTo: a\r\nList-Id: 1\r\nFrom: b\r\nto: c\r\nReceived: 2\r\nLIST-ID: 2\r\nTo: d\r\n";
        let (header, _) = HeaderBlock::parse(message).unwrap();
        let set = HeaderSet::default();
        let selection = set.select(&header);
        let found = named(header.fields().iter(), &selection.names);
        assert_eq!(selection.fields, found);
        let bodies: Vec<&[u8]> = found
            .iter()
            .map(|field| field.body().trim_ascii())
            .collect();
        assert_eq!(bodies.concat(), b"dca21b");
    }
}
