//! One exchange of whichever mechanism, from its first response to its end.

use std::fmt;

use common_config::user_name::UserName;
use credstore::Secret;

use super::login::Login;
use super::plain;
use super::scram::Scram;

/// A mechanism that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// draft-murchison-sasl-login: what many old clients speak alone.
    Login,
    /// RFC 7677.
    ScramSha256,
}

impl Mechanism {
    /// In the order of their announcement. A channel binding (`-PLUS`) is not offered.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Login, Self::ScramSha256];

    /// Its registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
        }
    }

    /// The mechanism of a name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an exchange asks for next. Each leads on with what the exchange needs for the step after it.
#[derive(Debug)]
pub enum Step {
    /// The client is to answer a challenge: [`Exchange::respond`].
    Challenge(Vec<u8>, Exchange),
    /// What is this user's proof checked against? [`Scram::challenge`].
    Verifier(UserName, Scram),
    /// Is this the user's password? The exchange ends with the answer.
    Check {
        /// The user.
        name: UserName,
        /// What the client says the password is.
        password: Secret,
    },
    /// The client is this user.
    Done(UserName),
    /// The client is nobody; the name is the one it gave, if it gave one.
    Failed(Option<UserName>, Fault),
}

/// Why an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A response is not what the mechanism wants.
    #[error("the client's response is malformed")]
    Malformed,
    /// A user wants to act for another.
    #[error("the client wants to act for another user than it authenticates as")]
    OtherIdentity,
    /// A channel binding is asked for.
    #[error("the client wants a channel binding, which is not offered")]
    ChannelBinding,
    /// The password, or the proof of it, is wrong, or there is no such user.
    #[error("there is no such user, or the password is wrong")]
    Wrong,
    /// The users cannot be looked up for now.
    #[error("the users cannot be looked up")]
    Unavailable,
}

/// An exchange that awaits a response of the client.
pub enum Exchange {
    /// PLAIN, before its only response.
    Plain,
    /// LOGIN.
    Login(Login),
    /// SCRAM-SHA-256.
    Scram(Scram),
}

impl Exchange {
    /// Begins an exchange. `initial` is what the client sent along with AUTH.
    #[must_use]
    pub fn begin(mechanism: Mechanism, initial: Option<Secret>) -> Step {
        let exchange = match mechanism {
            Mechanism::Plain => Self::Plain,
            Mechanism::Login => Self::Login(Login::AwaitingName),
            Mechanism::ScramSha256 => Self::Scram(Scram::new()),
        };
        match (initial, exchange) {
            (Some(initial), exchange) => exchange.respond(initial),
            (None, Self::Login(login)) => login.ask(),
            // Both wait for the client to speak first; RFC 4954 §4 has an empty challenge for that.
            (None, exchange @ (Self::Plain | Self::Scram(_))) => {
                Step::Challenge(Vec::new(), exchange)
            }
        }
    }

    /// Takes the client's response.
    #[must_use]
    pub fn respond(self, response: Secret) -> Step {
        match self {
            Self::Plain => plain::respond(&response),
            Self::Login(login) => login.respond(response),
            Self::Scram(scram) => scram.respond(&response),
        }
    }

    /// The mechanism that is spoken.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        match self {
            Self::Plain => Mechanism::Plain,
            Self::Login(_) => Mechanism::Login,
            Self::Scram(_) => Mechanism::ScramSha256,
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({})", self.mechanism())
    }
}

/// The user of a name, as a response has it.
pub(super) fn user(octets: &[u8]) -> Result<UserName, Fault> {
    let name = std::str::from_utf8(octets).map_err(|_| Fault::Malformed)?;
    name.parse().map_err(|_| Fault::Malformed)
}
