//! LOGIN (draft-murchison-sasl-login): the name, then the password, each asked for.

use common_config::user_name::UserName;
use credstore::Secret;

use super::exchange::{Exchange, Fault, Step, user};

/// What LOGIN waits for.
pub enum Login {
    /// The user's name. Many clients send it along with AUTH.
    AwaitingName,
    /// The password of this user.
    AwaitingPassword(UserName),
}

impl Login {
    /// Asks for it, in the words that old clients look for.
    pub(super) fn ask(self) -> Step {
        let challenge: &[u8] = match self {
            Self::AwaitingName => b"Username:",
            Self::AwaitingPassword(_) => b"Password:",
        };
        Step::Challenge(challenge.to_vec(), Exchange::Login(self))
    }

    /// Takes it.
    pub(super) fn respond(self, response: Secret) -> Step {
        match self {
            // The draft has clients end the name with NUL, and few do.
            Self::AwaitingName => match user(without_nul(response.expose())) {
                Ok(name) => Self::AwaitingPassword(name).ask(),
                Err(fault) => Step::Failed(None, fault),
            },
            Self::AwaitingPassword(name) if response.expose().is_empty() => {
                Step::Failed(Some(name), Fault::Malformed)
            }
            Self::AwaitingPassword(name) => Step::Check {
                name,
                password: response,
            },
        }
    }
}

fn without_nul(octets: &[u8]) -> &[u8] {
    octets.strip_suffix(b"\0").unwrap_or(octets)
}

#[cfg(test)]
mod tests {
    use super::super::Mechanism;
    use super::*;

    /// Sends the responses, the first along with AUTH if it is there, and gives the challenges and the end.
    fn run(initial: Option<&str>, responses: &[&str]) -> (Vec<String>, Step) {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        let mut step = Exchange::begin(Mechanism::Login, initial.map(secret));
        let mut challenges = Vec::new();
        for response in responses {
            let Step::Challenge(challenge, exchange) = step else {
                panic!("no challenge for {response:?}: {step:?}");
            };
            challenges.push(String::from_utf8(challenge).unwrap());
            step = exchange.respond(secret(response));
        }
        (challenges, step)
    }

    #[test]
    fn name_and_password_are_asked_for() {
        let check = |initial, responses: &[&str], expected: &[&str]| {
            let (challenges, step) = run(initial, responses);
            assert_eq!(challenges, expected);
            let Step::Check { name, password } = step else {
                panic!("{step:?}");
            };
            assert_eq!((name.as_str(), password.expose()), ("tim", &b"secret"[..]));
        };
        check(None, &["tim", "secret"], &["Username:", "Password:"]);
        check(None, &["tim\0", "secret"], &["Username:", "Password:"]);
        check(Some("tim"), &["secret"], &["Password:"]);
    }

    #[test]
    fn what_is_missing_ends_the_exchange() {
        for responses in [
            &["", "secret"][..1],
            &["tim", ""],
            &["\u{7}", "secret"][..1],
        ] {
            let (_, step) = run(None, responses);
            assert!(
                matches!(step, Step::Failed(_, Fault::Malformed)),
                "{responses:?}"
            );
        }
    }
}
