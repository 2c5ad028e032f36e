//! What passwords and proofs are checked against, and who keeps it.

use std::fmt;

use common_config::user_name::UserName;
use credstore::Secret;

/// What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 §3, RFC 7677): enough to check a proof, too little to
/// make one.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    /// The salt of the password's hash.
    pub salt: Box<[u8]>,
    /// The iterations of PBKDF2; RFC 7677 §4 asks for 4,096 and more.
    pub iterations: u32,
    /// `H(ClientKey)`.
    pub stored_key: [u8; 32],
    /// What the server proves itself with.
    pub server_key: [u8; 32],
}

impl fmt::Debug for ScramVerifier {
    /// Without the keys: whoever has them can try passwords, and can play the server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramVerifier")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

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
    /// What SCRAM checks a proof against; see [`Lookup`] for names that nobody has.
    fn verifier(&self, name: &UserName) -> Lookup;

    /// Checks a password, as it came from the client: RFC 4616 §2 has it prepared by SASLprep before it is compared. It
    /// takes the same time for a name that nobody has.
    fn check(&self, name: &UserName, password: &Secret) -> PasswordVerdict;
}
