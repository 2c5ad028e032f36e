//! `cargo xtask test`: installs the judges and the mail clients, builds the binaries, runs every test, and counts.
//!
//! What it builds is what `cargo test` runs: binaries, tests and examples in one call, so that every dependency is
//! compiled once and with one set of features.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use crate::{clients, command, judges};

/// Runs the tests; `chosen` takes the place of the whole workspace.
pub(crate) fn run(workspace: &Workspace, chosen: &[String]) -> Result<()> {
    let judges = judges::install(workspace)?;
    let clients = clients::install(workspace)?;
    build(workspace)?;
    let count = count(workspace, &judges, &clients, chosen)?;
    println!("{count}");
    count.verdict()
}

/// Builds all that the tests start or are.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let what = [
        "build",
        "--workspace",
        "--bins",
        "--tests",
        "--examples",
        "--locked",
    ];
    command::run(&mut workspace.cargo(&what))
}

/// Runs `cargo test`, all packages even when some fail, and sums up its summaries.
pub(crate) fn count(
    workspace: &Workspace,
    judges: &Path,
    clients: &Path,
    chosen: &[String],
) -> Result<Count> {
    let mut cargo = workspace.cargo(&["test", "--locked"]);
    if chosen.is_empty() {
        cargo.args(["--workspace", "--no-fail-fast"]);
    } else {
        cargo.args(chosen);
    }
    cargo.env("EDGE_CLIENTS", clients);
    let mut count = Count::default();
    count.ended_well = command::watch(environment(&mut cargo, workspace, judges), |line| {
        count.read(line);
    })?;
    Ok(count)
}

/// Builds all, and runs the end-to-end tests of one name, for as long as a variable of theirs says.
pub(crate) fn at_length(workspace: &Workspace, name: &str, variable: (&str, &str)) -> Result<()> {
    let judges = judges::install(workspace)?;
    build(workspace)?;
    let end_to_end = ["test", "--locked", "--workspace", "--test", "end_to_end"];
    let mut cargo = workspace.cargo(&end_to_end);
    cargo.args([name, "--", "--nocapture"]);
    cargo.env(variable.0, variable.1);
    command::run(environment(&mut cargo, workspace, &judges))
}

/// What the tests and the demo read from their environment.
pub(crate) fn environment<'a>(
    command: &'a mut Command,
    workspace: &Workspace,
    judges: &Path,
) -> &'a mut Command {
    command
        .env("EDGE_JUDGES", judges)
        .env("EDGE_BIN_DIR", workspace.binaries())
}

/// The sum of all `test result:` lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    passed: u64,
    failed: u64,
    ignored: u64,
    ended_well: bool,
}

impl Count {
    fn read(&mut self, line: &str) {
        let Some(summary) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in summary.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (
                words.next().and_then(|word| word.parse::<u64>().ok()),
                words.next(),
            ) else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// Green only if tests ran, all passed, and none was left out by an attribute.
    pub(crate) fn verdict(&self) -> Result<()> {
        if !self.ended_well || self.failed > 0 {
            bail!("tests failed");
        }
        if self.ignored > 0 {
            bail!(
                "{} tests are marked as ignored: let them run or take them out",
                self.ignored
            );
        }
        if self.passed == 0 {
            bail!("no test ran");
        }
        Ok(())
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    fn read(lines: &[&str], ended_well: bool) -> Count {
        let mut count = Count {
            ended_well,
            ..Count::default()
        };
        for line in lines {
            count.read(line);
        }
        count
    }

    const GOOD: &str = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 1.52s";
    const BAD: &str = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s";
    const IGNORED: &str = "test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s";

    #[test]
    fn sums_what_cargo_test_prints() {
        let rows: &[(&[&str], bool, &str, bool)] = &[
            (
                &[GOOD, "running 3 tests", GOOD],
                true,
                "24 passed, 0 failed",
                true,
            ),
            (&[GOOD, BAD], false, "13 passed, 2 failed", false),
            (&[IGNORED], true, "1 passed, 0 failed", false),
            // A test program that dies prints no summary; cargo's own status tells.
            (&[GOOD], false, "12 passed, 0 failed", false),
            (&[], true, "0 passed, 0 failed", false),
        ];
        for (lines, ended_well, line, green) in rows {
            let count = read(lines, *ended_well);
            assert_eq!(count.to_string(), *line);
            assert_eq!(count.verdict().is_ok(), *green, "{lines:?}");
        }
    }
}
