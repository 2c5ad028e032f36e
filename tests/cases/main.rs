//! The end-to-end cases: each starts the built binaries between a mock DNS and mock mail exchangers, and reads what
//! arrived byte for byte. `cargo xtask test` runs them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the whole of this crate is tests"
)]

mod admin;
mod admission;
mod agreement;
mod clients;
mod command_line;
mod corpus;
mod crash;
mod delivery;
mod demo;
mod explaining;
mod failure_policy;
mod full_disk;
mod identity;
mod injection;
mod judging;
mod key_failures;
mod keyring;
mod null_sender;
mod profiles;
mod proxy;
mod queue_commands;
mod queueing;
mod quiet;
mod records;
mod reencoding;
mod relaying;
mod reloading;
mod reports;
mod self_check;
mod senders;
mod service;
mod sessions;
mod settings_table;
mod signing_again;
mod smuggling;
mod spool;
mod spool_commands;
mod storm;
mod tls;
mod users;
mod verdicts;
