//! Runs the built `keymgmt` as a person would.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::environment;

/// `keymgmt` with a settings file.
#[derive(Debug, Clone)]
pub struct Keymgmt {
    settings: PathBuf,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Run {
    /// The command line, for messages.
    pub command: String,
    /// The exit status; none when a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Keymgmt {
    /// Uses this settings file.
    #[must_use]
    pub fn new(settings: &Path) -> Self {
        Self {
            settings: settings.to_owned(),
        }
    }

    /// Runs `words`.
    pub async fn run(&self, words: &[&str]) -> Run {
        let mut command = Command::new(environment::binary("keymgmt"));
        command
            .arg("--settings")
            .arg(&self.settings)
            .args(words)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = command.output().await.expect("keymgmt can be started");
        Run {
            command: format!("keymgmt {}", words.join(" ")),
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("keymgmt writes UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("keymgmt writes UTF-8"),
        }
    }

    /// Runs `words`, requires success, and gives what was printed.
    pub async fn ok(&self, words: &[&str]) -> String {
        let run = self.run(words).await;
        assert_eq!(run.status, Some(0), "{run:#?}");
        run.stdout
    }
}
