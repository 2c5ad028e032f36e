//! The answers to a session's questions about users: looked up and computed on threads that may block, since a password costs
//! thousands of hashes.

use std::io;
use std::sync::Arc;

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use common_config::user_name::UserName;
use credstore::Secret;

use crate::smtp::sasl::{Lookup, PasswordVerdict, ServerNonce, Users};

/// What SCRAM checks this user's proof against.
pub(super) async fn verifier(users: &Arc<dyn Users>, name: UserName) -> Lookup {
    let users = Arc::clone(users);
    let lookup = tokio::task::spawn_blocking(move || users.verifier(&name)).await;
    lookup.unwrap_or(Lookup::Unavailable)
}

/// Whether this is the user's password.
pub(super) async fn check(
    users: &Arc<dyn Users>,
    name: UserName,
    password: Secret,
) -> PasswordVerdict {
    let users = Arc::clone(users);
    let verdict = tokio::task::spawn_blocking(move || users.check(&name, &password)).await;
    verdict.unwrap_or(PasswordVerdict::Unavailable)
}

/// A nonce that was never used before.
pub(super) fn nonce() -> io::Result<ServerNonce> {
    let mut octets = [0; 18];
    rand::fill(&mut octets).map_err(|_| io::Error::other("the system gives no random octets"))?;
    Ok(ServerNonce(STANDARD_NO_PAD.encode(octets).into()))
}
