//! The judges that run as programs of their own; the scripts are in `tests/judges/`.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use tokio::process::Command;

use super::{Judge, Verdict};
use crate::environment;

/// The judge's verdicts on each file.
pub(super) async fn judge(judge: Judge, dns: SocketAddr, files: &[PathBuf]) -> Vec<Vec<Verdict>> {
    let mut verdicts = Vec::with_capacity(files.len());
    for files in files.chunks(FILES) {
        verdicts.extend(run(judge, dns, files).await);
    }
    verdicts
}

fn command(judge: Judge) -> Command {
    let python = |name| {
        let mut command = Command::new(environment::judges().join("venv/bin/python"));
        command.arg("-I").arg(environment::script(name));
        command
    };
    match judge {
        Judge::Dkimpy => python("dkimpy.py"),
        Judge::OpenDkim => python("opendkim.py"),
        Judge::Rspamd => python("rspamd.py"),
        Judge::MailDkim => {
            let mut command = Command::new("perl");
            let modules = environment::judges().join("perl/lib");
            command
                .arg("-I")
                .arg(modules)
                .arg(environment::script("mail_dkim.pl"));
            command
        }
        Judge::Mailauth => {
            let mut command = Command::new("node");
            command.arg(environment::script("mailauth.mjs"));
            command
        }
        Judge::MailAuth => panic!("mail-auth is no script"),
    }
}

/// One element of the line that a script prints. Of a signature that it cannot read, a judge may know nothing.
#[derive(Deserialize)]
struct Line {
    domain: Option<String>,
    selector: Option<String>,
    algorithm: Option<String>,
    result: String,
    detail: Option<String>,
}

async fn run(judge: Judge, dns: SocketAddr, files: &[PathBuf]) -> Vec<Vec<Verdict>> {
    let mut command = command(judge);
    command.arg(dns.to_string()).args(files).kill_on_drop(true);
    let output = command.output().await.unwrap_or_else(|error| {
        panic!("{judge} cannot be started: {error}: run `cargo xtask test`")
    });
    let lines: Vec<Vec<Line>> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{judge} printed something else than verdicts: {error}"));
    assert_eq!(
        lines.len(),
        files.len(),
        "{judge} did not judge every message and ended with {}: {}: run `cargo xtask test`",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let verdict = |line: Line| Verdict {
        judge,
        domain: line.domain.unwrap_or_default(),
        selector: line.selector.unwrap_or_default(),
        algorithm: line.algorithm.unwrap_or_default(),
        result: line.result,
        detail: line.detail.unwrap_or_default(),
    };
    lines
        .into_iter()
        .map(|lines| lines.into_iter().map(verdict).collect())
        .collect()
}

/// Files that one run of a script is given, since a command line has an end.
const FILES: usize = 200;
