//! What it costs to put a message on stable storage: the spool's log, beside a file for each message, and beside the least
//! that any log can do.
//!
//! `cargo xtask bench spool` runs it. It prints a table of rates and waits, then one line for each bound that the spool has
//! set itself, held or FAILED; it ends with status 1 when one fails. All of it lies below the build's own folder for such
//! files, so that all contenders have the same disk.
//!
//! Contenders take turns, and what is compared is the turns of one round: a disk that others use is slow for all of them.

mod contenders;
mod million;
mod raw;
mod turns;

use std::path::Path;
use std::process::ExitCode;

use contenders::Contender;
use turns::{Load, Turn, median};

/// Whatever keeps a contender from its turn.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if let Some(million::START) = arguments.next().as_deref() {
        let place = arguments.next().unwrap_or_default();
        return verdict(million::start(Path::new(&place)).map(|()| true));
    }
    verdict(run().map(|bounds| bounds.iter().all(Bound::holds)))
}

fn verdict(outcome: Result<bool, Fault>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Vec<Bound>, Fault> {
    let place = tempfile::Builder::new()
        .prefix("spool")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut bounds = runtime.block_on(compare(place.path()))?;
    bounds.extend(runtime.block_on(million::measure(place.path()))?);
    println!();
    for bound in &bounds {
        let verdict = if bound.holds() { "held  " } else { "FAILED" };
        println!("{verdict} {:.3} of 1  {}", bound.ratio, bound.text);
    }
    Ok(bounds)
}

/// Something measured, divided by the most that it may be.
pub(crate) struct Bound {
    text: String,
    ratio: f64,
}

impl Bound {
    pub(crate) fn new(text: impl Into<String>, ratio: f64) -> Self {
        let text = text.into();
        Self { text, ratio }
    }

    fn holds(&self) -> bool {
        self.ratio <= 1.0
    }
}

/// Every size and number of writers.
async fn compare(place: &Path) -> Result<Vec<Bound>, Fault> {
    println!(
        "Messages a second, and how long a writer waits for each (half of them, 99 of 100), in µs:"
    );
    println!(
        "{:>7}{:>9}{:>27}{:>27}{:>27}{:>11}{:>9}",
        "KiB", "writers", "log", "files", "raw log", "log/files", "log/raw"
    );
    let contenders = [
        Contender::log(&place.join("log")).await?,
        Contender::files(&place.join("files")).await?,
        Contender::raw(&place.join("raw"))?,
    ];
    let mut bounds = Vec::new();
    for size in SIZES {
        for writers in WRITERS {
            let load = Load { size, writers };
            let rounds = if load == JUDGED { 11 } else { 3 };
            let mut turns: [Vec<Turn>; 3] = Default::default();
            for _ in 0..rounds {
                for (contender, turns) in contenders.iter().zip(&mut turns) {
                    turns.push(turns::take(contender, load).await?);
                }
            }
            let [log, files, raw] = turns;
            let (to_files, to_raw) = (ratio(&log, &files), ratio(&log, &raw));
            println!(
                "{:7}{writers:9}{}{}{}{to_files:11.2}{to_raw:9.2}",
                size / 1024,
                column(&log),
                column(&files),
                column(&raw)
            );
            bounds.extend(judge(load, to_files, to_raw));
        }
    }
    Ok(bounds)
}

fn judge(load: Load, to_files: f64, to_raw: f64) -> Vec<Bound> {
    if load == JUDGED {
        return vec![
            Bound::new(
                "16 KiB, 64 writers: at least 5 times as many as with files",
                5.0 / to_files,
            ),
            Bound::new(
                "16 KiB, 64 writers: at least 0.8 of what a raw log takes",
                0.8 / to_raw,
            ),
        ];
    }
    if load.writers > 1 {
        return Vec::new();
    }
    let text = format!(
        "{} KiB, one writer: no fewer than with files",
        load.size / 1024
    );
    vec![Bound::new(text, 1.0 / to_files)]
}

/// The median over the rounds of one's rate divided by the other's.
fn ratio(own: &[Turn], other: &[Turn]) -> f64 {
    let rounds = own.iter().zip(other);
    median(rounds.map(|(own, other)| own.rate / other.rate).collect())
}

fn column(turns: &[Turn]) -> String {
    let of = |value: fn(&Turn) -> f64| median(turns.iter().map(value).collect());
    format!(
        "{:11.0}{:8.0}{:8.0}",
        of(|turn| turn.rate),
        of(|turn| turn.half),
        of(|turn| turn.most)
    )
}

const SIZES: [usize; 3] = [1024, 16 * 1024, 100 * 1024];
const WRITERS: [usize; 4] = [1, 8, 64, 256];
const JUDGED: Load = Load {
    size: 16 * 1024,
    writers: 64,
};
