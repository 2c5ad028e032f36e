//! The server's side of an SMTP session as a state machine without IO.
//!
//! [`Session::handle_input`] takes octets, [`Session::poll_event`] hands out the messages that wait for a verdict,
//! [`Session::handle_verdict`] takes it, [`Session::take_output`] gives the octets to send.

mod event;
mod session;
mod state;
mod transaction;

pub use event::{Event, Received, Verdict};
pub use session::{Session, SessionSettings};
