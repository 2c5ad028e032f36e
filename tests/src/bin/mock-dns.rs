//! `mock-dns`: an authoritative DNS server for the records of a file.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use edge_tests::mock_dns::{MockDns, Zone};

/// Serves the records of a file, one a line: `<owner> <A|AAAA|MX|TXT|CNAME> <data>`.
#[derive(Parser)]
struct Arguments {
    /// Where to listen, UDP and TCP.
    #[arg(long, default_value = "127.0.0.1:5353")]
    listen: SocketAddr,
    /// The records.
    records: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let text = std::fs::read_to_string(&arguments.records)
        .with_context(|| format!("cannot read {}", arguments.records.display()))?;
    let zone = Zone::parse(&text).with_context(|| arguments.records.display().to_string())?;
    let dns = MockDns::serve_on(arguments.listen, zone)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    println!("listening {}", dns.address());
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")
}
