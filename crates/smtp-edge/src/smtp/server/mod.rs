//! The server's side of an SMTP session as a state machine without IO.
//!
//! [`Session::handle_input`] takes octets, [`Session::poll_event`] hands out what the driver is to do or to know,
//! [`Session::take_output`] gives the octets to send. The driver answers
//!
//! | [`Event`] | by |
//! |---|---|
//! | [`Event::Message`] | [`Session::handle_verdict`] |
//! | [`Event::StartTls`] | the handshake, then [`Session::handle_tls_started`] |
//! | [`Event::Verifier`] | [`Session::handle_verifier`] |
//! | [`Event::CheckPassword`] | [`Session::handle_password_checked`] |
//! | [`Event::Rejected`], [`Event::Authenticated`] | nothing: they are for the log |
//!
//! Whatever comes from the client until the answer is kept and obeyed afterwards, but for octets behind STARTTLS, which end
//! the session. At each turn the driver polls all events, then sends the output, then reads.

mod auth;
mod client;
mod content;
mod event;
mod forward;
mod hello;
mod limits;
mod mail;
mod session;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod transaction;

pub use client::{Client, Handshake, Policy, Standing, TlsFacts, TlsVersion};
pub use event::{Event, Received, Rejection, Verdict};
pub use limits::{Limit, Limits};
pub use session::{Session, SessionSettings};
pub use transaction::Recipient;
