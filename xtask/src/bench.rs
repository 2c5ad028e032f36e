//! `cargo xtask bench`: the measurements of a crate, on one core where that matters, or of the server from outside.
//!
//! A benchmark judges its own bounds and ends with status 1 when one fails; here it is only started, and kept to one core
//! where that matters and the system can do it.

use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::workspace::Workspace;
use crate::{command, test};

/// What can be measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Subject {
    /// Signing, beside SHA-256, the private-key operation and mail-auth.
    Dkim,
    /// The memory of silent connections to smtp-edge, and busy clients beside them.
    Connections,
    /// The spool's log, beside a file for each message, and beside the least that a log can do; and a start with a million.
    Spool,
    /// How long one client's message waits behind 100,000 of another.
    Queue,
}

/// Builds the benchmark, then runs it.
pub(crate) fn run(workspace: &Workspace, subject: Subject) -> Result<()> {
    match subject {
        Subject::Dkim => {
            let benchmark = ["-p", "dkim-core", "--bench", "signing", "--locked"];
            // Built apart, since a compiler that is kept to one core takes twice as long.
            command::run(workspace.cargo(&["bench", "--no-run"]).args(benchmark))?;
            on_one_core(workspace, &benchmark)
        }
        Subject::Connections => connections(workspace),
        // Writers, the log and the disk work at once.
        Subject::Spool => {
            let benchmark = ["-p", "smtp-edge", "--bench", "spool", "--locked"];
            command::run(workspace.cargo(&["bench"]).args(benchmark))
        }
        Subject::Queue => {
            let benchmark = ["-p", "smtp-edge", "--bench", "queue", "--locked"];
            command::run(workspace.cargo(&["bench"]).args(benchmark))
        }
    }
}

fn on_one_core(workspace: &Workspace, benchmark: &[&str]) -> Result<()> {
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

/// The programs as they are installed, and a driver from the tests' package, which may be slow.
fn connections(workspace: &Workspace) -> Result<()> {
    let programs = ["-p", "smtp-edge", "-p", "keymgmt-cli", "--bins", "--locked"];
    command::run(workspace.cargo(&["build", "--release"]).args(programs))?;
    test::build(workspace)?;
    let mut driver = Command::new(workspace.target().join("debug/connections"));
    command::run(driver.env("EDGE_BIN_DIR", workspace.target().join("release")))
}

/// The first core, which every machine has.
const ONE_CORE: [&str; 2] = ["--cpu-list", "0"];
