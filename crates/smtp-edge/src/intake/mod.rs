//! From a message as a client sent it to a message as it is kept: made well-formed, traced, signed, on stable storage.

mod accept;
pub mod form;
mod mime;
pub mod normalize;
mod rejection;
mod trace;

pub use accept::{Arrival, Intake};
pub use rejection::Rejection;
pub use trace::Protocol;
