//! What passwords and proofs are checked against, and who keeps it.

use common_config::user_name::UserName;
use credstore::{ScramVerifier, Secret};

/// The server's half of a SCRAM nonce: printable ASCII without a comma, at least 18 octets of randomness in base64.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerNonce(pub Box<str>);

/// What a session is answered when it asks for a verifier.
#[derive(Debug)]
pub enum Lookup {
    /// The user's verifier, or one made up for a name that nobody has: always the same for the same name, so that an
    /// exchange does not tell who exists.
    Verifier(ScramVerifier),
    /// The store of users cannot be read for now.
    Unavailable,
}

/// What a session is answered when it asks for a password to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is the user's.
    Right,
    /// It is not, or there is no such user.
    Wrong,
    /// The store of users cannot be read for now.
    Unavailable,
}

/// Who may authenticate. The driver asks on a thread that may block.
pub trait Users: Send + Sync {
    /// Whether there is anybody.
    fn are_there(&self) -> bool;

    /// What SCRAM checks a proof against; see [`Lookup`] for names that nobody has.
    fn verifier(&self, name: &UserName) -> Lookup;

    /// Checks a password, as it came from the client: RFC 4616 §2 has it prepared by SASLprep before it is compared. It
    /// takes the same time for a name that nobody has.
    fn check(&self, name: &UserName, password: &Secret) -> PasswordVerdict;
}
