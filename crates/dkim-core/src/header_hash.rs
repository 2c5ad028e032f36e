//! The hash over the header fields that `h=` names (RFC 6376 §3.7, §5.4.2).

use std::collections::HashMap;

use aws_lc_rs::digest;

use crate::body_hash::sha256_octets;
use crate::canon::{Canonicalization, header};
use crate::field::{Field, HeaderBlock};

/// A header hash that waits for the signature field itself, which comes last.
#[derive(Clone)]
pub(crate) struct HeaderHash {
    kind: Canonicalization,
    context: digest::Context,
}

impl HeaderHash {
    /// Hashes the named fields: of several with one name the last first; a name with no field left adds nothing.
    pub(crate) fn new<N: AsRef<str>>(
        kind: Canonicalization,
        header: &HeaderBlock<'_>,
        names: &[N],
    ) -> HeaderHash {
        Self::select(kind, header.fields().iter(), names)
    }

    /// The same without the field at `place`: the signature under verification is never one of its own fields.
    pub(crate) fn without<N: AsRef<str>>(
        place: usize,
        kind: Canonicalization,
        header: &HeaderBlock<'_>,
        names: &[N],
    ) -> HeaderHash {
        let others = header
            .fields()
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != place);
        Self::select(kind, others.map(|(_, field)| field), names)
    }

    fn select<'f, 'm: 'f, N: AsRef<str>>(
        kind: Canonicalization,
        fields: impl Iterator<Item = &'f Field<'m>>,
        names: &[N],
    ) -> HeaderHash {
        let mut left: HashMap<String, Vec<&Field<'_>>> = HashMap::new();
        for field in fields {
            left.entry(field.name().to_ascii_lowercase())
                .or_default()
                .push(field);
        }
        let mut octets = Vec::with_capacity(4 * 1024);
        for name in names {
            if let Some(field) = left
                .get_mut(&name.as_ref().to_ascii_lowercase())
                .and_then(Vec::pop)
            {
                header::push(kind, field, &mut octets);
            }
        }
        let mut context = digest::Context::new(&digest::SHA256);
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
