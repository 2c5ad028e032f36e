//! `cargo xtask crash`: the kills under load of the end-to-end tests, as many as `ci` has no time for.

use anyhow::Result;

use crate::test;
use crate::workspace::Workspace;

/// Kills the server again and again.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    test::at_length(workspace, "crash", ("EDGE_CRASH_KILLS", "200"))
}
