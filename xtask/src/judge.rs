//! `cargo xtask judge`: signs every message of a folder in every way, and shows what every verifier says.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{command, judges, test};

/// Judges the messages of `folder`, or the corpus of the tests.
pub(crate) fn run(workspace: &Workspace, folder: Option<&Path>) -> Result<()> {
    let judges = judges::install(workspace)?;
    let build = ["build", "--workspace", "--bins", "--examples", "--locked"];
    command::run(&mut workspace.cargo(&build))?;
    let mut judge = Command::new(workspace.binaries().join("judge"));
    if let Some(folder) = folder {
        let whole = folder.canonicalize();
        judge.arg(whole.with_context(|| format!("cannot read {}", folder.display()))?);
    }
    command::run(test::environment(&mut judge, workspace, &judges))
}
