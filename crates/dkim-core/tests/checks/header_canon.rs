//! Header canonicalization: what a signer signs is what the RFC's text gives, and a verifier agrees.
//!
//! The input is a message. The canonical octets are seen by their hash, which a [`RawSigner`] is asked to sign.

use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use dkim_core::{
    Algorithm, Canonicalization, HeaderLists, HeaderSet, Limits, RawSignError, RawSigner,
    SignatureParams, SigningKey, sign, verify,
};

#[path = "../rfc6376/header.rs"]
pub(crate) mod rfc6376;

pub(crate) fn check(message: &[u8]) {
    for (kind, plain) in FORMS {
        for headers in [HeaderSet::default(), broad()] {
            let witness = Witness::default();
            let key = SigningKey::from_raw_signer(Box::new(witness.clone())).expect("a sound key");
            let params = params().canonicalization(kind, kind).headers(headers);
            let Ok(signatures) = sign(message, &[(params, key.clone())]) else {
                return; // What cannot be signed is the business of other targets.
            };
            let signature = &signatures.first().expect("one signature").text;
            let octets = rfc6376::signed_octets(plain, rfc6376::without_body(message), signature);
            let seen = *witness.seen.lock().expect("nobody panicked");
            assert_eq!(seen.as_slice(), digest(&SHA256, &octets).as_ref(), "{kind}");
            let signed = [signature.as_slice(), message].concat();
            let record = |_: &dkim_core::name::KeyName| Ok(vec![key.record().to_value()]);
            let reports = verify(&signed, record, 0, &Limits::default());
            let report = reports.first().expect("one signature at the least");
            assert!(report.result.is_pass(), "{kind}: {report}");
        }
    }
}

fn params() -> SignatureParams {
    let domain = "example.com".parse().expect("a domain");
    SignatureParams::new(domain, "sel".parse().expect("a selector"))
}

/// A header set that signs nearly every field as often as it stands.
fn broad() -> HeaderSet {
    let lists = HeaderLists {
        signed: &[
            "From", "a*", "b*", "c*", "d*", "r*", "s*", "t*", "x*", "k-*",
        ],
        oversigned_where_present: &["Subject"],
        ..HeaderLists::default()
    };
    HeaderSet::new(&lists).expect("the lists are sound")
}

/// A key that remembers what it signed.
#[derive(Clone, Default)]
struct Witness {
    seen: Arc<Mutex<[u8; 32]>>,
}

impl Witness {
    fn key() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[3; 32]).expect("a seed of 32 octets")
    }
}

impl RawSigner for Witness {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519Sha256
    }

    fn public_key(&self) -> Vec<u8> {
        Witness::key().public_key().as_ref().to_vec()
    }

    fn sign_sha256(&self, digest: &[u8; 32]) -> Result<Vec<u8>, RawSignError> {
        *self.seen.lock().expect("nobody panicked") = *digest;
        Ok(Witness::key().sign(digest).as_ref().to_vec())
    }
}

type Plain = fn(&[u8]) -> Vec<u8>;

const FORMS: [(Canonicalization, Plain); 2] = [
    (Canonicalization::Simple, rfc6376::simple),
    (Canonicalization::Relaxed, rfc6376::relaxed),
];
