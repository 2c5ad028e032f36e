//! `cargo xtask fuzz`: runs the fuzz targets of dkim-core and smtp-edge under libFuzzer, from their committed corpora.
//!
//! The targets are the folders `fuzz/` of the two crates, each a workspace of its own. cargo-fuzz comes from the registry into
//! `target/tools/`; the stable compiler is enough, since our code has no memory to sanitize. What a run finds stays under
//! `target/fuzz/`: the tree changes only when somebody puts an input into a corpus.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use toml_edit::{DocumentMut, Item};

use crate::command;
use crate::workspace::Workspace;

/// How long a target runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// Half a minute, one line a target: for a change that is about to land.
    Smoke,
    /// Until it finds something or is stopped.
    Endless,
}

/// Fuzzes one target, or each in turn.
pub(crate) fn run(workspace: &Workspace, run: Run, chosen: Option<&str>) -> Result<()> {
    let program = cargo_fuzz(workspace)?;
    let fuzzers = CRATES.map(|root| Fuzzer {
        program: program.clone(),
        crate_root: workspace.root().join(root),
        output: workspace.target().join("fuzz"),
    });
    let mut targets: Vec<(&Fuzzer, String)> = Vec::new();
    for fuzzer in &fuzzers {
        targets.extend(fuzzer.targets()?.into_iter().map(|name| (fuzzer, name)));
    }
    let names: Vec<&str> = targets.iter().map(|(_, name)| name.as_str()).collect();
    let all = names.join(", ");
    if let Some(name) = repeated(&names) {
        bail!("two fuzz targets are called {name}, and would share a corpus: rename one of them");
    }
    match (chosen, run) {
        (Some(chosen), _) if names.contains(&chosen) => {
            targets.retain(|(_, name)| name == chosen);
        }
        (None, Run::Smoke) => {}
        (Some(_), _) | (None, Run::Endless) => {
            bail!("name one of {all}, or ask for all with --smoke")
        }
    }
    for fuzzer in &fuzzers {
        if targets
            .iter()
            .any(|(of, _)| of.crate_root == fuzzer.crate_root)
        {
            fuzzer.build()?;
        }
    }
    let mut found = Vec::new();
    for (fuzzer, target) in &targets {
        let outcome = match run {
            Run::Endless => command::run(&mut fuzzer.libfuzzer(target)?),
            Run::Smoke => fuzzer.smoke(target),
        };
        if let Err(error) = outcome {
            println!("fuzz {target:14} FAILED: {error:#}");
            found.push(target.as_str());
        }
    }
    if !found.is_empty() {
        bail!(
            "fuzzing failed in {}: mend it, and put the input that it wrote into the crate's fuzz/corpus/ under a name that says what it shows",
            found.join(", ")
        );
    }
    Ok(())
}

/// A name that is there twice.
fn repeated<'a>(names: &[&'a str]) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    names.iter().copied().find(|name| !seen.insert(*name))
}

/// cargo-fuzz on the targets of one crate, and where it finds and leaves things.
struct Fuzzer {
    program: PathBuf,
    crate_root: PathBuf,
    output: PathBuf,
}

impl Fuzzer {
    /// The targets, as the manifest names them.
    fn targets(&self) -> Result<Vec<String>> {
        let manifest = self.crate_root.join("fuzz/Cargo.toml");
        let text = fs::read_to_string(&manifest)
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        let manifest: DocumentMut = text.parse().context("the manifest of the fuzz targets")?;
        let bins = manifest.get("bin").and_then(Item::as_array_of_tables);
        let names = bins
            .into_iter()
            .flatten()
            .filter_map(|bin| bin.get("name")?.as_str());
        Ok(names.map(str::to_owned).collect())
    }

    fn build(&self) -> Result<()> {
        command::run(self.cargo("build").stdin(std::process::Stdio::null()))
            .context("the fuzz targets do not build; beside Rust they need a C++ compiler (`apt-get install g++`)")
    }

    fn cargo(&self, job: &str) -> Command {
        let mut cargo = Command::new(&self.program);
        cargo
            .current_dir(&self.crate_root)
            .args([
                "fuzz",
                job,
                "--sanitizer",
                "none",
                "--fuzz-dir",
                "fuzz",
                "--target-dir",
            ])
            .arg(self.output.join("build"));
        cargo
    }

    /// A target on its corpora: first the one that it may write into, then the committed one, which is read only.
    fn libfuzzer(&self, target: &str) -> Result<Command> {
        let corpus = self.folder("corpus", target)?;
        let mut artifacts = self.folder("artifacts", target)?.into_os_string();
        artifacts.push("/");
        let mut prefix = std::ffi::OsString::from("-artifact_prefix=");
        prefix.push(artifacts);
        let mut run = self.cargo("run");
        run.arg(target)
            .arg(corpus)
            .arg(Path::new("fuzz/corpus").join(target))
            .arg("--")
            .args(LIMITS)
            .arg(prefix);
        Ok(run)
    }

