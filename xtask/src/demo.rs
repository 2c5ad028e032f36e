//! `cargo xtask demo`: installs the judges, builds, and runs the demonstration that lives in the tests package.

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{command, judges, test};

/// Runs the demonstration.
pub(crate) fn run(workspace: &Workspace, keep: bool) -> Result<()> {
    let judges = judges::install(workspace)?;
    command::run(&mut workspace.cargo(&["build", "--workspace", "--bins", "--locked"]))?;
    let mut demo = std::process::Command::new(workspace.binaries().join("demo"));
    demo.current_dir(workspace.root());
    if keep {
        demo.arg("--keep");
    }
    command::run(test::environment(&mut demo, workspace, &judges))
}
