//! Who is measured: this crate, mail-auth with the same `h=`, and the raw operations below both.
//!
//! All make the text of the field, and none keeps anything from one message to the next but its key and its settings.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{self, Ed25519KeyPair};
use dkim_core::{
    Algorithm, Canonicalization, RawSignError, RawSigner, SignatureParams, SigningKey, sign,
};
use mail_auth::common::crypto::{self, HashImpl};
use mail_auth::common::headers::{HeaderWriter, Writable};
use mail_auth::dkim::{DkimSigner, Done};

use crate::rounds::{Fault, Runner};

/// This crate, as the edge calls it: parameters made for each message.
pub(crate) fn ours<'a>(
    message: &'a [u8],
    kind: Canonicalization,
    keys: &'a [SigningKey],
) -> Result<Runner<'a>, Fault> {
    let (domain, selector) = (DOMAIN.parse()?, SELECTOR.parse()?);
    Ok(Box::new(move || {
        let params = |key: &SigningKey| {
            let params = SignatureParams::new(Clone::clone(&domain), Clone::clone(&selector));
            (
                params.timestamp(NOW).canonicalization(kind, kind),
                key.clone(),
            )
        };
        let signatures: Vec<_> = keys.iter().map(params).collect();
        let signed = sign(message, &signatures)?;
        Ok(signed.iter().map(|header| header.text.len()).sum())
    }))
}

/// The SHA-256 of the whole message as it stands.
pub(crate) fn sha256(message: &[u8]) -> Runner<'_> {
    Box::new(|| {
        Ok(usize::from(
            digest::digest(&digest::SHA256, message)
                .as_ref()
                .contains(&0),
        ))
    })
}

/// mail-auth, told to sign the same names.
pub(crate) fn mail_auth<'a, K: crypto::SigningKey + 'a>(
    message: &'a [u8],
    key: K,
) -> Result<Runner<'a>, Fault> {
    let names = signed_names(message)?;
    let signer: DkimSigner<K, Done> = DkimSigner::from_key(key)
        .domain(DOMAIN)
        .selector(SELECTOR)
        .headers(names.clone());
    let mut theirs = signer.sign(message)?.h;
    let mut ours = names;
    for names in [&mut ours, &mut theirs] {
        names
            .iter_mut()
            .for_each(|name| name.make_ascii_lowercase());
        names.sort();
    }
    if ours != theirs {
        return Err(format!("mail-auth signs {theirs:?}, and we {ours:?}").into());
    }
    Ok(Box::new(move || {
        Ok(signer.sign(message)?.to_header().len())
    }))
}

/// The names of `h=` as this crate chooses them.
fn signed_names(message: &[u8]) -> Result<Vec<String>, Fault> {
    let params = SignatureParams::new(DOMAIN.parse()?, SELECTOR.parse()?);
    let signed = sign(message, &[(params, no_key()?)])?;
    let text = String::from_utf8(signed.into_iter().flat_map(|header| header.text).collect())?;
    let names = text
        .split(';')
        .find_map(|tag| tag.trim().strip_prefix("h="))
        .ok_or("a signature without h=")?;
    Ok(names
        .split(':')
        .map(|name| name.trim().to_owned())
        .collect())
}

/// RSA over a SHA-256, the way the crate asks for it.
pub(crate) fn raw_rsa(key: &RsaKeyPair) -> Runner<'_> {
    Box::new(|| {
        let digest = Digest::import_less_safe(&[7; 32], &digest::SHA256)?;
        let mut octets = vec![0; key.public_modulus_len()];
        key.sign_digest(&signature::RSA_PKCS1_SHA256, &digest, &mut octets)?;
        Ok(octets.len())
    })
}

/// Ed25519 over a SHA-256, the way the crate asks for it.
pub(crate) fn raw_ed25519(key: &Ed25519KeyPair) -> Runner<'_> {
    Box::new(|| Ok(key.try_sign(&[7; 32])?.as_ref().to_vec().len()))
}

/// A key that does nothing, behind the seam for keys that are elsewhere.
pub(crate) fn no_key() -> Result<SigningKey, Fault> {
    Ok(SigningKey::from_raw_signer(Box::new(NoKey))?)
}

/// No key at all: what is left is everything but the private-key operation.
pub(crate) struct NoKey;

impl RawSigner for NoKey {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519Sha256
    }

    fn public_key(&self) -> Vec<u8> {
        vec![1; 32]
    }

    fn sign_sha256(&self, _: &[u8; 32]) -> Result<Vec<u8>, RawSignError> {
        Ok(vec![7; 64])
    }
}

/// The same for mail-auth: hashes what its Ed25519 key hashes, and signs nothing.
impl crypto::SigningKey for NoKey {
    type Hasher = crypto::Sha256;

    fn sign(&self, input: impl Writable) -> mail_auth::Result<Vec<u8>> {
        let mut context = crypto::Sha256::hasher();
        input.write(&mut context);
        std::hint::black_box(crypto::HashContext::complete(context));
        Ok(vec![7; 64])
    }

    fn algorithm(&self) -> crypto::Algorithm {
        crypto::Algorithm::Ed25519Sha256
    }
}

const DOMAIN: &str = "example.com";
const SELECTOR: &str = "s2026";
const NOW: u64 = 1_780_000_000;
