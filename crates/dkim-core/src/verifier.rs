//! Verifying (RFC 6376 §6, RFC 8301, RFC 8463), with key records that the caller looks up.
//!
//! Strangers' messages are taken as found: no panic, no refusal, a result for each signature. The body is hashed in one pass
//! for all signatures. What a result means for the message is the caller's policy.

mod result;

use std::error::Error;

use common_config::name::KeyName;

pub use result::{BodyLength, Status, Verification, VerifyResult};

use crate::algorithm::{Algorithm, KeyType};
use crate::body_hash::Lane;
use crate::canon::Canonicalization;
use crate::canon::body::LineEndings;
use crate::field::{Field, HeaderBlock, HeaderLimits};
use crate::header_hash::{self, HeaderHash};
use crate::record::KeyRecord;
use crate::signature::{Signature, StatedAlgorithm, key_of};

/// How much work a message may cause, and what counts as proof.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Signatures looked at; the rest get [`VerifyResult::TooManySignatures`]. 10 by default.
    pub signatures: usize,
    /// Records tried for one signature, where several are published. 4 by default.
    pub records: usize,
    /// The shortest RSA key that proves anything, in bits. 1,024 by default (RFC 8301 §3.2).
    pub shortest_rsa: u32,
    /// The longest RSA key that is verified, in bits. 8,192 by default, also the most that is possible.
    pub longest_rsa: u32,
    /// How far `t=` and `x=` may be off, in seconds. 300 by default.
    pub clock_skew: u64,
    /// How large the header may be.
    pub header: HeaderLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            signatures: 10,
            records: 4,
            shortest_rsa: 1_024,
            longest_rsa: 8_192,
            clock_skew: 300,
            header: HeaderLimits::default(),
        }
    }
}

/// Why the caller has no key record.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// DNS says that there is none.
    #[error("no key record is published")]
    NoRecord,
    /// DNS did not answer; asking later may work.
    #[error("DNS did not answer")]
    Temporary(#[source] Box<dyn Error + Send + Sync>),
}

/// Verifies every signature of a message, in the order in which they stand.
///
/// `lookup` returns the TXT records at a key's name, the strings of each joined; `now` is in seconds since 1970 UTC. A message
/// without signatures has no results.
pub fn verify(
    message: &[u8],
    mut lookup: impl FnMut(&KeyName) -> Result<Vec<String>, LookupError>,
    now: u64,
    limits: &Limits,
) -> Vec<Verification> {
    let (header, body_start) = match HeaderBlock::parse_as_found(message, &limits.header) {
        Ok(parts) => parts,
        Err(error) => return vec![Verification::new(VerifyResult::HeaderUnreadable(error))],
    };
    let fields = header.fields().iter().enumerate();
    let mut candidates: Vec<Candidate<'_>> = fields
        .filter(|(_, field)| field.is("DKIM-Signature"))
        .enumerate()
        .map(|(count, (place, field))| Candidate::read(place, *field, count < limits.signatures))
        .collect();
    let bodies = Bodies::hash(&candidates, message.get(body_start..).unwrap_or_default());
    for candidate in &mut candidates {
        candidate.judge(&header, &bodies, &mut lookup, now, limits);
    }
    candidates
        .into_iter()
        .map(|candidate| candidate.report)
        .collect()
}

/// One signature field under verification.
struct Candidate<'a> {
    place: usize,
    field: Field<'a>,
    /// `None` when the report has its result already.
    signature: Option<(Signature, Algorithm)>,
    report: Verification,
}

