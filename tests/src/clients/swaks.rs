//! swaks, which doubles dots and ends the message itself.

use super::{HELO, Security, Submission, program, run};
use crate::tls;

/// Sends.
pub async fn send(submission: &Submission<'_>) -> String {
    let mut swaks = program("swaks");
    swaks
        .args(["--server", &submission.edge.to_string()])
        .args(["--helo", HELO])
        .args(["--from", submission.from, "--to", submission.to])
        .args(["--data", "-"]);
    match submission.security {
        Security::Clear => {}
        Security::StartTls => {
            swaks.arg("--tls");
        }
        Security::TlsFirst => {
            swaks.arg("--tls-on-connect");
        }
    }
    if submission.security != Security::Clear {
        swaks
            .args(["--tls-verify", "--tls-sni", tls::NAME])
            .arg("--tls-ca-path")
            .arg(submission.authority);
    }
    if let Some(login) = submission.login {
        swaks
            .args(["--auth", login.mechanism])
            .args(["--auth-user", login.user])
            .args(["--auth-password", login.password]);
    }
    // It ends the last line, too.
    let message = submission.message;
    run(swaks, message.strip_suffix(b"\r\n").unwrap_or(message)).await
}
