//! `mock-mta`: a mail exchanger that accepts everything and writes each message into a folder as an `.eml` file.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use edge_tests::mock_mta::{Behaviour, Extensions, MockMta, StartTls};

/// Accepts every message, prints a line for each, and keeps it as `<number>.eml`.
#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:2525")]
    listen: SocketAddr,
    /// The folder for the messages.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Offer STARTTLS, with a self-signed certificate.
    #[arg(long)]
    starttls: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.folder)
        .with_context(|| format!("cannot make the folder {}", arguments.folder.display()))?;
    let behaviour = Behaviour {
        extensions: Extensions {
            starttls: arguments.starttls.then_some(StartTls::Works),
            ..Extensions::default()
        },
        ..Behaviour::default()
    };
    let mta = MockMta::listen(arguments.listen, behaviour)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    println!("listening {}", mta.address());
    let mut next = 1;
    loop {
        let arrived = tokio::select! {
            arrived = mta.next_arrival(next) => arrived,
            stopped = tokio::signal::ctrl_c() => return stopped.context("cannot wait for Ctrl-C"),
        };
        let file = arguments.folder.join(format!("{next:04}.eml"));
        std::fs::write(&file, &arrived.data)
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!(
            "{} from=<{}> to={} tls={} octets={}",
            file.display(),
            arrived.from,
            arrived.to().join(","),
            arrived.tls,
            arrived.data.len()
        );
        next += 1;
    }
}
