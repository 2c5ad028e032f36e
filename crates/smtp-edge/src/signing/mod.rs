//! The signing step: which keys sign a message, and what happens when one cannot.

pub mod replay;
pub mod state;
