//! mail-auth, which runs within the process.

use std::net::SocketAddr;
use std::path::PathBuf;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator};

use super::{Judge, Verdict};

/// mail-auth's verdicts on each file.
pub(super) async fn judge(dns: SocketAddr, files: &[PathBuf]) -> Vec<Vec<Verdict>> {
    let authenticator = asking(dns);
    let mut verdicts = Vec::with_capacity(files.len());
    for file in files {
        let message = std::fs::read(file).expect("the message is there");
        verdicts.push(of_message(&authenticator, &message).await);
    }
    verdicts
}

async fn of_message(authenticator: &MessageAuthenticator, message: &[u8]) -> Vec<Verdict> {
    let Some(parsed) = AuthenticatedMessage::parse(message) else {
        return Vec::new();
    };
    let outputs = authenticator.verify_dkim(&parsed).await;
    outputs
        .iter()
        .map(|output| {
            let signature = output.signature();
            let (result, detail) = match output.result() {
                DkimResult::Pass => ("pass", String::new()),
                DkimResult::Neutral(error) => ("neutral", error.to_string()),
                DkimResult::Fail(error) => ("fail", error.to_string()),
                DkimResult::PermError(error) => ("permerror", error.to_string()),
                DkimResult::TempError(error) => ("temperror", error.to_string()),
                DkimResult::None => ("none", String::new()),
            };
            Verdict {
                judge: Judge::MailAuth,
                domain: signature
                    .map(|signature| signature.d.clone())
                    .unwrap_or_default(),
                selector: signature
                    .map(|signature| signature.s.clone())
                    .unwrap_or_default(),
                algorithm: signature
                    .map(|signature| format!("{:?}", signature.a))
                    .unwrap_or_default(),
                result: result.to_owned(),
                detail,
            }
        })
        .collect()
}

fn asking(dns: SocketAddr) -> MessageAuthenticator {
    let mut server = NameServerConfig::udp_and_tcp(dns.ip());
    server.connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
        .into_iter()
        .map(|mut connection| {
            connection.port = dns.port();
            connection
        })
        .collect();
    let mut options = ResolverOpts::default();
    options.cache_size = 0;
    MessageAuthenticator::new(ResolverConfig::from_name_servers(vec![server]), options)
        .expect("a resolver of one server")
}
