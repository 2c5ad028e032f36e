//! The resolver that all who ask the DNS share, with its cache.

use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;

use crate::config::DnsSettings;

/// A resolver that asks the servers of the settings, or those of the system where there are none.
///
/// # Errors
/// When the system's resolver configuration cannot be read.
pub fn resolver(dns: &DnsSettings) -> Result<TokioResolver, NetError> {
    let mut builder = if dns.servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = dns.servers.iter().map(|server| {
            let mut config = NameServerConfig::udp_and_tcp(server.ip());
            for connection in &mut config.connections {
                connection.port = server.port();
            }
            config
        });
        let config = ResolverConfig::from_name_servers(servers.collect());
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    builder.options_mut().timeout = ONE_QUESTION;
    builder.build()
}

/// How long one server may take over one question.
const ONE_QUESTION: Duration = Duration::from_secs(5);
