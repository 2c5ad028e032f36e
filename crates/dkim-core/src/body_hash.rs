//! Body hashes: made while the body passes, kept, and given back when a signature is made again.
//!
//! One [`BodyHasher`] serves any number of signatures in one pass, with one hash for each distinct canonicalization.

use aws_lc_rs::digest;

use crate::canon::Canonicalization;
use crate::canon::body::{BodyCanonicalizer, LineEndings, Sink};
use crate::error::LineError;

/// Hashes a body as it passes, once for each canonicalization asked for.
///
/// It holds no more than a small buffer for each canonicalization, however long the body.
#[derive(Clone)]
pub struct BodyHasher {
    lanes: Vec<Lane>,
}

impl BodyHasher {
    /// A hasher for these canonicalizations; one that is named twice is hashed once.
    pub fn new(canonicalizations: impl IntoIterator<Item = Canonicalization>) -> BodyHasher {
        let mut lanes: Vec<Lane> = Vec::new();
        for kind in canonicalizations {
            if !lanes.iter().any(|lane| lane.kind == kind) {
                lanes.push(Lane::new(kind, LineEndings::Strict, None));
            }
        }
        BodyHasher { lanes }
    }

    /// Takes the next octets of the body, in chunks of any size.
    ///
    /// # Errors
    /// A bare CR, a bare LF or a NUL, with its offset in the body. The hasher is then of no further use.
    pub fn update(&mut self, chunk: &[u8]) -> Result<(), LineError> {
        self.lanes
            .iter_mut()
            .try_for_each(|lane| lane.update(chunk))
    }

    /// The hashes of the whole body.
    ///
    /// # Errors
    /// A bare CR as the last octet of the body.
    pub fn finish(self) -> Result<BodyHashes, LineError> {
        let hashes = self.lanes.into_iter().map(|lane| {
            let kind = lane.kind;
            lane.finish().map(|(sha256, _)| (kind, sha256))
        });
        Ok(BodyHashes {
            hashes: hashes.collect::<Result<_, _>>()?,
        })
    }
}

impl std::fmt::Debug for BodyHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.lanes.iter().map(|lane| lane.kind))
            .finish()
    }
}

/// The SHA-256 of one body in one or both canonicalizations.
///
/// Keep it beside a message and the message can be signed again without its body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BodyHashes {
    hashes: Vec<(Canonicalization, [u8; 32])>,
}

impl BodyHashes {
    /// Hashes that were kept.
    pub fn from_sha256(
        hashes: impl IntoIterator<Item = (Canonicalization, [u8; 32])>,
    ) -> BodyHashes {
        BodyHashes {
            hashes: hashes.into_iter().collect(),
        }
    }

    /// The hash under one canonicalization, if it was made.
    pub fn sha256(&self, canonicalization: Canonicalization) -> Option<[u8; 32]> {
        self.iter()
            .find(|(kind, _)| *kind == canonicalization)
            .map(|(_, hash)| hash)
    }

    /// All hashes, to be kept.
    pub fn iter(&self) -> impl Iterator<Item = (Canonicalization, [u8; 32])> {
        self.hashes.iter().copied()
    }
}

/// One canonicalization of one body on its way into one hash.
#[derive(Clone)]
pub(crate) struct Lane {
    kind: Canonicalization,
    canonicalizer: BodyCanonicalizer,
    sum: BodySum,
}

impl Lane {
    /// `length` is the `l=` of a signature under verification: how many canonical octets are hashed.
    pub(crate) fn new(kind: Canonicalization, endings: LineEndings, length: Option<u64>) -> Lane {
        Lane {
            kind,
            canonicalizer: BodyCanonicalizer::new(kind, endings),
            sum: BodySum {
                context: digest::Context::new(&digest::SHA256),
                length,
                total: 0,
            },
        }
    }

    pub(crate) fn update(&mut self, chunk: &[u8]) -> Result<(), LineError> {
        self.canonicalizer.update(chunk, &mut self.sum)
    }

    /// The hash, and the length of the whole canonical body.
    pub(crate) fn finish(mut self) -> Result<([u8; 32], u64), LineError> {
        self.canonicalizer.finish(&mut self.sum)?;
        Ok((sha256_octets(&self.sum.context.finish()), self.sum.total))
    }
}

#[derive(Clone)]
struct BodySum {
    context: digest::Context,
    length: Option<u64>,
    /// Canonical octets so far, hashed or not.
    total: u64,
}

impl Sink for BodySum {
    fn write(&mut self, octets: &[u8]) {
        let hashed = match self.length {
            None => octets,
            Some(length) => {
                let room = usize::try_from(length.saturating_sub(self.total)).unwrap_or(usize::MAX);
                octets.get(..room).unwrap_or(octets)
            }
        };
        self.context.update(hashed);
        self.total += octets.len() as u64;
    }
}

/// The octets of a SHA-256.
pub(crate) fn sha256_octets(digest: &digest::Digest) -> [u8; 32] {
    let mut octets = [0; 32];
    octets.copy_from_slice(digest.as_ref()); // Both are 32 octets long, as all SHA-256 sums are.
    octets
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;

    #[test]
    fn the_hash_of_the_empty_body_is_the_rfc_s() {
        let hashes = BodyHasher::new([Canonicalization::Simple, Canonicalization::Relaxed])
            .finish()
            .unwrap();
        let text =
            |kind| base64::engine::general_purpose::STANDARD.encode(hashes.sha256(kind).unwrap());
        assert_eq!(
            text(Canonicalization::Simple),
            "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="
        ); // RFC 6376 §3.4.3
        assert_eq!(
            text(Canonicalization::Relaxed),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        ); // RFC 6376 §3.4.4
    }

    #[test]
    fn a_canonicalization_named_twice_is_hashed_once() {
        let hasher = BodyHasher::new([Canonicalization::Relaxed, Canonicalization::Relaxed]);
        assert_eq!(hasher.lanes.len(), 1);
    }

    #[test]
    fn kept_hashes_come_back() {
        let hashes = BodyHasher::new([Canonicalization::Simple])
            .finish()
            .unwrap();
        assert_eq!(BodyHashes::from_sha256(hashes.iter()), hashes);
        assert_eq!(hashes.sha256(Canonicalization::Relaxed), None);
    }
}
