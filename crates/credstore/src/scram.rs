//! What is kept of a user's password: SCRAM-SHA-256's verifier (RFC 5802 §3, RFC 7677), against which a password in the clear
//! is checked, too.
//!
//! Passwords are prepared by SASLprep (RFC 4013), so that one typed on another keyboard is the same. A verifier is as
//! much as the server needs to be convinced by whoever knows the password, and too little to convince another server. It
//! lets its holder try passwords, though, and play the server: it is sealed in the store and wiped from memory.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, pbkdf2, rand};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::secret::Secret;

/// What a server keeps of a password. `Debug` shows the number of iterations, and no more.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ScramVerifier {
    /// The salt of the password's hash, 16 octets where this crate has chosen it.
    pub salt: Box<[u8]>,
    /// The iterations of PBKDF2, the `i=` of an exchange.
    pub iterations: u32,
    /// `StoredKey`: the hash of the key that the client proves to have.
    pub stored_key: [u8; KEY_LENGTH],
    /// `ServerKey`: what the server proves itself with.
    pub server_key: [u8; KEY_LENGTH],
}

impl ScramVerifier {
    /// The iterations of new verifiers.
    ///
    /// RFC 7677 §4 asks for 4,096 and more. Each PLAIN or LOGIN costs the server all of them, and each SCRAM the client,
    /// which may be a scanner; ten milliseconds are bearable to both. More would be needed if a copy of the store were
    /// enough to try passwords. It is not, since verifiers are sealed.
    pub const ITERATIONS: u32 = 15_000;

    /// The verifier of a new password, under a salt of its own.
    ///
    /// # Errors
    /// [`PasswordError`] for a password that cannot be used.
    pub fn new(password: &Secret) -> Result<Self, PasswordError> {
        if prepared(password)?.chars().count() < SHORTEST_PASSWORD {
            return Err(PasswordError::TooShort);
        }
        let mut salt = [0; SALT_LENGTH];
        rand::fill(&mut salt).map_err(|_| PasswordError::Random)?;
        Self::derive(password, &salt, Self::ITERATIONS)
    }

    /// The verifier of a password under a salt and a number of iterations (0 counts as 1), as RFC 5802 §3 has it.
    ///
    /// # Errors
    /// [`PasswordError`] for a password that is no text.
    pub fn derive(password: &Secret, salt: &[u8], iterations: u32) -> Result<Self, PasswordError> {
        let password = prepared(password)?;
        let salted = salted(password.as_bytes(), salt, iterations);
        Ok(Self {
            salt: salt.into(),
            iterations,
            stored_key: stored_key(&salted),
            server_key: mac(&salted, b"Server Key"),
        })
    }

    /// Whether this is the password. It takes the same time whether it is or not.
    #[must_use]
    pub fn verify_password(&self, password: &Secret) -> bool {
        let prepared = prepared(password);
        // What is no text is nobody's password, and finding that out is to take as long.
        let octets = prepared
            .as_ref()
            .map_or(password.expose(), |text| text.as_bytes());
        let found = stored_key(&salted(octets, &self.salt, self.iterations));
        let is_equal = verify_slices_are_equal(&found, &self.stored_key).is_ok();
        is_equal && prepared.is_ok()
    }

    /// What the store seals.
    ///
    /// ```text
    /// | iterations: u32 big endian | StoredKey: 32 | ServerKey: 32 | salt |
    /// ```
    pub(crate) fn to_secret(&self) -> Secret {
        // Of the exact size: a buffer that grew would leave a copy behind.
        let mut octets = Zeroizing::new(Vec::with_capacity(4 + 2 * KEY_LENGTH + self.salt.len()));
        octets.extend_from_slice(&self.iterations.to_be_bytes());
        octets.extend_from_slice(&self.stored_key);
        octets.extend_from_slice(&self.server_key);
        octets.extend_from_slice(&self.salt);
        Secret::from(octets)
    }

    /// Reads what [`ScramVerifier::to_secret`] wrote.
    pub(crate) fn from_secret(secret: &Secret) -> Option<Self> {
        let (iterations, rest) = secret.expose().split_first_chunk()?;
        let (stored_key, rest) = rest.split_first_chunk()?;
        let (server_key, salt) = rest.split_first_chunk()?;
        Some(Self {
            salt: salt.into(),
            iterations: u32::from_be_bytes(*iterations),
            stored_key: *stored_key,
            server_key: *server_key,
        })
    }
}

/// `Normalize` of RFC 5802 §2.2.
fn prepared(password: &Secret) -> Result<Zeroizing<String>, PasswordError> {
    let text = std::str::from_utf8(password.expose()).map_err(|_| PasswordError::Character)?;
    let prepared = stringprep::saslprep(text).map_err(|_| PasswordError::Character)?;
    Ok(Zeroizing::new(prepared.into_owned()))
}

/// `SaltedPassword`: `Hi` of RFC 5802 §2.2, which is PBKDF2.
fn salted(password: &[u8], salt: &[u8], iterations: u32) -> Zeroizing<[u8; KEY_LENGTH]> {
    let iterations = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
    let mut salted = Zeroizing::new([0; KEY_LENGTH]);
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(algorithm, iterations, salt, password, &mut *salted);
    salted
}

