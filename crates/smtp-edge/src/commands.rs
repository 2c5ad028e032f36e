//! What each word of the command line does: one noun a file.

pub(crate) mod check;
mod failure;
mod page;
mod place;
pub(crate) mod queue;
pub(crate) mod run;
pub(crate) mod spool;
pub(crate) mod status;

pub(crate) use failure::Failure;
pub(crate) use status::Status;
