//! The mechanisms of AUTH (RFC 4954) as machines without IO: a client's responses in, challenges and questions out.
//!
//! What a password or a proof is checked against is kept elsewhere; a machine asks for it by name. Passwords are
//! [`credstore::Secret`]s from the moment that a response is decoded.

mod exchange;
mod login;
mod plain;
mod response;
#[cfg(test)]
pub(crate) mod sample;
mod scram;
mod verifier;

pub use exchange::{Exchange, Fault, Mechanism, Step};
pub use response::{NotBase64, Response};
pub use scram::Scram;
pub use verifier::{Lookup, PasswordVerdict, ServerNonce, Users};
