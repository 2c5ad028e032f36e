//! The judges that run as programs of their own; the scripts are in `tests/judges/`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::process::Command;

use super::{Judge, Verdict};
use crate::environment;

/// dkimpy's verdicts.
pub(super) async fn dkimpy(dns: SocketAddr, message: &Path) -> Vec<Verdict> {
    let mut command = Command::new(environment::judges().join("venv/bin/python"));
    command.arg("-I").arg(script("dkimpy.py"));
    run(Judge::Dkimpy, command, dns, message).await
}

/// Mail::DKIM's verdicts.
pub(super) async fn mail_dkim(dns: SocketAddr, message: &Path) -> Vec<Verdict> {
    let mut command = Command::new("perl");
    command
        .arg("-I")
        .arg(environment::judges().join("perl/lib"))
        .arg(script("mail_dkim.pl"));
    run(Judge::MailDkim, command, dns, message).await
}

/// mailauth's verdicts.
pub(super) async fn mailauth(dns: SocketAddr, message: &Path) -> Vec<Verdict> {
    let mut command = Command::new("node");
    command.arg(script("mailauth.mjs"));
    run(Judge::Mailauth, command, dns, message).await
}

/// One element of the line that a script prints.
#[derive(Deserialize)]
struct Line {
    domain: String,
    selector: String,
    algorithm: String,
    result: String,
    detail: String,
}

async fn run(judge: Judge, mut command: Command, dns: SocketAddr, message: &Path) -> Vec<Verdict> {
    command.arg(dns.to_string()).arg(message).kill_on_drop(true);
    let output = command.output().await.unwrap_or_else(|error| {
        panic!("{judge} cannot be started: {error}: run `cargo xtask test`")
    });
    let lines: Vec<Line> = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!(
            "{judge} gave no verdict: {}: run `cargo xtask test`",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    lines
        .into_iter()
        .map(|line| Verdict {
            judge,
            domain: line.domain,
            selector: line.selector,
            algorithm: line.algorithm,
            result: line.result,
            detail: line.detail,
        })
        .collect()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("judges")
        .join(name)
}
