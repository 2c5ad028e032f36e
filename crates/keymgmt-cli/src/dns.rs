//! Key records: asked of the DNS, or given on the command line.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use common_config::name::KeyName;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData};
use thiserror::Error;

use crate::exit::Failure;

/// Where key records come from.
pub(crate) enum Records {
    /// One record, for whatever key is asked for.
    Given(String),
    /// The DNS.
    Dns(Box<TokioResolver>),
}

impl Records {
    /// The record in `text`, or in the file that it names.
    pub(crate) fn given(text: &str) -> Result<Self, Failure> {
        let path = Path::new(text);
        if !path.is_file() {
            return Ok(Self::Given(text.trim().to_owned()));
        }
        let record = fs::read_to_string(path).map_err(|source| Failure::File {
            step: "read",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::Given(record.trim().to_owned()))
    }

    /// The DNS as `servers` show it; the system's servers when there are none.
    pub(crate) fn dns(servers: &[SocketAddr]) -> Result<Self, DnsError> {
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio().map_err(setup)?
        } else {
            let servers = servers.iter().map(|server| {
                let connections =
                    [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                        connection.port = server.port();
                        connection
                    });
                NameServerConfig::new(server.ip(), true, connections.into())
            });
            let config = ResolverConfig::from_name_servers(servers.collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        builder.options_mut().timeout = TIMEOUT;
        builder.options_mut().attempts = 1;
        Ok(Self::Dns(Box::new(builder.build().map_err(setup)?)))
    }

    /// The TXT records of `key`, the strings of each joined (RFC 6376 §3.6.2.2). None when there are none.
    pub(crate) async fn txt(&self, key: &KeyName) -> Result<Vec<String>, DnsError> {
        let resolver = match self {
            Self::Given(record) => return Ok(vec![record.clone()]),
            Self::Dns(resolver) => resolver,
        };
        let failed = |error| DnsError::Lookup {
            key: key.clone(),
            source: Box::new(error),
        };
        // With the final dot, so that no search domain is tried.
        let name =
            Name::from_ascii(format!("{key}.")).map_err(|error| failed(NetError::from(error)))?;
        let answer = match resolver.txt_lookup(name).await {
            Ok(answer) => answer,
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let records = answer
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::TXT(txt) => {
                    Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned())
                }
                _ => None,
            });
        Ok(records.collect())
    }
}

/// How long a server may take: somebody waits at a terminal. Over UDP and TCP, and each once more.
const TIMEOUT: Duration = Duration::from_secs(3);

fn setup(error: NetError) -> DnsError {
    DnsError::Setup(Box::new(error))
}

/// Why the DNS gave no answer. That there is no record is an answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum DnsError {
    #[error(
        "the DNS resolver cannot be set up; check /etc/resolv.conf, or name a server with --dns <address:port>"
    )]
    Setup(#[source] Box<NetError>),
    #[error(
        "the DNS did not answer for {key}; try again, or name another server with --dns <address:port>"
    )]
    Lookup {
        key: KeyName,
        #[source]
        source: Box<NetError>,
    },
}
