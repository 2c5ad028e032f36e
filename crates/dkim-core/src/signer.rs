//! Signing: the header once, the body in chunks, headers ready to prepend at the end.
//!
//! One pass over the body serves any number of signatures. The signer keeps the header's hashes, not the header, and no part
//! of the body. It reads no clock: `t=` comes from the caller.

use common_config::name::KeyName;

use crate::algorithm::Algorithm;
use crate::body_hash::{BodyHasher, BodyHashes};
use crate::error::SignError;
use crate::field::HeaderBlock;
use crate::fold::{self, Folder};
use crate::header_hash::HeaderHash;
use crate::key::SigningKey;
use crate::params::SignatureParams;

/// A finished signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedHeader {
    /// The field to put before the message: `DKIM-Signature: …` with its CRLF.
    pub text: Vec<u8>,
    /// Where verifiers will look for the key.
    pub key: KeyName,
    /// How it was signed.
    pub algorithm: Algorithm,
}

/// Signs one message as it passes.
#[derive(Debug)]
pub struct Signer {
    prepared: Vec<Prepared>,
    body: BodyHasher,
}

impl Signer {
    /// Takes the header and what shall be signed with it.
    ///
    /// # Errors
    /// No From field or several, and parameters that contradict themselves.
    pub fn new(
        header: &HeaderBlock<'_>,
        signatures: Vec<(SignatureParams, SigningKey)>,
    ) -> Result<Signer, SignError> {
        let body = BodyHasher::new(
            signatures
                .iter()
                .map(|(params, _)| params.body_canonicalization),
        );
        let prepare = |(params, key)| Prepared::new(header, params, key);
        Ok(Signer {
            prepared: signatures
                .into_iter()
                .map(prepare)
                .collect::<Result<_, _>>()?,
            body,
        })
    }

    /// Takes the next octets of the body, in chunks of any size.
    ///
    /// # Errors
    /// [`SignError::Body`] for a bare CR, a bare LF or a NUL, with its offset in the body.
    pub fn update(&mut self, chunk: &[u8]) -> Result<(), SignError> {
        self.body.update(chunk).map_err(SignError::Body)
    }

    /// Signs, and returns the headers in the order in which the signatures were asked for.
    ///
    /// # Errors
    /// A body that ends in a bare CR, or a key that failed. With several signatures the first failure ends all: sign with
    /// [`Signer::finish_each`] to keep those that worked.
    pub fn finish(self) -> Result<Vec<SignedHeader>, SignError> {
        self.finish_each()?.into_iter().collect()
    }

    /// Signs, and returns the outcome of each signature.
    ///
    /// # Errors
    /// Only what concerns them all: a body that ends in a bare CR.
    pub fn finish_each(self) -> Result<Vec<Result<SignedHeader, SignError>>, SignError> {
        let hashes = self.body.finish().map_err(SignError::Body)?;
        Ok(self
            .prepared
            .into_iter()
            .map(|prepared| prepared.sign(&hashes))
            .collect())
    }
}

/// Signs a whole message in one call.
///
/// # Errors
/// As [`HeaderBlock::parse`], [`Signer::new`], [`Signer::update`] and [`Signer::finish`].
pub fn sign(
    message: &[u8],
    signatures: &[(SignatureParams, SigningKey)],
) -> Result<Vec<SignedHeader>, SignError> {
    let (header, body) = HeaderBlock::parse(message)?;
    let mut signer = Signer::new(&header, signatures.to_vec())?;
    signer.update(message.get(body..).unwrap_or_default())?;
    signer.finish()
}

/// Signs again with body hashes that were kept, without the body.
///
/// # Errors
/// As [`Signer::new`], and [`SignError::NoBodyHash`] when the hash for the canonicalization was not kept.
pub fn sign_with_hashes(
    header: &HeaderBlock<'_>,
    hashes: &BodyHashes,
    params: &SignatureParams,
    key: &SigningKey,
) -> Result<SignedHeader, SignError> {
    Prepared::new(header, params.clone(), key.clone())?.sign(hashes)
}

/// A signature that waits for the body hash.
struct Prepared {
    params: SignatureParams,
    key: SigningKey,
    /// The signature field up to the body hash.
    opening: Folder,
    header: HeaderHash,
}

impl Prepared {
    fn new(
        header: &HeaderBlock<'_>,
        params: SignatureParams,
        key: SigningKey,
    ) -> Result<Prepared, SignError> {
        params.check()?;
        match header.named("From").count() {
            0 => return Err(SignError::NoFrom),
            1 => {}
            count => return Err(SignError::SeveralFrom { count }),
        }
        let selection = params.headers.select(header);
        let opening = fold::opening(&params, key.algorithm(), &selection.names);
        let hash = HeaderHash::new(params.header_canonicalization, selection.fields);
        Ok(Prepared {
            params,
            key,
            opening,
            header: hash,
        })
    }

