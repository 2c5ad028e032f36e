//! Users for tests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common_config::user_name::UserName;
use credstore::{ScramVerifier, Secret};

use super::{Lookup, PasswordVerdict, Users};

/// Users and their passwords. Nobody can look up the user `away`.
pub(crate) const USERS: [(&str, &str); 2] = [("user", "pencil"), ("tim", "tanstaaftanstaaf")];

/// What SCRAM keeps of a password, with salt and iterations of RFC 7677 §3.
pub(crate) fn verifier(password: &str) -> ScramVerifier {
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let password = Secret::new(password.as_bytes().to_vec());
    ScramVerifier::derive(&password, &salt, 4096).unwrap()
}

/// The users of [`USERS`].
#[derive(Debug)]
pub(crate) struct SampleUsers;

impl Users for SampleUsers {
    fn are_there(&self) -> bool {
        true
    }

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
