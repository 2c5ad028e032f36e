//! `run`: the server, until a signal ends it.

use std::path::PathBuf;
use std::process::ExitCode;

use smtp_edge::hardening::HardeningError;
use smtp_edge::mail_log::Chain;
use smtp_edge::run;

use crate::{EXIT_SETTINGS, exit_status, fail};

pub(crate) async fn serve(file: PathBuf, hardened: Result<(), HardeningError>) -> ExitCode {
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
