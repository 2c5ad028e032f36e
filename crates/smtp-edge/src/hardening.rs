//! What the process takes from itself, so that the keys in its memory stay there: core dumps, and being traced or read by
//! other processes of its user.
//!
//! It is done once, at the start. A failure keeps no mail from flowing; the caller says it in the log.

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// What could not be turned off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HardeningError {
    /// Core dumps.
    #[error(
        "core dumps are not turned off: the keys may end in one; set LimitCORE=0 where the server is started"
    )]
    Core(#[source] Errno),
    /// Being traced.
    #[error("other processes of the server's user may read its memory, and the keys in it")]
    Dumpable(#[source] Errno),
}

/// Turns off core dumps, and with them ptrace and `/proc/<pid>/mem` for all but root.
///
/// # Errors
/// The first of [`HardeningError`]; the other one is tried all the same.
pub fn harden() -> Result<(), HardeningError> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let core = setrlimit(Resource::Core, none).map_err(HardeningError::Core);
    // Both are needed: a core that is piped to a program (`kernel.core_pattern`) does not ask for the limit.
    let dumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    core.and(dumpable.map_err(HardeningError::Dumpable))
}
