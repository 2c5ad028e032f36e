//! DKIM (RFC 6376, RFC 8301, RFC 8463): a streaming signer, key records and a verifier, without IO.
//!
//! Bytes, keys and a time go in, header fields and results come out. Nothing here opens a file, asks DNS or reads a clock.
//!
//! # Overview
//!
//! | To | take |
//! |---|---|
//! | make or read a private key | [`SigningKey`]; [`RawSigner`] for one that lives elsewhere |
//! | say what a signature shall contain | [`SignatureParams`] and [`HeaderSet`] |
//! | sign a whole message | [`sign()`] |
//! | sign a message as it passes | [`HeaderBlock::parse`], then [`Signer`] |
//! | sign again without the body | [`BodyHasher`], then [`sign_with_hashes`] |
//! | publish a key, or compare a published one | [`KeyRecord`] |
//! | ask whether the world would accept a message | [`verify`] |
//! | see what a signature would hash | [`CanonicalForms`], [`Canonicalization::field`], [`Canonicalization::body`] |
//! | find what broke a signature | [`Coverage`] |
//! | bring a file to the line ends of mail | [`crlf`] |
//!
//! # Example
//!
//! Sign a message with two keys in one pass, and verify both signatures with the records that would be published:
//!
//! ```
//! use dkim_core::{HeaderBlock, Limits, LookupError, SignatureParams, Signer, SigningKey, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let message = b"From: Joe <joe@football.example.com>\r\nSubject: dinner\r\n\r\nHi.\r\n";
//! let now = 1_528_637_909;
//! let params = |selector: &str| -> Result<_, Box<dyn std::error::Error>> {
//!     Ok(SignatureParams::new("football.example.com".parse()?, selector.parse()?).timestamp(now))
//! };
//! let (rsa, ed25519) = (SigningKey::generate_rsa(2048)?, SigningKey::generate_ed25519()?);
//!
//! let (header, body) = HeaderBlock::parse(message)?;
//! let mut signer = Signer::new(&header, vec![(params("rsa")?, rsa.clone()), (params("ed")?, ed25519.clone())])?;
//! for chunk in message[body..].chunks(4) {
//!     signer.update(chunk)?;
//! }
//! let mut signed: Vec<u8> = signer.finish()?.into_iter().flat_map(|header| header.text).collect();
//! signed.extend_from_slice(message);
//!
//! let lookup = |key: &dkim_core::name::KeyName| match key.selector().as_str() {
//!     "rsa" => Ok(vec![rsa.record().to_value()]),
//!     "ed" => Ok(vec![ed25519.record().to_value()]),
//!     _ => Err(LookupError::NoRecord),
//! };
//! let results = verify(&signed, lookup, now, &Limits::default());
//! assert_eq!(results.len(), 2);
//! assert!(results.iter().all(|verification| verification.result.is_pass()));
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! - It mends nothing. A bare CR, a bare LF, a NUL or a second From field is an error when signing, since verifiers read such
//!   messages in different ways; bring them in order first.
//! - It never writes `l=` or `z=`, nor a local part in `i=`, and it has no `rsa-sha1` (RFC 8301 §3.1).
//! - It looks no records up; [`verify`] takes a function that does.
//! - It has no ARC and no DMARC, and no opinion about a message whose signature fails.

mod algorithm;
mod body_hash;
mod canon;
mod canonical_forms;
mod coverage;
mod error;
mod field;
mod fold;
mod header_hash;
mod header_set;
mod key;
mod line_ends;
mod params;
mod public_key;
mod record;
mod signature;
mod signer;
mod tag_list;
mod verifier;

pub use algorithm::{Algorithm, KeyType};
pub use body_hash::{BodyHasher, BodyHashes};
pub use canon::Canonicalization;
pub use canonical_forms::CanonicalForms;
pub use common_config::name;
pub use coverage::Coverage;
pub use error::{
    HeaderError, HeaderSetError, KeyError, LineError, RawSignError, RecordError, SignError,
    SignatureError, TagListError,
};
pub use field::{Field, HeaderBlock, HeaderLimits};
pub use header_set::{HeaderLists, HeaderSet};
pub use key::{RawSigner, RsaCeiling, SigningKey};
pub use line_ends::crlf;
pub use params::SignatureParams;
pub use record::{KeyRecord, Mismatch};
pub use signer::{SignedHeader, Signer, sign, sign_with_hashes};
pub use verifier::{BodyLength, Limits, LookupError, Status, Verification, VerifyResult, verify};

/// The example of the README, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
