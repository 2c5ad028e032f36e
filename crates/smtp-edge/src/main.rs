//! `smtp-edge`: reads the words of the command line and does what they say; and says what went wrong.

mod cli;
mod commands;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common_config::paths;
use smtp_edge::hardening;
use smtp_edge::mail_log::Chain;
use smtp_edge::run::RunError;

use cli::{Arguments, Verb};
use commands::{Failure, Status};

/// The settings are at fault (`EX_CONFIG` of sysexits.h): starting again without a change would fail the same way.
const EXIT_SETTINGS: u8 = 78;

fn main() -> ExitCode {
    // Before any key is read, and before there is a second thread.
    let hardened = hardening::harden();
    let arguments = Arguments::parse();
    let file = arguments.settings.or_else(paths::settings_from_environment);
    let file = file.unwrap_or_else(|| PathBuf::from(paths::DEFAULT_SETTINGS));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, ExitCode::FAILURE),
    };
    match arguments.verb {
        Verb::Run => runtime.block_on(commands::run::serve(file, hardened)),
        Verb::Check => runtime.block_on(commands::check::check(file)),
        Verb::Queue(arguments) => ended(runtime.block_on(commands::queue::obey(&file, &arguments))),
        Verb::Spool(verb) => ended(commands::spool::obey(&file, &verb)),
    }
}

fn ended(result: Result<Status, Failure>) -> ExitCode {
    match result {
        Ok(status) => status.into(),
        Err(error) => match error.status() {
            Status::Done => ExitCode::SUCCESS,
            status => fail(&error, status.into()),
        },
    }
}

fn exit_status(error: &RunError) -> ExitCode {
    if error.is_settings() {
        EXIT_SETTINGS.into()
    } else {
        ExitCode::FAILURE
    }
}

fn fail(error: &dyn std::error::Error, status: ExitCode) -> ExitCode {
    eprintln!("smtp-edge: {}", Chain(error));
    status
}
