//! `cargo xtask tidy`: the house's rules that a compiler cannot know.

use anyhow::Result;

use crate::workspace::Workspace;

/// Checks every rule.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.packages().map(drop)
}