impl<'a> Candidate<'a> {
    fn read(place: usize, field: Field<'a>, within_limit: bool) -> Candidate<'a> {
        let refused = |result| {
            let mut report = Verification::new(result);
            report.key = key_of(field.body());
            Candidate {
                place,
                field,
                signature: None,
                report,
            }
        };
        if !within_limit {
            return refused(VerifyResult::TooManySignatures);
        }
        let signature = match Signature::parse(field.body()) {
            Ok(signature) => signature,
            Err(error) => return refused(VerifyResult::Malformed(error)),
        };
        let algorithm = match &signature.algorithm {
            StatedAlgorithm::Known(algorithm) => *algorithm,
            StatedAlgorithm::Retired => return refused(VerifyResult::AlgorithmRetired),
            StatedAlgorithm::Unknown(stated) => {
                return refused(VerifyResult::AlgorithmUnknown {
                    stated: stated.clone(),
                });
            }
        };
        let mut report = Verification::new(VerifyResult::SignatureMismatch);
        report.key = Some(signature.key.clone());
        report.algorithm = Some(algorithm);
        report.identity = Some(signature.identity.clone());
        report.headers = signature.names.clone();
        report.timestamp = signature.timestamp;
        report.expires = signature.expires;
        Candidate {
            place,
            field,
            signature: Some((signature, algorithm)),
            report,
        }
    }

    fn judge(
        &mut self,
        header: &HeaderBlock<'_>,
        bodies: &Bodies,
        lookup: &mut impl FnMut(&KeyName) -> Result<Vec<String>, LookupError>,
        now: u64,
        limits: &Limits,
    ) {
        let Some((signature, algorithm)) = self.signature.take() else {
            return;
        };
        let body = bodies.of(&signature);
        self.report.body_length = match (signature.length, body) {
            (Some(signed), Some(body)) => Some(BodyLength {
                signed,
                total: body.total,
            }),
            (Some(_) | None, Some(_) | None) => None,
        };
        self.report.result =
            match check_dates(&signature, now, limits).or_else(|| check_body(&signature, body)) {
                Some(result) => result,
                None => match lookup(&signature.key) {
                    Err(LookupError::NoRecord) => VerifyResult::NoKey,
                    Err(LookupError::Temporary(source)) => VerifyResult::KeyUnavailable {
                        detail: source.to_string(),
                    },
                    Ok(records) => {
                        let digest = self.digest(&signature, header);
                        self.try_records(&signature, algorithm, &records, &digest, limits)
                    }
                },
            };
    }

    /// RFC 6376 §6.1.2: where several records are published, any one under which the signature holds will do.
    fn try_records(
        &mut self,
        signature: &Signature,
        algorithm: Algorithm,
        records: &[String],
        digest: &[u8; 32],
        limits: &Limits,
    ) -> VerifyResult {
        let mut first: Option<VerifyResult> = None;
        for text in records.iter().take(limits.records) {
            let result = match KeyRecord::parse(text) {
                Err(error) => VerifyResult::KeyMalformed(error),
                Ok(record) => {
                    self.report.key_bits = Some(record.bits()).filter(|bits| *bits > 0);
                    self.report.testing = record.is_testing();
                    check_record(&record, signature, algorithm, digest, limits)
                }
            };
            if result.is_pass() {
                return result;
            }
            first = match first {
                None | Some(VerifyResult::KeyMalformed(_)) => Some(result),
                Some(earlier) => Some(earlier),
            };
        }
        first.unwrap_or(VerifyResult::NoKey)
    }

    /// The hash that was signed: the fields of `h=`, then this field with its `b=` emptied (RFC 6376 §3.7).
    fn digest(&self, signature: &Signature, header: &HeaderBlock<'_>) -> [u8; 32] {
        let emptied = |octets: &[u8], start: usize| {
            let before = octets
                .get(..start + signature.value_span.start)
                .unwrap_or_default();
            let after = octets
                .get(start + signature.value_span.end..)
                .unwrap_or_default();
            [before, after].concat()
        };
        let raw = self.field.raw();
        let content = raw.strip_suffix(b"\r\n").unwrap_or(raw);
        let start = content.len() - self.field.body().len();
        // The signature under verification is never one of its own fields.
        let (before, from) = header
            .fields()
            .split_at(self.place.min(header.fields().len()));
        let others = before.iter().chain(from.iter().skip(1));
        let fields = header_hash::named(others, &signature.names);
        HeaderHash::new(signature.header_canonicalization, fields).finish(
            self.field.name_octets(),
            &emptied(content, start),
            &emptied(self.field.body(), 0),
        )
    }
}

fn check_dates(signature: &Signature, now: u64, limits: &Limits) -> Option<VerifyResult> {
    if let Some(at) = signature
        .expires
        .filter(|at| at.saturating_add(limits.clock_skew) < now)
    {
        return Some(VerifyResult::Expired { at });
    }
    let latest = now.saturating_add(limits.clock_skew);
    signature
        .timestamp
        .filter(|at| *at > latest)
        .map(|at| VerifyResult::FromTheFuture { at })
}

fn check_body(signature: &Signature, body: Option<&Body>) -> Option<VerifyResult> {
    let body = body?;
    if signature.length.is_some_and(|length| length > body.total) {
        return Some(VerifyResult::BodyTooShort);
    }
    (signature.body_hash != body.sha256).then_some(VerifyResult::BodyAltered)
}

fn check_record(
    record: &KeyRecord,
    signature: &Signature,
    algorithm: Algorithm,
    digest: &[u8; 32],
    limits: &Limits,
) -> VerifyResult {
    let Some(public) = record.public() else {
        return VerifyResult::KeyRevoked;
    };
    let published = record.key_type();
    if published != algorithm.key_type() {
        return VerifyResult::KeyOfOtherType { published };
    }
    if !record.allows_sha256() {
        return VerifyResult::HashNotAllowed;
    }
    if !record.allows_email() {
        return VerifyResult::NotForEmail;
    }
    if record.has_strict_identity() && signature.identity != *signature.key.domain() {
        return VerifyResult::IdentityNotDomain;
    }
    let bits = public.bits();
    if published == KeyType::Rsa && bits < limits.shortest_rsa {
        return VerifyResult::KeyTooShort { bits };
    }
    if published == KeyType::Rsa && bits > limits.longest_rsa {
        return VerifyResult::KeyTooLong { bits };
    }
    if public.verify_sha256(digest, &signature.value) {
        VerifyResult::Pass
    } else {
        VerifyResult::SignatureMismatch
    }
}

/// The body in every form that some signature covers.
struct Bodies {
    bodies: Vec<Body>,
}

struct Body {
    kind: Canonicalization,
    length: Option<u64>,
    sha256: [u8; 32],
    /// Canonical octets of the whole body.
    total: u64,
}

impl Bodies {
    /// One pass over the body, one hash for each distinct (canonicalization, `l=`).
    fn hash(candidates: &[Candidate<'_>], body: &[u8]) -> Bodies {
        let mut wanted: Vec<(Canonicalization, Option<u64>)> = Vec::new();
        for (signature, _) in candidates
            .iter()
            .filter_map(|candidate| candidate.signature.as_ref())
        {
            let form = (signature.body_canonicalization, signature.length);
            if !wanted.contains(&form) {
                wanted.push(form);
            }
        }
        let hash = |(kind, length): (Canonicalization, Option<u64>)| {
            let mut lane = Lane::new(kind, LineEndings::AsFound, length);
            // Bodies taken as found have no line endings to refuse.
            lane.update(body).ok()?;
            let (sha256, total) = lane.finish().ok()?;
            Some(Body {
                kind,
                length,
                sha256,
                total,
            })
        };
        Bodies {
            bodies: wanted.into_iter().filter_map(hash).collect(),
        }
    }

    fn of(&self, signature: &Signature) -> Option<&Body> {
        self.bodies.iter().find(|body| {
            body.kind == signature.body_canonicalization && body.length == signature.length
        })
    }
}

#[cfg(test)]
mod tests;
