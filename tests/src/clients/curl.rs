//! curl, by `smtp://` and `smtps://`.

use super::{HELO, Security, Submission, program, run};
use crate::tls;

/// Sends.
pub async fn send(submission: &Submission<'_>) -> String {
    let scheme = match submission.security {
        Security::Clear | Security::StartTls => "smtp",
        Security::TlsFirst => "smtps",
    };
    let (address, port) = (submission.edge.ip(), submission.edge.port());
    let mut curl = program("curl");
    curl.args(["--disable", "--silent", "--show-error", "--verbose"])
        .args(["--url", &format!("{scheme}://{}:{port}/{HELO}", tls::NAME)])
        .args(["--resolve", &format!("{}:{port}:{address}", tls::NAME)])
        .args(["--mail-from", submission.from])
        .args(["--mail-rcpt", submission.to])
        .args(["--upload-file", "-"])
        .arg("--cacert")
        .arg(submission.authority);
    if submission.security == Security::StartTls {
        curl.arg("--ssl-reqd");
    }
    if let Some(login) = submission.login {
        curl.args(["--user", &format!("{}:{}", login.user, login.password)])
            .args(["--login-options", &format!("AUTH={}", login.mechanism)]);
    }
    run(curl, submission.message).await
}
