//! Asks a running server at its admin listener. [`Server`] is one; [`AdminError`] says what to do when it does not answer, and
//! what the server said in it is printable.
//!
#![doc = include_str!("../README.md")]

mod conversation;
mod error;

pub use conversation::Server;
pub use error::AdminError;
