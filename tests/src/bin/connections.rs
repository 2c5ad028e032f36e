//! `cargo xtask bench connections`: what a silent connection costs the edge in memory, and whether busy clients are served
//! while thousands are silent and some dribble. Ends with status 1 when a bound does not hold.

use std::future::Future;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use edge_tests::client::RawClient;
use edge_tests::edge::Edge;
use edge_tests::log::field;
use edge_tests::messages;
use edge_tests::setup::Setup;
use edge_tests::tls::{self, Certificate, ClientTls};
use edge_tests::world::Stage;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

const SILENT: usize = 2000;
const BUSY: usize = 200;
const MESSAGES: usize = 5;
const DRIBBLING: usize = 50;
const TURNS: usize = 5;
/// What the same mail may take beside those that dribble, as a multiple of what it takes without them.
const LONGEST: f64 = 1.25;
/// Octets of memory for a silent connection.
const MOST_IN_CLEAR: u64 = 20_000;
const MOST_UNDER_TLS: u64 = 60_000;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

#[tokio::main]
async fn main() -> ExitCode {
    match measure().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<()> {
    raise_descriptors()?;
    let setup = Setup::signing("2", "s1")
        .with("listen", "tls_addresses", "[\"127.0.0.1:0\"]")
        .with("smtp", "max_connections", "10000");
    let mut stage = Stage::set(setup).await;
    let certificate = tls::configure(&mut stage.home);
    let world = stage.start().await;
    let edge = world.edge.address();
    let listening = world.edge.log.event("listening", &[("first", "tls")]).await;
    let encrypted: SocketAddr = field(&listening, "address").parse()?;

    // What the first connections and messages cost once is no part of what each costs.
    drop(many(100, || in_clear(edge)).await);
    drop(many(100, || under_tls(encrypted, &certificate)).await);
    busy(edge, BUSY).await?;
    let start = memory(&world.edge)?;
    println!("memory at the start:              {start:>9} octets");

    let silent = many(SILENT, || in_clear(edge)).await;
    let with_clear = memory(&world.edge)?;
    let each = with_clear.saturating_sub(start) / SILENT as u64;
    println!("{SILENT} silent connections, each:     {each:>9} octets (at most {MOST_IN_CLEAR})");

    let silent_tls = many(SILENT, || under_tls(encrypted, &certificate)).await;
    let with_tls = memory(&world.edge)?;
    let each_tls = with_tls.saturating_sub(with_clear) / SILENT as u64;
    println!(
        "{SILENT} silent ones under TLS, each:  {each_tls:>9} octets (at most {MOST_UNDER_TLS})"
    );

    // With and without those that dribble, in turns, and the shortest of each: what else the machine does only adds to them.
    let (mut alone, mut beside) = (Duration::MAX, Duration::MAX);
    for _ in 0..TURNS {
        alone = alone.min(busy(edge, BUSY).await?);
        let mut dribbling = JoinSet::new();
        for _ in 0..DRIBBLING {
            dribbling.spawn(dribble(edge));
        }
        beside = beside.min(busy(edge, BUSY).await?);
        dribbling.shutdown().await;
    }
    let sent = (BUSY * MESSAGES) as f64;
    let delay = beside.as_secs_f64() / alone.as_secs_f64();
    println!(
        "{BUSY} clients with {MESSAGES} messages each: {:.0} messages a second; beside {DRIBBLING} that dribble {:.0}: \
         {delay:.2} times as long (at most {LONGEST})",
        sent / alone.as_secs_f64(),
        sent / beside.as_secs_f64(),
    );
    println!(
        "memory at the end:                {:>9} octets",
        memory(&world.edge)?
    );

    for client in silent.into_iter().chain(silent_tls) {
        let mut client = client;
        client.expect("NOOP", 250).await;
    }
    println!("every silent connection still answers");
    ensure!(delay <= LONGEST, "clients that dribble delay the others");
    ensure!(
        each <= MOST_IN_CLEAR,
        "a silent connection holds too much memory"
    );
    ensure!(
        each_tls <= MOST_UNDER_TLS,
        "a silent connection under TLS holds too much memory"
    );
    Ok(())
}

/// So many clients, one after the other.
async fn many<F: Future<Output = RawClient>>(count: usize, open: impl Fn() -> F) -> Vec<RawClient> {
    let mut clients = Vec::with_capacity(count);
    for _ in 0..count {
        clients.push(open().await);
    }
    clients
}

async fn in_clear(edge: SocketAddr) -> RawClient {
    let mut client = RawClient::connect(edge).await;
    client.expect("EHLO client.renovations.com", 250).await;
    client
}

async fn under_tls(edge: SocketAddr, certificate: &Certificate) -> RawClient {
    let mut client = RawClient::connect_tls(edge, ClientTls::trusting(certificate)).await;
    client.expect("EHLO client.renovations.com", 250).await;
    client
}

/// So many clients at once, each of which sends its messages and requires a 250 for each; how long that takes.
async fn busy(edge: SocketAddr, count: usize) -> Result<Duration> {
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..count {
        clients.spawn(async move {
            let mut client = RawClient::connect(edge).await;
            for _ in 0..MESSAGES {
                client.begin_data(FROM, TO).await;
                client.write(&messages::plain(FROM, TO)).await;
                client.expect(".", 250).await;
            }
            client.expect("QUIT", 221).await;
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.context("a client was not served")?;
    }
    Ok(began.elapsed())
}

/// A client that never comes to the end of its line.
async fn dribble(edge: SocketAddr) {
    let mut client = RawClient::connect(edge).await;
    let mut ticks = interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        client.write(b"x").await;
    }
}

/// The edge's share of the machine's memory, in octets.
fn memory(edge: &Edge) -> Result<u64> {
    let path = format!("/proc/{}/smaps_rollup", edge.process());
    let rollup = std::fs::read_to_string(&path).with_context(|| {
        format!("cannot read {path}: the edge hides its memory from all but root")
    })?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kibibytes: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .context("smaps_rollup has no Pss")?
        .parse()?;
    Ok(kibibytes * 1024)
}

fn raise_descriptors() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let needed = 3 * SILENT as u64;
    ensure!(
        maximum.is_none_or(|maximum| maximum >= needed),
        "{needed} descriptors are needed, and {maximum:?} are allowed: raise `ulimit -Hn`"
    );
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).context("the limit of descriptors")
}
