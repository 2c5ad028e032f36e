//! `smtp-edge`: reads the settings, starts the server, and says what went wrong.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use common_config::paths;
use smtp_edge::hardening::{self, HardeningError};
use smtp_edge::mail_log::Chain;
use smtp_edge::run;

/// The DKIM-signing SMTP edge server.
#[derive(Debug, Parser)]
#[command(name = "smtp-edge", version)]
struct Arguments {
    /// The settings file [default: $SMTP_EDGE_SETTINGS, or /etc/smtp-edge/smtp-edge.toml]
    #[arg(long, short, global = true)]
    settings: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Verb {
    /// Serve until SIGTERM or SIGINT; SIGHUP reloads the settings
    Run,
    /// Read the settings and the keys they name, say what is wrong with them, and exit
    Check,
}

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
        Verb::Run => runtime.block_on(serve(file, hardened)),
        Verb::Check => runtime.block_on(check(file)),
    }
}

async fn serve(file: PathBuf, hardened: Result<(), HardeningError>) -> ExitCode {
    let loaded = match run::load_settings(&file) {
        Ok(loaded) => loaded,
        Err(error) => return fail(&error, EXIT_SETTINGS.into()),
    };
    if let Err(error) = common_config::logging::init(&loaded.settings.log) {
        return fail(&error, EXIT_SETTINGS.into());
    }
    if let Err(error) = hardened {
        tracing::warn!(why = %Chain(&error), "not_hardened");
    }
    match run::run(loaded, file).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(why = %Chain(&error), "not_started");
            exit_status(&error)
        }
    }
}

async fn check(file: PathBuf) -> ExitCode {
    match run::check(&file).await {
        Ok(remarks) if remarks.is_empty() => {
            println!(
                "{}: the settings and every key they name can be used",
                file.display()
            );
            ExitCode::SUCCESS
        }
        Ok(remarks) => {
            for remark in remarks {
                println!("{remark}");
            }
            EXIT_SETTINGS.into()
        }
        Err(error) => fail(&error, exit_status(&error)),
    }
}

fn exit_status(error: &run::RunError) -> ExitCode {
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
