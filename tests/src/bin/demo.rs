//! The main job from end to end, with real parts: keys by `keymgmt`, records in a local DNS, mail through `smtp-edge` to
//! a mock exchanger, and the verdicts of four independent verifiers.
//!
//! Exit status 0 only when every message arrived and every judge passed every signature.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Parser;
use edge_tests::judges::{self, Verdict};
use edge_tests::mock_mta::Arrived;
use edge_tests::setup::{ALIAS, PARTNER, PRIMARY, SUBDOMAIN, Setup};
use edge_tests::world::{Stage, World};
use edge_tests::{log, messages, mime};

/// Signs and delivers real messages between a local DNS and a mock mail exchanger, and has four verifiers judge them.
#[derive(Parser)]
struct Arguments {
    /// Stay up afterwards, so that you can send a message of your own.
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is sent: a title, the sender, and the message.
struct Sample {
    title: &'static str,
    from: String,
    message: Vec<u8>,
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let to = format!("client@{PARTNER}");
    let stage = Stage::set(setup()).await;
    print_preparations(&stage).await;
    let world = stage.start().await;
    println!(
        "smtp-edge takes mail on {}; the exchanger of {PARTNER} is {}",
        world.edge.address(),
        world.partner.address()
    );
    let mut failures = 0;
    for (number, sample) in samples(&to).iter().enumerate() {
        let queue_id = world.send(&sample.from, &[&to], &sample.message).await;
        let arrived = world.partner.arrival(number + 1).await;
        failures += show(&world, sample, &queue_id, &arrived).await?;
    }
    if arguments.keep {
        keep(&world, &to).await?;
    }
    world.edge.stop().await;
    ensure!(failures == 0, "{failures} verdicts are not a pass");
    println!("\nEvery judge passes every signature of every message.");
    Ok(())
}

fn setup() -> Setup {
    Setup::notes(&format!(
        "RouterDKIMSigning=2\nDKIM_KEY_{PRIMARY}=rsa2026,ed2026\nDKIM_KEY_{ALIAS}={PRIMARY};rsa2026,ed2026\n"
    ))
    .key(PRIMARY, "rsa2026", "RSA 2048")
    .key(PRIMARY, "ed2026", "Ed25519")
}

fn samples(to: &str) -> Vec<Sample> {
    let sample = |title, user: &str, domain, make: fn(&str, &str) -> Vec<u8>| {
        let from = format!("{user}@{domain}");
        Sample {
            title,
            message: make(&from, to),
            from,
        }
    };
    vec![
        sample("plain text", "rita", PRIMARY, messages::plain),
        sample(
            "multipart with an attachment",
            "rita",
            PRIMARY,
            messages::multipart,
        ),
        sample("8-bit text", "rita", PRIMARY, messages::eight_bit),
        sample("from a subdomain", "sam", SUBDOMAIN, messages::plain),
        sample("from an alias domain", "hal", ALIAS, messages::plain),
    ]
}

async fn print_preparations(stage: &Stage) {
    println!(
        "settings, NEK, store, keys: {}",
        stage.home.path().display()
    );
    println!(
        "\n$ keymgmt show DKIM ALL\n{}",
        stage.home.keymgmt().ok(&["show", "DKIM", "ALL"]).await
    );
    println!("notes.ini:\n{}", indented(&stage.home.setup().notes));
    println!(
        "DNS on {} (UDP and TCP) has the exported records and the MX of {PARTNER}",
        stage.dns.address()
    );
}

/// Prints what became of one message; gives the number of verdicts that are not a pass.
async fn show(
    world: &World,
    sample: &Sample,
    queue_id: &str,
    arrived: &Arrived,
) -> anyhow::Result<usize> {
    println!("\n=== {}: {queue_id} ===", sample.title);
    println!(
        "what left: MAIL FROM:<{}> {} RCPT TO:<{}>",
        arrived.from,
        arrived.parameters.join(" "),
        arrived.to().join(">, <")
    );
    let first = sample
        .message
        .split_inclusive(|octet| *octet == b'\n')
        .next();
    let first = first.context("a message has lines")?;
    let own = arrived
        .data
        .windows(first.len())
        .position(|octets| octets == first);
    let added = own.and_then(|own| arrived.data.get(..own));
    println!(
        "header lines added:\n{}",
        indented(&String::from_utf8_lossy(
            added.context("the message lost its header")?
        ))
    );
    if arrived.data.ends_with(&sample.message) {
        println!("the message itself: octet for octet as it was sent");
    } else {
        // 8-bit text is re-encoded before it is signed, so that no later hop has to.
        let (left, sent) = (mime::leaves(&arrived.data), mime::leaves(&sample.message));
        ensure!(
            left.await == sent.await,
            "the message says something else than was sent"
        );
        println!("the message itself: re-encoded, and it says what was sent");
    }
    println!(
        "keys: {}",
        log::field(
            &world
                .edge
                .log
                .event("signed", &[("queue_id", queue_id)])
                .await,
            "keys"
        )
    );
    println!(
        "$ keymgmt explain {}\n{}",
        sample.from,
        indented(&world.home.keymgmt().ok(&["explain", &sample.from]).await)
    );
    let verdicts = judges::judge(world.dns.address(), &arrived.data).await;
    print_table(&verdicts);
    let keys = log::field(
        &world
            .edge
            .log
            .event("signed", &[("queue_id", queue_id)])
            .await,
        "keys",
    );
    let expected = keys.split(',').count() * judges::Judge::ALL.len();
    ensure!(
        verdicts.len() == expected,
        "{expected} verdicts were expected, and {} were given",
        verdicts.len()
    );
    Ok(verdicts.iter().filter(|verdict| !verdict.passed()).count())
}

fn print_table(verdicts: &[Verdict]) {
    println!(
        "{:<12}{:<40}{:<18}verdict",
        "judge", "signature", "algorithm"
    );
    for verdict in verdicts {
        println!(
            "{:<12}{:<40}{:<18}{} {}",
            verdict.judge,
            verdict.key(),
            verdict.algorithm,
            verdict.result,
            verdict.detail
        );
    }
}

async fn keep(world: &World, to: &str) -> anyhow::Result<()> {
    let edge = world.edge.address();
    println!("\nThe demo stays up until Ctrl-C. Send a message of your own:");
    println!("  swaks --server {edge} --from you@{PRIMARY} --to {to}");
    println!(
        "  printf 'From: you@{PRIMARY}\\r\\nTo: {to}\\r\\nSubject: hello\\r\\n\\r\\nhello\\r\\n' |"
    );
    println!(
        "    curl --silent --show-error smtp://{edge} --mail-from you@{PRIMARY} --mail-rcpt {to} --upload-file -"
    );
    let mut next = world.partner.arrived().len() + 1;
    loop {
        let arrived = tokio::select! {
            arrived = world.partner.next_arrival(next) => arrived,
            stopped = tokio::signal::ctrl_c() => return stopped.context("cannot wait for Ctrl-C"),
        };
        next += 1;
        println!(
            "\narrived from <{}>:\n{}",
            arrived.from,
            indented(&arrived.text())
        );
        print_table(&judges::judge(world.dns.address(), &arrived.data).await);
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
