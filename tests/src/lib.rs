//! What the end-to-end tests and the demo are made of: the world outside the edge (a mail exchanger, a DNS server, the
//! independent verifiers) and the handles on the real binaries.
//!
//! Nothing here imitates the edge: [`edge`] starts the built `smtp-edge` and [`keymgmt`] runs the built `keymgmt`. A part
//! that cannot do its job ends the test at once with a panic that says why.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a fixture that cannot do its part has to end the test that asked for it"
)]

pub mod admin;
pub mod administrator;
pub mod client;
pub mod clients;
pub mod corpus;
pub mod edge;
pub mod environment;
pub mod judges;
pub mod keymgmt;
pub mod log;
pub mod messages;
pub mod mime;
pub mod mock_dns;
pub mod mock_mta;
pub mod scram;
pub mod setup;
pub mod survey;
pub mod tls;
pub mod world;
