//! `cargo xtask ci`: what must hold before a change lands, the same here and on the machine that checks it.
//!
//! A step that fails does not hide the ones after it; only the tests need the build before them. The last line counts
//! the tests.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use crate::{clients, command, judges, test, tidy};

/// Runs every step and tells what each took.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::default();
    steps.take("format", || {
        command::run(&mut workspace.cargo(&["fmt", "--all", "--check"]))
    });
    steps.take("tidy", || tidy::run(workspace));
    let judges = steps.take("judges", || judges::install(workspace));
    let clients = steps.take("clients", || clients::install(workspace));
    steps.take("clippy", || {
        let arguments = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ];
        command::run(&mut workspace.cargo(&arguments))
    });
    steps.take("documentation", || {
        let mut cargo = workspace.cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
        command::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
    });
    let built = steps.take("build", || test::build(workspace));
    let count = match (judges, clients, built) {
        (Some(judges), Some(clients), Some(())) => {
            steps.take("test", || test::count(workspace, &judges, &clients, &[]))
        }
        (None, _, _) | (_, None, _) | (_, _, None) => None,
    };
    if let Some(count) = &count {
        steps.note("test", count.verdict());
    }
    steps.print();
    if let Some(count) = &count {
        println!("{count}");
    }
    steps.verdict()
}

/// The steps done so far: the name, the time, and whether it held.
#[derive(Default)]
struct Steps(Vec<(&'static str, Duration, bool)>);

impl Steps {
    #[expect(
        clippy::disallowed_methods,
        reason = "a development job times its own steps"
    )]
    fn take<T>(&mut self, name: &'static str, step: impl FnOnce() -> Result<T>) -> Option<T> {
        println!("== {name}");
        let start = Instant::now();
        let outcome = step();
        let held = outcome.is_ok();
        self.0.push((name, start.elapsed(), held));
        outcome
            .inspect_err(|error| eprintln!("error: {name}: {error:#}"))
            .ok()
    }

    /// A verdict that is known only after a step has ended.
    fn note(&mut self, name: &'static str, verdict: Result<()>) {
        if let Err(error) = verdict {
            eprintln!("error: {name}: {error:#}");
            for (_, _, held) in self.0.iter_mut().filter(|step| step.0 == name) {
                *held = false;
            }
        }
    }

    fn print(&self) {
        println!("== time of each step");
        for (name, took, held) in &self.0 {
            println!(
                "{name:14} {:6.1} s  {}",
                took.as_secs_f64(),
                if *held { "held" } else { "FAILED" }
            );
        }
        let total: Duration = self.0.iter().map(|(_, took, _)| *took).sum();
        println!("{:14} {:6.1} s", "all", total.as_secs_f64());
    }

    fn verdict(&self) -> Result<()> {
        let failed: Vec<&str> = self
            .0
            .iter()
            .filter(|step| !step.2)
            .map(|step| step.0)
            .collect();
        if !failed.is_empty() {
            bail!("these steps failed: {}", failed.join(", "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Steps;

    #[test]
    fn a_failed_step_fails_the_whole_and_hides_none() {
        let mut steps = Steps::default();
        assert_eq!(steps.take("first", || anyhow::Ok(1)), Some(1));
        assert_eq!(
            steps.take("second", || anyhow::bail!("no") as anyhow::Result<()>),
            None
        );
        assert_eq!(steps.take("third", || anyhow::Ok(3)), Some(3));
        assert_eq!(
            steps.verdict().unwrap_err().to_string(),
            "these steps failed: second"
        );
    }

    #[test]
    fn a_verdict_after_the_step_counts() {
        let mut steps = Steps::default();
        steps.take("test", || anyhow::Ok(()));
        steps.note("test", Ok(()));
        assert!(steps.verdict().is_ok());
        steps.note("test", Err(anyhow::anyhow!("no test ran")));
        assert!(steps.verdict().is_err());
    }
}
