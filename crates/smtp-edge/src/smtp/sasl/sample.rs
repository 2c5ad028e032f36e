//! Users for tests.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common_config::user_name::UserName;
use credstore::Secret;

use super::{Lookup, PasswordVerdict, ScramVerifier, Users};

/// Users and their passwords. Nobody can look up the user `away`.
pub(crate) const USERS: [(&str, &str); 2] = [("user", "pencil"), ("tim", "tanstaaftanstaaf")];

/// What SCRAM keeps of a password, with the salt of RFC 7677 §3.
pub(crate) fn verifier(password: &str) -> ScramVerifier {
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let mut salted = [0; 32];
    let iterations = NonZeroU32::new(4096).unwrap();
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(
        algorithm,
        iterations,
        &salt,
        password.as_bytes(),
        &mut salted,
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let signed = |text: &[u8]| -> [u8; 32] { hmac::sign(&key, text).as_ref().try_into().unwrap() };
    let stored_key = digest(&SHA256, &signed(b"Client Key"));
    ScramVerifier {
        salt: salt.into(),
        iterations: iterations.get(),
        stored_key: stored_key.as_ref().try_into().unwrap(),
        server_key: signed(b"Server Key"),
    }
}

/// The users of [`USERS`].
#[derive(Debug)]
pub(crate) struct SampleUsers;

impl Users for SampleUsers {
    fn verifier(&self, name: &UserName) -> Lookup {
        if name.as_str() == "away" {
            return Lookup::Unavailable;
        }
        let known = USERS.iter().find(|(user, _)| *user == name.as_str());
        Lookup::Verifier(verifier(known.map_or("made up", |(_, password)| password)))
    }

    fn check(&self, name: &UserName, password: &Secret) -> PasswordVerdict {
        if name.as_str() == "away" {
            return PasswordVerdict::Unavailable;
        }
        let right = USERS
            .iter()
            .any(|(user, known)| *user == name.as_str() && known.as_bytes() == password.expose());
        if right {
            PasswordVerdict::Right
        } else {
            PasswordVerdict::Wrong
        }
    }
}
