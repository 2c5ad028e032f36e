//! `keymgmt`: the administrator's command for NEKs, the credential store and DKIM keys.
//!
//! The command line is [`cli`]'s, one verb a file is in [`commands`], where things are is [`context`]'s. A command
//! returns what it did as an [`output::Output`] or a [`exit::Failure`]; only this file prints. No secret is ever printed.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::cli::Cli;
use crate::exit::{Failure, Status};
use crate::output::{Format, Output};

mod cli;
mod clock;
mod commands;
mod comparison;
mod context;
mod dns;
mod exit;
mod input;
mod key_condition;
mod message;
mod new_file;
mod output;
mod passphrase;
mod second_opinion;
mod signing;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(refused) => return refused,
    };
    let format = cli.global.format();
    let status = match run(cli) {
        Ok(output) => print(&output, format),
        Err(failure) => {
            eprintln!("keymgmt: {}", failure.line());
            failure.status()
        }
    };
    ExitCode::from(status.code())
}

fn run(cli: Cli) -> Result<Output, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = runtime.map_err(Failure::Runtime)?;
    runtime.block_on(commands::run(cli))
}

/// Warnings go to the standard error, everything else to the standard output, which may be a closed pipe.
fn print(output: &Output, format: Format) -> Status {
    for warning in output.warnings() {
        eprintln!("keymgmt: warning: {warning}");
    }
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(&output.render(format))
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("keymgmt: cannot write to the standard output: {error}");
            Status::File
        }
        _ => output.status(),
    }
}
