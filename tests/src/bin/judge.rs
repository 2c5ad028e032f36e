//! Signs every message of a folder in every way and prints what every verifier says.
//!
//! Exit status 0 only when every disagreement is the known fault of a verifier.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use edge_tests::corpus;
use edge_tests::survey::survey;

/// Signs every message of a folder in every way and prints what every verifier says.
#[derive(Parser)]
struct Arguments {
    /// The folder; folders below it are read, too. Files that are no messages are named as not signed. Without it the
    /// corpus of the tests is judged.
    folder: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let survey = match arguments.folder {
        Some(folder) => survey(&folder).await,
        None => survey(corpus::gather().path()).await,
    };
    println!("{survey}");
    if survey.judged.is_empty() {
        eprintln!("judge: the folder holds no message that can be signed");
        return ExitCode::FAILURE;
    }
    if survey.unexplained().is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
