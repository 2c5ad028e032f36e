//! The receiving half of SMTP (RFC 5321) as pure code: bytes and verdicts in, replies and events out.
//!
//! Nothing here knows sockets, clocks or files; [`crate::net`] drives it and [`crate::intake`] answers its questions.

pub mod chunking;
pub mod command;
pub mod data;
pub mod dsn_params;
pub mod extensions;
pub mod line;
pub mod params;
pub mod path;
pub mod replies;
pub mod reply;
pub mod sasl;
pub mod server;
pub mod timers;
pub mod xclient;
pub mod xtext;
