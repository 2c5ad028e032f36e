//! `cargo xtask bench`: the measurements of a crate, on one core.
//!
//! The benchmark judges its own bounds and ends with status 1 when one fails; here it is only started, and kept to one core
//! where the system can do that.

use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::command;
use crate::workspace::Workspace;

/// What can be measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Subject {
    /// Signing, beside SHA-256, the private-key operation and mail-auth.
    Dkim,
}

/// Builds the benchmark, then runs it.
pub(crate) fn run(workspace: &Workspace, subject: Subject) -> Result<()> {
    let benchmark = match subject {
        Subject::Dkim => ["-p", "dkim-core", "--bench", "signing", "--locked"],
    };
    // Built apart, since a compiler that is kept to one core takes twice as long.
    command::run(workspace.cargo(&["bench", "--no-run"]).args(benchmark))?;
    let mut pinned = Command::new("taskset");
    pinned.args(ONE_CORE);
    if command::succeeds(pinned.arg("true")) {
        let mut taskset = Command::new("taskset");
        taskset.current_dir(workspace.root()).args(ONE_CORE);
        command::run(taskset.args(["cargo", "bench"]).args(benchmark))
    } else {
        println!("taskset cannot pin the benchmark, which may wander between cores");
        command::run(workspace.cargo(&["bench"]).args(benchmark))
    }
}

/// The first core, which every machine has.
const ONE_CORE: [&str; 2] = ["--cpu-list", "0"];
