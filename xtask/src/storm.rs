//! `cargo xtask storm`: the storm of reloads of the end-to-end tests, for as long as `ci` has no time for.

use anyhow::Result;

use crate::test;
use crate::workspace::Workspace;

/// Lets it blow.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    test::at_length(workspace, "storm", ("EDGE_STORM_SECONDS", "30"))
}
