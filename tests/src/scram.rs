//! A client of SCRAM-SHA-256 (RFC 5802, RFC 7677), written from the standard for the tests.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A user at the start of an exchange.
#[derive(Debug)]
pub struct ScramClient<'a> {
    /// Who.
    pub user: &'a str,
    /// The password that is believed to be right.
    pub password: &'a str,
}

impl ScramClient<'_> {
    const NONCE: &'static str = "fyko+d2lbbFgONRv9qkxdawL";

    fn bare(&self) -> String {
        format!("n={},r={}", self.user, Self::NONCE)
    }

    /// The initial response, in base64.
    #[must_use]
    pub fn first(&self) -> String {
        STANDARD.encode(format!("n,,{}", self.bare()))
    }

    /// The answer to the first challenge, and the challenge that the right server makes of it; all in base64.
    #[must_use]
    pub fn last(&self, challenge: &str) -> (String, String) {
        let server_first = STANDARD.decode(challenge).expect("challenges are base64");
        let server_first = String::from_utf8(server_first).expect("challenges are text");
        let part = |name: &str| {
            let mut parts = server_first.split(',');
            let part = parts.find_map(|part| part.strip_prefix(name));
            part.unwrap_or_else(|| panic!("no {name} in {server_first}"))
        };
        let (nonce, salt, iterations) = (part("r="), part("s="), part("i="));
        assert!(nonce.starts_with(Self::NONCE) && nonce.len() >= Self::NONCE.len() + 18);
        let salt = STANDARD.decode(salt).expect("the salt is base64");
        let iterations: NonZeroU32 = iterations.parse().expect("iterations are a number");
        assert!(iterations.get() >= 4096, "RFC 7677 §4");
        let mut salted = [0; 32];
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::derive(
            algorithm,
            iterations,
            &salt,
            self.password.as_bytes(),
            &mut salted,
        );
        let client_key = mac(&salted, b"Client Key");
        let without_proof = format!("c=biws,r={nonce}");
        let signed = format!("{},{server_first},{without_proof}", self.bare());
        let signature = mac(digest(&SHA256, &client_key).as_ref(), signed.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(signature)
            .map(|(key, bit)| key ^ bit)
            .collect();
        let last = format!("{without_proof},p={}", STANDARD.encode(proof));
        let server = mac(&mac(&salted, b"Server Key"), signed.as_bytes());
        let verifier = format!("v={}", STANDARD.encode(server));
        (STANDARD.encode(last), STANDARD.encode(verifier))
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text).as_ref().to_vec()
}
