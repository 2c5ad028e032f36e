//! `cargo xtask storm`: the storm of reloads of the end-to-end tests, for as long as `ci` has no time for.

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{command, judges, test};

/// Builds all, and lets it blow.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let judges = judges::install(workspace)?;
    test::build(workspace)?;
    let mut storm = workspace.cargo(&["test", "--locked", "-p", "edge-tests", "storm"]);
    storm
        .args(["--", "--nocapture"])
        .env("EDGE_STORM_SECONDS", SECONDS);
    command::run(test::environment(&mut storm, workspace, &judges))
}

const SECONDS: &str = "30";
