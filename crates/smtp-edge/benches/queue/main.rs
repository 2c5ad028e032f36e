//! How long one client's message waits in the queue while another client's blast is in it, beside how long it waits in an
//! empty one.
//!
//! `cargo xtask bench queue` runs it: the server's queue on the server's spool, and a next hop that takes some milliseconds
//! for each message. It prints the waits, half of them and 99 of 100, then one line for each bound, held or FAILED; it ends with
//! status 1 when one fails. All of it is measured in one run, so that a slow machine is slow for both.

mod blast;

use std::process::ExitCode;
use std::time::Duration;

use blast::{Blast, Waits};

/// Whatever keeps the measurement from its end.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    println!("Milliseconds from the 250 to the next hop, of {SINGLES} single messages:");
    println!("{:>44}{:>10}{:>10}", "", "half", "99 %");
    let quiet = runtime.block_on(blast::measure(&Blast::NONE, OTHER))?;
    show("nothing else in the queue", &quiet);
    let mut held = true;
    for (text, blast, to) in [
        (
            "behind 100,000 to one destination, elsewhere",
            Blast::to_one(MESSAGES),
            OTHER,
        ),
        (
            "behind 100,000 to one destination, there",
            Blast::to_one(MESSAGES),
            blast::ONE,
        ),
        (
            "behind 100,000 to 10,000 destinations",
            Blast::to_many(MESSAGES),
            OTHER,
        ),
    ] {
        let waits = runtime.block_on(blast::measure(&blast, to))?;
        show(text, &waits);
        // A place comes free with the end of a delivery: some of them are the price of standing in a line at all.
        let bound = quiet.most() + ALLOWED;
        let ratio = waits.most().as_secs_f64() / bound.as_secs_f64();
        held &= ratio <= 1.0;
        let verdict = if ratio <= 1.0 { "held  " } else { "FAILED" };
        println!(
            "{verdict} {ratio:.3} of 1  {text}: 99 % wait no longer than alone and {ALLOWED:?}"
        );
    }
    Ok(held)
}

fn show(text: &str, waits: &Waits) {
    let milliseconds = |wait: Duration| wait.as_secs_f64() * 1e3;
    println!(
        "{text:>44}{:10.2}{:10.2}",
        milliseconds(waits.half()),
        milliseconds(waits.most())
    );
}

pub(crate) const SINGLES: usize = 300;
const MESSAGES: usize = 100_000;
const OTHER: &str = "other.example";
const ALLOWED: Duration = Duration::from_millis(25);
