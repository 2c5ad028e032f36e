//! Bodies, in any chunks: the streaming canonicalizers hash what the RFC's text gives, and refuse what they must.
//!
//! The first four octets of the input are the lengths of the chunks, in turn; the rest is the body.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dkim_core::{
    BodyHasher, BodyHashes, BodyLength, Canonicalization, Limits, LineError, LookupError,
    VerifyResult, verify,
};

#[path = "../rfc6376/body.rs"]
pub(crate) mod rfc6376;

pub(crate) fn check(input: &[u8]) {
    let (lengths, body) = input.split_at(input.len().min(4));
    check_signing(lengths, body);
    check_verifying(body);
}

fn check_signing(lengths: &[u8], body: &[u8]) {
    match (hash(lengths, body), first_fault(body)) {
        (Ok(hashes), None) => {
            for (kind, plain) in FORMS {
                assert_eq!(hashes.sha256(kind), Some(sha256(&plain(body))), "{kind}");
                let once = plain(body);
                let again = hash(lengths, &once).expect("a canonical body is well-formed");
                assert_eq!(
                    again.sha256(kind),
                    hashes.sha256(kind),
                    "{kind} is not idempotent"
                );
            }
        }
        (found, expected) => assert_eq!(found.err(), expected),
    }
}

fn hash(lengths: &[u8], mut body: &[u8]) -> Result<BodyHashes, LineError> {
    let mut hasher = BodyHasher::new(FORMS.map(|(kind, _)| kind));
    // The squares of 0 to 31: chunks that are empty, chunks of one octet, and chunks far longer than a step of the fast
    // path.
    let mut lengths = lengths.iter().map(|octet| usize::from(octet & 31)).cycle();
    while !body.is_empty() {
        let length = lengths.next().unwrap_or(body.len());
        let (chunk, rest) = body.split_at(length.pow(2).min(body.len()));
        hasher.update(chunk)?;
        // All lengths may be 0: one octet more goes on in any case.
        let (chunk, rest) = rest.split_at(rest.len().min(1));
        hasher.update(chunk)?;
        body = rest;
    }
    hasher.finish()
}

/// The first octet that verifiers disagree about.
fn first_fault(body: &[u8]) -> Option<LineError> {
    let after = |at: usize| body.get(at + 1);
    let before = |at: usize| at.checked_sub(1).and_then(|at| body.get(at));
    body.iter().enumerate().find_map(|(at, octet)| {
        let offset = at as u64;
        match octet {
            b'\r' if after(at) != Some(&b'\n') => Some(LineError::BareCr { offset }),
            b'\n' if before(at) != Some(&b'\r') => Some(LineError::BareLf { offset }),
            0 => Some(LineError::Nul { offset }),
            _ => None,
        }
    })
}

/// A verifier takes any body as found: with the right `bh=` it goes on to ask for the key, with another it does not.
fn check_verifying(body: &[u8]) {
    for (kind, plain) in FORMS {
        let canonical = plain(body);
        let total = canonical.len() as u64;
        let (half, _) = canonical.split_at(canonical.len() / 2);
        let signed = half.len() as u64;
        let part = Some(BodyLength { signed, total });
        let whole = Some(BodyLength {
            signed: total,
            total,
        });
        let length = format!(" l={signed};");
        expect(kind, "", &canonical, body, VerifyResult::NoKey, None);
        expect(kind, &length, half, body, VerifyResult::NoKey, part);
        let length = format!(" l={total};");
        expect(kind, &length, &canonical, body, VerifyResult::NoKey, whole);
        let more = [&canonical, b"x".as_slice()].concat();
        expect(kind, "", &more, body, VerifyResult::BodyAltered, None);
    }
}

fn expect(
    kind: Canonicalization,
    length: &str,
    hashed: &[u8],
    body: &[u8],
    result: VerifyResult,
    body_length: Option<BodyLength>,
) {
    let bh = STANDARD.encode(sha256(hashed));
    let header = format!(
        "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/{kind}; d=example.com; s=sel;{length} h=from; bh={bh}; b=AAAA\r\n\r\n"
    );
    let message = [header.as_bytes(), body].concat();
    let no_record = |_: &dkim_core::name::KeyName| Err(LookupError::NoRecord);
    let reports = verify(&message, no_record, 0, &Limits::default());
    let [report] = reports.as_slice() else {
        panic!("one signature, {} results", reports.len())
    };
    assert_eq!(
        (&report.result, report.body_length),
        (&result, body_length),
        "{kind}{length}"
    );
}

fn sha256(octets: &[u8]) -> [u8; 32] {
    let sum = digest(&SHA256, octets);
    sum.as_ref().try_into().expect("a SHA-256 has 32 octets")
}

type Plain = fn(&[u8]) -> Vec<u8>;

const FORMS: [(Canonicalization, Plain); 2] = [
    (Canonicalization::Simple, rfc6376::simple),
    (Canonicalization::Relaxed, rfc6376::relaxed),
];