    fn sign(self, hashes: &BodyHashes) -> Result<SignedHeader, SignError> {
        let canonicalization = self.params.body_canonicalization;
        let body = hashes
            .sha256(canonicalization)
            .ok_or(SignError::NoBodyHash { canonicalization })?;
        let unsigned = self.opening.unsigned(&body);
        let (name, value) = unsigned.split_once(':').unwrap_or((&unsigned, ""));
        let digest = self
            .header
            .finish(name.as_bytes(), unsigned.as_bytes(), value.as_bytes());
        let key = self.params.key_name();
        let signature = self
            .key
            .sign_sha256(&digest)
            .map_err(|source| SignError::Key {
                key: key.to_string(),
                source,
            })?;
        Ok(SignedHeader {
            text: fold::signed(unsigned, &signature),
            key,
            algorithm: self.key.algorithm(),
        })
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("params", &self.params)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Canonicalization, LineError, RawSignError, RawSigner};

    const MESSAGE: &[u8] = b"From: a@example.com\r\nSubject: x\r\n\r\nbody \r\n \r\nmore\r\n\r\n";

    fn params() -> SignatureParams {
        SignatureParams::new("example.com".parse().unwrap(), "sel".parse().unwrap()).timestamp(5)
    }

    fn key() -> SigningKey {
        SigningKey::from_ed25519_seed(&[9; 32]).unwrap()
    }

    #[test]
    fn chunks_make_no_difference() {
        let whole = sign(MESSAGE, &[(params(), key())]).unwrap();
        let (header, body) = HeaderBlock::parse(MESSAGE).unwrap();
        for at in body..=MESSAGE.len() {
            let mut signer = Signer::new(&header, vec![(params(), key())]).unwrap();
            signer.update(&MESSAGE[body..at]).unwrap();
            signer.update(&MESSAGE[at..]).unwrap();
            assert_eq!(signer.finish().unwrap(), whole);
        }
    }

    #[test]
    fn signatures_of_one_canonicalization_share_one_pass() {
        let (header, _) = HeaderBlock::parse(MESSAGE).unwrap();
        let passes = |second: SignatureParams| {
            let signer = Signer::new(&header, vec![(params(), key()), (second, key())]).unwrap();
            format!("{:?}", signer.body)
        };
        assert_eq!(passes(params()), "[Relaxed]");
        let simple = params().canonicalization(Canonicalization::Relaxed, Canonicalization::Simple);
        assert_eq!(passes(simple), "[Relaxed, Simple]");
    }

    #[test]
    fn kept_hashes_sign_the_same() {
        let (header, body) = HeaderBlock::parse(MESSAGE).unwrap();
        let mut hasher = BodyHasher::new([Canonicalization::Relaxed]);
        hasher.update(&MESSAGE[body..]).unwrap();
        let hashes = BodyHashes::from_sha256(hasher.finish().unwrap().iter());
        let again = sign_with_hashes(&header, &hashes, &params(), &key()).unwrap();
        assert_eq!(sign(MESSAGE, &[(params(), key())]).unwrap(), [again]);
        let simple = params().canonicalization(Canonicalization::Simple, Canonicalization::Simple);
        assert!(matches!(
            sign_with_hashes(&header, &hashes, &simple, &key()),
            Err(SignError::NoBodyHash {
                canonicalization: Canonicalization::Simple
            })
        ));
    }

    #[test]
    fn messages_that_cannot_be_signed() {
        let refused = |message: &[u8]| sign(message, &[(params(), key())]).unwrap_err();
        assert!(matches!(refused(b"Subject: x\r\n\r\n"), SignError::NoFrom));
        assert!(matches!(
            refused(b"From: a\r\nFROM: b\r\n\r\n"),
            SignError::SeveralFrom { count: 2 }
        ));
        assert!(matches!(refused(b"From: a\n\r\n"), SignError::Header(_)));
        assert!(matches!(
            refused(b"From: a\r\n\r\na\nb"),
            SignError::Body(LineError::BareLf { offset: 1 })
        ));
        assert!(matches!(
            refused(b"From: a\r\n\r\nab\r"),
            SignError::Body(LineError::BareCr { offset: 2 })
        ));
    }

    #[test]
    fn parameters_that_contradict_themselves() {
        let refused = |params: SignatureParams| sign(MESSAGE, &[(params, key())]).unwrap_err();
        assert!(matches!(
            refused(params().expires(5)),
            SignError::ExpiresBeforeMade {
                timestamp: 5,
                expires: 5
            }
        ));
        let outside = params().identity("example.org".parse().unwrap());
        assert!(matches!(
            refused(outside),
            SignError::IdentityOutsideDomain { .. }
        ));
    }

    struct Broken;

    impl RawSigner for Broken {
        fn algorithm(&self) -> Algorithm {
            Algorithm::Ed25519Sha256
        }

        fn public_key(&self) -> Vec<u8> {
            vec![1; 32]
        }

        fn sign_sha256(&self, _: &[u8; 32]) -> Result<Vec<u8>, RawSignError> {
            Err(RawSignError::new("the device is gone"))
        }
    }

    #[test]
    fn a_failing_key_is_named_and_spares_the_others() {
        let broken = SigningKey::from_raw_signer(Box::new(Broken)).unwrap();
        let (header, body) = HeaderBlock::parse(MESSAGE).unwrap();
        let mut signer = Signer::new(&header, vec![(params(), broken), (params(), key())]).unwrap();
        signer.update(&MESSAGE[body..]).unwrap();
        let outcomes = signer.finish_each().unwrap();
        let error = outcomes[0].as_ref().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the key sel._domainkey.example.com could not be used"
        );
        assert!(outcomes[1].is_ok());
    }
}
