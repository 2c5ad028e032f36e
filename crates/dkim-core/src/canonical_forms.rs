//! What a signature would hash, to be looked at: the same steps as the signer's, with the octets kept.
//!
//! It needs no key, since none signs. It fails as signing would: on the parameters, the From fields and the line ends.

use aws_lc_rs::digest;

use crate::algorithm::Algorithm;
use crate::body_hash::{BodyHasher, sha256_octets};
use crate::canon::header;
use crate::error::SignError;
use crate::field::HeaderBlock;
use crate::fold;
use crate::params::SignatureParams;

/// What a signature of a message would hash (RFC 6376 §3.7).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CanonicalForms {
    /// The names of `h=`, in order.
    pub names: Vec<String>,
    /// The header: the fields of `h=`, then the signature itself with its `b=` empty and without a CRLF. Its SHA-256 is
    /// what the key signs.
    pub header: Vec<u8>,
    /// The body. Its SHA-256 is `bh=`.
    pub body: Vec<u8>,
    /// The SHA-256 of the body.
    pub body_hash: [u8; 32],
}

impl CanonicalForms {
    /// The forms of a whole message, for a signature of `params` with a key of that algorithm. The body is kept in memory.
    ///
    /// # Errors
    /// As [`crate::sign()`], but for the key.
    pub fn of(
        message: &[u8],
        params: &SignatureParams,
        algorithm: Algorithm,
    ) -> Result<CanonicalForms, SignError> {
        params.check()?;
        let (block, start) = HeaderBlock::parse(message)?;
        match block.named("From").count() {
            0 => return Err(SignError::NoFrom),
            1 => {}
            count => return Err(SignError::SeveralFrom { count }),
        }
        let content = message.get(start..).unwrap_or_default();
        // The hasher refuses what the signer refuses.
        let mut hasher = BodyHasher::new([params.body_canonicalization]);
        hasher.update(content).map_err(SignError::Body)?;
        hasher.finish().map_err(SignError::Body)?;
        let body = params.body_canonicalization.body(content);
        let body_hash = sha256_octets(&digest::digest(&digest::SHA256, &body));

        let selection = params.headers.select(&block);
        let mut octets = Vec::new();
        for field in &selection.fields {
            header::push(params.header_canonicalization, field, &mut octets);
        }
        let unsigned = fold::opening(params, algorithm, &selection.names).unsigned(&body_hash);
        header::push_unsigned(
            params.header_canonicalization,
            unsigned.as_bytes(),
            &mut octets,
        );
        Ok(CanonicalForms {
            names: selection
                .names
                .iter()
                .map(|&name| name.to_owned())
                .collect(),
            header: octets,
            body,
            body_hash,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{Canonicalization, LineError, RawSignError, RawSigner, SigningKey, sign};

    /// A key that keeps what it was asked to sign.
    struct Witness(Arc<Mutex<Option<[u8; 32]>>>);

    impl RawSigner for Witness {
        fn algorithm(&self) -> Algorithm {
            Algorithm::Ed25519Sha256
        }

        fn public_key(&self) -> Vec<u8> {
            vec![1; 32]
        }

        fn sign_sha256(&self, sha256: &[u8; 32]) -> Result<Vec<u8>, RawSignError> {
            *self.0.lock().unwrap() = Some(*sha256);
            Ok(vec![2; 64])
        }
    }

    fn params() -> SignatureParams {
        SignatureParams::new("example.com".parse().unwrap(), "sel".parse().unwrap()).timestamp(5)
    }

    #[test]
    fn the_forms_are_what_a_key_is_asked_to_sign() {
        let message =
            b"Subject:  a\r\n\tb \r\nFROM: a@example.com\r\nX-No: 1\r\n\r\n a  b \r\n\r\n";
        for header in [Canonicalization::Relaxed, Canonicalization::Simple] {
            for body in [Canonicalization::Relaxed, Canonicalization::Simple] {
                let params = params().canonicalization(header, body);
                let forms = CanonicalForms::of(message, &params, Algorithm::Ed25519Sha256).unwrap();
                let asked = Arc::new(Mutex::new(None));
                let key = Witness(Arc::clone(&asked));
                let key = SigningKey::from_raw_signer(Box::new(key)).unwrap();
                sign(message, &[(params, key)]).unwrap();
                let sum = sha256_octets(&digest::digest(&digest::SHA256, &forms.header));
                assert_eq!(Some(sum), *asked.lock().unwrap(), "{header}/{body}");
            }
        }
    }

    #[test]
    fn the_forms_are_as_the_rfc_writes_them() {
        let message =
            b"Subject:  a\r\n\tb \r\nFROM: a@example.com\r\nX-No: 1\r\n\r\n a  b \r\n\r\n";
        let forms = CanonicalForms::of(message, &params(), Algorithm::Ed25519Sha256).unwrap();
        assert_eq!(forms.names[..4], ["Subject", "Subject", "FROM", "FROM"]);
        assert_eq!(forms.body, b" a b\r\n");
        let header = String::from_utf8(forms.header).unwrap();
        let (fields, signature) = header.split_once("dkim-signature:").unwrap();
        assert_eq!(fields, "subject:a b\r\nfrom:a@example.com\r\n");
        assert!(
            signature.starts_with(
                "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com; s=sel; t=5; h="
            ),
            "{signature}"
        );
        assert!(signature.ends_with("; b="), "{signature}");
    }

    #[test]
    fn what_cannot_be_signed_has_no_forms() {
        let refused = |message: &[u8]| {
            CanonicalForms::of(message, &params(), Algorithm::RsaSha256).unwrap_err()
        };
        assert!(matches!(refused(b"To: a\r\n\r\n"), SignError::NoFrom));
        assert!(matches!(
            refused(b"From: a\r\n\r\na\nb"),
            SignError::Body(LineError::BareLf { offset: 1 })
        ));
    }
}
