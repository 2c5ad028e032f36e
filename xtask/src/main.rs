//! The development jobs of the workspace, behind `cargo xtask`: `demo`, `test`, `bench`, `ci`, `judge`, `fuzz`, `crash`, `storm`, `tidy`,
//! `judges`, `clients`.
//!
//! One file a command. It knows the crates from outside only (their files, their binaries, what cargo says of them), so
//! that it builds when they do not.

mod apt;
mod bench;
mod ci;
mod clients;
mod command;
mod crash;
mod demo;
mod fuzz;
mod installation;
mod judge;
mod judges;
mod storm;
mod test;
mod tidy;
mod unpacked;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench::Subject;
use crate::workspace::Workspace;

/// Development jobs of DKIM Edge.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Carry real messages from new keys to the verdicts of four judges, on embedded defaults.
    Demo {
        /// Stay up afterwards, and say how to send a message of one's own.
        #[arg(long)]
        keep: bool,
    },
    /// Install the judges and the mail clients, build, and run every test.
    Test {
        /// Handed to `cargo test` in place of `--workspace`, such as `-p dkim-core` or `-p edge-tests --test restart`.
        #[arg(last = true)]
        cargo_test: Vec<String>,
    },
    /// Measure a crate against the bounds that it has set itself. Minutes of one core, and so no part of `ci`.
    Bench { subject: Subject },
    /// Everything that must hold before a change lands: format, lints, tidy, documentation, tests.
    Ci,
    /// Sign every message of a folder with each algorithm and canonicalization, and show every verifier's verdict.
    Judge {
        /// The folder of messages; the corpus of the tests when left out.
        folder: Option<PathBuf>,
    },
    /// Kill the edge 200 times under load, and hold what arrived against what was answered.
    Crash,
    /// Reload the edge every 20 ms for half a minute, with keys and policies that change under load, and judge what left.
    Storm,
    /// The house's rules that a compiler cannot know.
    Tidy,
    /// Install the independent verifiers that the tests and the demo have signatures judged by.
    Judges,
    /// Install the mail clients that the tests send with.
    Clients,
    /// Run the fuzz targets of dkim-core and smtp-edge: one of them until it is stopped, or all of them for a short time.
    Fuzz {
        /// Thirty seconds a target, and one line about each.
        #[arg(long)]
        smoke: bool,
        /// The target; left out with --smoke, all of them.
        target: Option<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = Workspace::find().and_then(|workspace| match arguments.job {
        Job::Demo { keep } => demo::run(&workspace, keep),
        Job::Test { cargo_test } => test::run(&workspace, &cargo_test),
        Job::Bench { subject } => bench::run(&workspace, subject),
        Job::Ci => ci::run(&workspace),
        Job::Judge { folder } => judge::run(&workspace, folder.as_deref()),
        Job::Crash => crash::run(&workspace),
        Job::Storm => storm::run(&workspace),
        Job::Tidy => tidy::run(&workspace),
        Job::Judges => judges::install(&workspace).map(drop),
        Job::Clients => clients::install(&workspace).map(drop),
        Job::Fuzz { smoke, target } => {
            let run = if smoke {
                fuzz::Run::Smoke
            } else {
                fuzz::Run::Endless
            };
            fuzz::run(&workspace, run, target.as_deref())
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
