//! A start with a million messages in the queue: how long it takes, and what they take of memory.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use smtp_edge::config::DeliverySettings;
use smtp_edge::deliver::route::Hop;
use smtp_edge::queue::origin::Origin;
use smtp_edge::queue::schedule::{Arrival, Awaiting, Schedule};
use smtp_edge::queue::window::Bounds;
use smtp_edge::spool::Spool;

use crate::contenders::{message, open_log};
use crate::turns::now;
use crate::{Bound, Fault};

/// The argument that makes the benchmark the process that starts.
pub(crate) const START: &str = "start-with-a-million";

/// Fills a log, and starts another process on it.
pub(crate) async fn measure(place: &Path) -> Result<Vec<Bound>, Fault> {
    let place = place.join("million");
    let log = Arc::new(open_log(&place).await?);
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let log = Arc::clone(&log);
        writers.spawn(async move {
            for _ in 0..MESSAGES / WRITERS {
                let _ = log.commit(message(SIZE)?).await?;
            }
            Ok::<(), Fault>(())
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    drop(log);
    let program = std::env::current_exe()?;
    let output = Command::new(program).arg(START).arg(&place).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let [seconds, kibibytes, octets] = numbers[..] else {
        return Err(format!("the start said {text:?}").into());
    };
    println!(
        "\nA start with {MESSAGES} messages of {SIZE} octets takes {seconds:.2} s and {:.0} MiB at most; each takes {octets:.0} octets of memory.",
        kibibytes / 1024.0
    );
    Ok(vec![
        Bound::new(
            "a million messages: a start takes less than 10 s",
            seconds / 10.0,
        ),
        Bound::new(
            "a million messages: a start uses less than 400 MB",
            kibibytes * 1024.0 / 400e6,
        ),
        Bound::new(
            "a message in the queue: less than 300 octets of memory",
            octets / 300.0,
        ),
    ])
}

/// Starts the log and the queue's schedule, and prints seconds, the most memory in KiB, and octets for a message.
pub(crate) fn start(place: &Path) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let before = memory("VmRSS:")?;
    let began = now();
    let (log, schedule, count) = runtime.block_on(async {
        let log = open_log(place).await?;
        let recovered = log.recover().await?;
        let count = recovered.messages.len();
        let bounds = Bounds::new(&DeliverySettings::default());
        let mut schedule = Schedule::new(bounds, Duration::from_secs(300));
        for (id, waiting) in recovered.messages {
            let arrival = Arrival {
                due: waiting.next_attempt,
                awaiting: Awaiting::Time,
                origin: Origin::Ourselves,
                hops: vec![Hop::Exchangers("mail.example.com".parse()?)],
                upkeep: waiting.next_attempt,
            };
            schedule.add(id, &arrival);
        }
        Ok::<_, Fault>((log, schedule, count))
    })?;
    let seconds = began.elapsed().as_secs_f64();
    if count != MESSAGES {
        return Err(format!("{count} messages were found").into());
    }
    let each = (memory("VmRSS:")? - before) * 1024.0 / MESSAGES as f64;
    println!("{seconds} {} {each}", memory("VmHWM:")?);
    drop((log, schedule));
    Ok(())
}

/// In KiB, as Linux tells it.
fn memory(field: &str) -> Result<f64, Fault> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(number
        .ok_or("the system does not tell of memory")?
        .parse()?)
}

const MESSAGES: usize = 1_000_000;
const SIZE: usize = 1024;
const WRITERS: usize = 250;
