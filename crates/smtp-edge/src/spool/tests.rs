//! What the tests of all spools share.

pub(in crate::spool) mod disk;
pub(in crate::spool) mod figures;
pub(in crate::spool) mod model;