    /// Runs a target for half a minute and prints one line about it.
    fn smoke(&self, target: &str) -> Result<()> {
        let path = self.output.join(format!("{target}.log"));
        let log =
            File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let mut run = self.libfuzzer(target)?;
        run.arg(format!("-max_total_time={SMOKE_SECONDS}"));
        run.stdout(log.try_clone()?).stderr(log);
        let outcome = command::run(&mut run);
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        match (outcome, runs(&text)) {
            (Ok(()), Some(runs)) => {
                println!("fuzz {target:14} {runs}, nothing found");
                Ok(())
            }
            // A fuzzer that ends well without having run has found nothing because it looked at nothing.
            (Ok(()), None) => bail!(
                "it ended without a count of its runs: see {}",
                path.display()
            ),
            (Err(_), _) => bail!("see {}:\n{}", path.display(), complaint(&text)),
        }
    }

    fn folder(&self, kind: &str, target: &str) -> Result<PathBuf> {
        let folder = self.output.join(kind).join(target);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }
}

/// cargo-fuzz in `target/tools/`, installed when it is not there in the version that we want.
fn cargo_fuzz(workspace: &Workspace) -> Result<PathBuf> {
    let tools = workspace.target().join("tools");
    let program = tools.join("bin/cargo-fuzz");
    let wanted = format!("cargo-fuzz {VERSION}");
    let installed = || command::output(Command::new(&program).args(["fuzz", "--version"]));
    if installed().is_ok_and(|version| version == wanted) {
        return Ok(program);
    }
    println!("installing {wanted}");
    let mut cargo = workspace.cargo(&["install", "cargo-fuzz", "--locked", "--version", VERSION]);
    cargo.env("CARGO_TARGET_DIR", tools.join("build"));
    command::run(cargo.arg("--root").arg(&tools))?;
    match installed()? {
        version if version == wanted => Ok(program),
        version => bail!(
            "{} is {version}, not {wanted}: remove it, then repeat",
            program.display()
        ),
    }
}

/// What libFuzzer says of its runs at the end: `123 runs in 31 s`.
fn runs(log: &str) -> Option<String> {
    let (runs, seconds) = log.lines().find_map(|line| {
        let rest = line.strip_prefix("Done ")?.strip_suffix(" second(s)")?;
        rest.split_once(" runs in ")
    })?;
    let count: u64 = runs.parse().ok()?;
    (count > 0).then(|| format!("{count:9} runs in {seconds} s"))
}

/// The lines of a log that tell what was found: the panic, and where libFuzzer wrote the input. The last lines of a log
/// that has neither.
fn complaint(log: &str) -> String {
    let mut lines: Vec<&str> = log.lines().collect();
    let panic = lines
        .iter()
        .skip_while(|line| !line.contains("panicked at"));
    let panic =
        panic.take_while(|line| !line.starts_with("stack backtrace") && !line.starts_with("=="));
    let written = lines
        .iter()
        .filter(|line| line.contains("SUMMARY: ") || line.contains("Test unit written to"));
    let mut told: Vec<&str> = panic.chain(written).copied().collect();
    if told.is_empty() {
        told = lines.split_off(lines.len().saturating_sub(20));
    }
    told.join("\n")
}

const CRATES: [&str; 2] = ["crates/dkim-core", "crates/smtp-edge"];
const VERSION: &str = "0.13.1";
const SMOKE_SECONDS: u32 = 30;

/// Inputs of up to a page; one that takes ten seconds or half a gigabyte is a finding.
const LIMITS: [&str; 3] = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=512"];

#[cfg(test)]
mod tests {
    use super::{complaint, repeated, runs};

    #[test]
    fn a_name_that_is_there_twice_is_found() {
        assert_eq!(repeated(&["body", "data", "body"]), Some("body"));
        assert_eq!(repeated(&["body", "data"]), None);
    }

    #[test]
    fn the_count_of_runs_is_read() {
        let log = "INFO: seed corpus\n#2 pulse\nDone 4711 runs in 31 second(s)\n";
        assert_eq!(runs(log).as_deref(), Some("     4711 runs in 31 s"));
        assert_eq!(runs("Done 0 runs in 31 second(s)\n"), None);
        assert_eq!(runs("#2 pulse\n"), None);
    }

    #[test]
    fn a_complaint_is_the_panic_and_the_input() {
        let log = "#1 pulse\nthread 'x' panicked at a.rs:1:\nno\nstack backtrace:\n 0: a\n==1== ERROR\nMS: 0\nTest unit written to b\n";
        assert_eq!(
            complaint(log),
            "thread 'x' panicked at a.rs:1:\nno\nTest unit written to b"
        );
        assert_eq!(
            complaint("error: no such target\n"),
            "error: no such target"
        );
    }
}
