//! What must hold for any octets whatever: one file a fuzz target, each with one `check`.
//!
//! The fuzz targets include these files one by one; `corpus.rs` feeds them the committed corpora, so that
//! a finding once made is looked for in every test run.

#![allow(
    clippy::duplicate_mod,
    reason = "each check includes the judges it needs, as it must in a fuzz target that holds no other check"
)]

pub(crate) mod address;
pub(crate) mod chunks;
pub(crate) mod command;
pub(crate) mod data;
pub(crate) mod model;
pub(crate) mod normalize;
pub(crate) mod session;

/// Panics unless all holds that must hold for the input.
pub(crate) type Check = fn(&[u8]);

/// The name of each target, which is also the folder of its corpus, with its check.
pub(crate) const ALL: [(&str, Check); 7] = [
    ("address", address::check),
    ("chunks", chunks::check),
    ("command", command::check),
    ("data", data::check),
    ("model", model::check),
    ("normalize", normalize::check),
    ("session", session::check),
];
