//! The users of the credential store: who may authenticate, as one set in memory that is only ever exchanged whole.

pub mod directory;
pub mod watch;
