//! DKIM (RFC 6376, 8301, 8463): streaming signing, verification and key records, without IO.
//!
//! ```
//! use dkim_core::{SignatureParams, SigningKey, sign};
//!
//! let message = b"From: joe@football.example.com\r\nSubject: dinner\r\n\r\nHi.\r\n";
//! let key = SigningKey::generate_ed25519()?;
//! let params = SignatureParams::new("football.example.com".parse()?, "brisbane".parse()?).timestamp(1_528_637_909);
//! println!("{}", key.record().bind(&params.key_name().to_string()));
//! let headers = sign(message, &[(params, key)])?;
//! assert!(headers[0].text.starts_with(b"DKIM-Signature: v=1; a=ed25519-sha256;"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod body_hash;
mod canon;
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
pub use common_config::name;
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
