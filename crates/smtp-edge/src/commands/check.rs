//! `check`: the settings, and every key that they name.

use std::path::PathBuf;
use std::process::ExitCode;

use smtp_edge::run;

use crate::{EXIT_SETTINGS, exit_status, fail};

pub(crate) async fn check(file: PathBuf) -> ExitCode {
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
