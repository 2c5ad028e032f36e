//! The signing step: which keys sign a message, and what happens when one cannot.
//!
//! [`sign`] is the step itself, [`keyring`] holds the unsealed keys, each tried by [`probe`], [`policy`] turns faults into
//! consequences, and [`step`] keeps what is in force, swapped whole on a reload, and replays the step for messages that
//! were deferred. [`sender`] asks before all of it whether the client may sign for the domain. [`watch`] brings changes of the store into force.

pub mod keyring;
pub mod policy;
pub mod probe;
pub mod quiet;
pub mod replay;
pub mod sender;
pub mod sign;
pub mod state;
pub mod step;
pub mod unsigned;
pub mod watch;
