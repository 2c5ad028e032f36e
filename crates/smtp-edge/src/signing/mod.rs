//! The signing step: which keys sign a message, and what happens when one cannot.
//!
//! [`sign`] is the step itself, [`keyring`] holds the unsealed keys, [`policy`] turns faults into consequences, and
//! [`step`] keeps what is in force, swapped whole on a reload, and replays the step for messages that were deferred.

pub mod keyring;
pub mod policy;
pub mod replay;
pub mod sign;
pub mod state;
pub mod step;
pub mod unsigned;
