//! The signing step: which keys sign a message, and what happens when one cannot.
//!
//! [`in_force`] is the policy with its [`profiles`] and the [`keyring`] of unsealed keys, each tried by [`probe`]; it is swapped
//! whole, on a reload and by [`watch`] when the store has changed. [`step`] runs the step for a message: `plan` says what is
//! asked and whether an outcome on record still is that, [`sign`] makes the signatures, [`self_check`] verifies them, and
//! [`policy`] turns faults into consequences.

pub mod in_force;
pub mod keyring;
mod plan;
pub mod policy;
pub mod probe;
pub mod profiles;
pub mod published;
pub mod quiet;
pub mod replay;
pub mod self_check;
pub mod sign;
pub mod state;
pub mod step;
pub mod unsigned;
pub mod watch;
