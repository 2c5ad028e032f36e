//! Somebody who runs `smtp-edge queue` and `smtp-edge spool`.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::edge::Home;
use crate::keymgmt::Run;
use crate::setup::Setup;
use crate::world::{Stage, World};

/// Where the edge's admin listener is in [`with_socket`].
#[must_use]
pub fn socket(home: &Home) -> PathBuf {
    home.path().join("admin.sock")
}

/// A world whose edge is asked at a socket file, and tries nothing a second time by itself.
pub async fn with_socket(setup: Setup) -> World {
    let setup =
        setup
            .with("delivery", "retry_first", "\"1h\"")
            .with("delivery", "retry_max", "\"1h\"");
    let mut stage = Stage::set(setup).await;
    let listen = format!("\"unix:{}\"", socket(&stage.home).display());
    stage.home.change(|setup| {
        setup.set("admin", "listen", &listen);
    });
    stage.start().await
}

/// Runs `smtp-edge` with these words.
pub async fn run(home: &Home, words: &[&str]) -> Run {
    let (first, rest) = words.split_first().expect("a word");
    let mut command = home.command(first);
    command.args(rest).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.expect("smtp-edge can be started");
    Run {
        command: format!("smtp-edge {}", words.join(" ")),
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs `smtp-edge` with these words, requires this exit status, and gives what was printed.
pub async fn ends_with(home: &Home, status: i32, words: &[&str]) -> String {
    let run = run(home, words).await;
    assert_eq!(run.status, Some(status), "{run:#?}");
    run.stdout + &run.stderr
}

/// The messages of the queue, by `queue list --json` with these words.
pub async fn list(home: &Home, words: &[&str]) -> Vec<Value> {
    let words = [&["queue", "list", "--json"], words].concat();
    let run = run(home, &words).await;
    assert_eq!(run.status, Some(0), "{run:#?}");
    let lines = run.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}
