//! The DKIM-signing SMTP edge server, as a library so that its binary is a few lines and its rooms can be tested alone.
//!
//! A message goes one way: [`net`] and [`smtp`] receive it, [`intake`] prepares and signs it ([`signing`]) and commits
//! it to the [`spool`]; [`queue`] and [`deliver`] bring it to its next hops; [`dsn`] reports what failed. [`run`] builds
//! all of it from the settings; [`admin`] tells monitoring how it fares.

pub mod admin;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod dns;
pub mod dsn;
pub mod envelope;
pub mod hardening;
pub mod ids;
pub mod intake;
pub mod mail_log;
pub mod net;
pub mod queue;
pub mod reload;
pub mod run;
pub mod shutdown;
pub mod signing;
pub mod smtp;
pub mod spool;
pub mod users;
