//! What must hold for any octets whatever: one file a fuzz target, each with one `check`.
//!
//! The fuzz targets include these files one by one; `properties.rs` feeds them random octets and `corpus.rs` the
//! committed corpora, so that a finding once made is looked for in every test run.

#![allow(
    clippy::duplicate_mod,
    reason = "each check includes the judge it needs, as it must in a fuzz target that holds no other check"
)]

pub(crate) mod body;
pub(crate) mod header;
pub(crate) mod header_canon;
pub(crate) mod record;
pub(crate) mod tag_list;
pub(crate) mod verifier;

/// Panics unless all holds that must hold for the input.
pub(crate) type Check = fn(&[u8]);

/// The name of each target, which is also the folder of its corpus, with its check.
pub(crate) const ALL: [(&str, Check); 6] = [
    ("body", body::check),
    ("header", header::check),
    ("header_canon", header_canon::check),
    ("record", record::check),
    ("tag_list", tag_list::check),
    ("verifier", verifier::check),
];
