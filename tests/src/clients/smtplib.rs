//! Python's smtplib, in `tests/clients/smtplib_client.py`.

use serde_json::json;
use tokio::process::Command;

use super::{Security, Submission, run};
use crate::{environment, tls};

/// How the message is handed over.
#[derive(Debug, Clone, Copy)]
pub enum Handover {
    /// By DATA.
    Data,
    /// By DATA, with SMTPUTF8.
    International,
    /// By BDAT in so many chunks, all of it written before a reply is read.
    Chunks(usize),
}

/// Sends.
pub async fn send(submission: &Submission<'_>, handover: Handover) -> String {
    let security = match submission.security {
        Security::Clear => "clear",
        Security::StartTls => "starttls",
        Security::TlsFirst => "tls",
    };
    let mut task = json!({
        "address": submission.edge.ip(),
        "port": submission.edge.port(),
        "name": tls::NAME,
        "security": security,
        "authority": submission.authority,
        "from": submission.from,
        "to": submission.to,
    });
    match handover {
        Handover::Data => {}
        Handover::International => task["smtputf8"] = json!(true),
        Handover::Chunks(count) => task["chunks"] = json!(count),
    }
    if let Some(login) = submission.login {
        task["mechanism"] = json!(login.mechanism);
        task["user"] = json!(login.user);
        task["password"] = json!(login.password);
    }
    let mut python = Command::new(environment::judges().join("venv/bin/python"));
    python
        .arg("-I")
        .arg(environment::client_script("smtplib_client.py"))
        .arg(task.to_string());
    run(python, submission.message).await
}
