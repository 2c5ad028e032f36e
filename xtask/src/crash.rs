//! `cargo xtask crash`: what must not lose mail, at a length that `ci` has no time for, and a table of what was tried.
//!
//! The simulated disk loses power and fails, which a kill does not: a kill leaves what the kernel has. So they are rows apart.

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use crate::{command, judges, test};

/// Kills the server under load, fills a real disk, and has the spools meet random faults of a simulated one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let judges = judges::install(workspace)?;
    test::build(workspace)?;
    let mut rows = Vec::new();
    for (words, (variable, value)) in RUNS {
        let mut cargo = workspace.cargo(&["test", "--locked", "--workspace"]);
        cargo.args(words).arg("--nocapture").env(variable, value);
        let ended_well =
            command::watch(test::environment(&mut cargo, workspace, &judges), |line| {
                rows.extend(row(line));
            })?;
        if !ended_well {
            bail!(
                "{} failed: above it says which promise was not kept",
                command::line(&cargo)
            );
        }
    }
    println!("\n| What | Faults tried | Messages answered | Lost | Twice |\n|---|---|---|---|---|");
    for row in &rows {
        println!("| {row} |");
    }
    Ok(())
}

/// What cargo is told, and how long a run is.
type Run = (&'static [&'static str], (&'static str, &'static str));

const RUNS: [Run; 2] = [
    (
        &["--test", "end_to_end", "--", "crash", "full_disk"],
        ("EDGE_CRASH_KILLS", "200"),
    ),
    (
        &["--lib", "--", "on_a_failing_disk"],
        ("EDGE_FAULT_TIMES", "40"),
    ),
];

/// The figures that a test prints.
fn row(line: &str) -> Option<String> {
    let (_, figures) = line.split_once("figures: ")?;
    Some(figures.to_owned())
}