/// `H(ClientKey)`.
fn stored_key(salted: &[u8; KEY_LENGTH]) -> [u8; KEY_LENGTH] {
    let client_key = Zeroizing::new(mac(salted, b"Client Key"));
    let mut stored = [0; KEY_LENGTH];
    stored.copy_from_slice(digest(&SHA256, &*client_key).as_ref());
    stored
}

fn mac(key: &[u8; KEY_LENGTH], text: &[u8]) -> [u8; KEY_LENGTH] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let mut mac = [0; KEY_LENGTH];
    mac.copy_from_slice(tag.as_ref());
    mac
}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramVerifier")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// The octets of SHA-256.
const KEY_LENGTH: usize = 32;
/// As many as there are in a UUID: no two users will ever share a salt.
const SALT_LENGTH: usize = 16;
/// In characters; NIST SP 800-63B §5.1.1.2 asks for as many.
const SHORTEST_PASSWORD: usize = 8;

/// Why a password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too short.
    #[error("the password is shorter than 8 characters; choose a longer one")]
    TooShort,
    /// It is no text in UTF-8, or holds what SASLprep does not let through (RFC 4013 §2.3).
    #[error(
        "the password holds control or unknown characters; choose one of letters, digits and signs"
    )]
    Character,
    /// The system gives no random numbers.
    #[error("the system gave no random numbers for a salt")]
    Random,
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    /// RFC 7677 §3.
    const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
    const AUTH_MESSAGE: &str = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
        r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
        c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const CLIENT_PROOF: &str = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    const SERVER_SIGNATURE: &str = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    #[test]
    fn the_standard_s_example_is_believed_and_answered() {
        let salt = BASE64.decode(SALT).unwrap();
        let verifier = ScramVerifier::derive(&secret("pencil"), &salt, 4096).unwrap();
        let signature = mac(&verifier.server_key, AUTH_MESSAGE.as_bytes());
        assert_eq!(BASE64.encode(signature), SERVER_SIGNATURE);
        let proof = BASE64.decode(CLIENT_PROOF).unwrap();
        let client_signature = mac(&verifier.stored_key, AUTH_MESSAGE.as_bytes());
        let client_key: Vec<u8> = proof
            .iter()
            .zip(client_signature)
            .map(|(proof, signature)| proof ^ signature)
            .collect();
        assert_eq!(digest(&SHA256, &client_key).as_ref(), verifier.stored_key);
        assert!(verifier.verify_password(&secret("pencil")));
    }

    #[test]
    fn a_password_is_the_same_however_it_is_written_and_nothing_else_is() {
        let check = |chosen: &str, typed: &[u8], expected: bool| {
            let verifier = ScramVerifier::derive(&secret(chosen), b"salt", 1).unwrap();
            let found = verifier.verify_password(&Secret::new(typed.to_vec()));
            assert_eq!(found, expected, "{chosen:?} {typed:?}");
        };
        check("pencil", b"pencil", true);
        check("pencil", b"Pencil", false); // passwords have a case
        check("pencil", b"pencil ", false);
        check("pencil", b"", false);
        check("pa\u{df}wort", "pa\u{df}wort".as_bytes(), true);
        check("m\u{fc}ller", "mu\u{308}ller".as_bytes(), true); // composed (NFKC)
        check("a b", "a\u{a0}b".as_bytes(), true); // another blank
        check("ab", "a\u{ad}b".as_bytes(), true); // a soft hyphen
        check("pencil", b"pencil\xff", false); // no text
        check("pencil", b"pencil\0", false);
    }

    #[test]
    fn no_password_is_chosen_that_nobody_could_type_or_anybody_guess() {
        let check = |password: &[u8], expected: Option<PasswordError>| {
            let found = ScramVerifier::new(&Secret::new(password.to_vec()));
            assert_eq!(found.err(), expected, "{password:?}");
        };
        check(b"12345678", None);
        check("\u{fc}".repeat(8).as_bytes(), None);
        check(b"1234567", Some(PasswordError::TooShort));
        check("\u{fc}".repeat(7).as_bytes(), Some(PasswordError::TooShort)); // 14 octets
        check("\u{ad}".repeat(8).as_bytes(), Some(PasswordError::TooShort)); // nothing is left
        check(b"12345678\n", Some(PasswordError::Character));
        check(b"\xff\xfe12345678", Some(PasswordError::Character));
    }

    #[test]
    fn each_has_a_salt_of_its_own() {
        let one = ScramVerifier::new(&secret("correct horse")).unwrap();
        let two = ScramVerifier::new(&secret("correct horse")).unwrap();
        assert_eq!((one.salt.len(), one.iterations), (16, 15_000));
        assert_ne!(one.salt, two.salt);
        assert_ne!(one.stored_key, two.stored_key);
        assert!(two.verify_password(&secret("correct horse")));
    }

    #[test]
    fn what_is_sealed_reads_back_and_debug_shows_none_of_it() {
        let verifier = ScramVerifier::derive(&secret("pencil"), b"some salt", 7).unwrap();
        let read = ScramVerifier::from_secret(&verifier.to_secret()).unwrap();
        assert_eq!(read, verifier);
        let short = Secret::new(verifier.to_secret().expose()[..67].to_vec());
        assert_eq!(ScramVerifier::from_secret(&short), None);
        assert_eq!(
            format!("{verifier:?}"),
            "ScramVerifier { iterations: 7, .. }"
        );
    }
}
