//! msmtp, as its configuration file tells it.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::{HELO, Security, Submission, program, run, unix};
use crate::tls;

/// How the edge's certificate is known.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// By its authority and its name.
    Authority,
    /// By its fingerprint, SHA-256 in hexadecimal digits with colons.
    Fingerprint(&'a str),
}

/// Sends.
pub async fn send(submission: &Submission<'_>, trust: Trust<'_>) -> String {
    let settings = settings(submission, trust);
    send_by(&settings, submission.to, submission.message).await
}

/// Sends as a configuration file says.
pub async fn send_by(settings: &str, to: &str, message: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("msmtprc");
    let private = Permissions::from_mode(0o600);
    std::fs::write(&file, settings)
        .and_then(|()| std::fs::set_permissions(&file, private))
        .expect("the folder can be written");
    let mut msmtp = program("msmtp");
    msmtp.arg("--file").arg(&file).arg("--debug");
    msmtp.args(["--account", "default", "--", to]);
    run(msmtp, &unix(message)).await
}

fn settings(submission: &Submission<'_>, trust: Trust<'_>) -> String {
    let mut text = format!(
        "account default\nhost {}\nport {}\ndomain {HELO}\nfrom {}\n",
        submission.edge.ip(),
        submission.edge.port(),
        submission.from
    );
    let starttls = match submission.security {
        Security::Clear => None,
        Security::StartTls => Some("on"),
        Security::TlsFirst => Some("off"),
    };
    if let Some(starttls) = starttls {
        let _ = writeln!(text, "tls on\ntls_starttls {starttls}");
        let _ = match trust {
            Trust::Authority => writeln!(
                text,
                "tls_trust_file {}\ntls_host_override {}",
                submission.authority.display(),
                tls::NAME
            ),
            Trust::Fingerprint(fingerprint) => writeln!(text, "tls_fingerprint {fingerprint}"),
        };
    }
    if let Some(login) = submission.login {
        let _ = writeln!(
            text,
            "auth {}\nuser {}\npassword \"{}\"",
            login.mechanism.to_ascii_lowercase(),
            login.user,
            login.password
        );
    }
    text
}
