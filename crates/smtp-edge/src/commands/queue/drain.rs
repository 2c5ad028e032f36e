//! `queue drain`: lets the queue run empty, and watches it.

use std::time::Duration;

use router_config::Parameters;
use smtp_edge::admin::queue::listed::QueueLevel;

use super::{Asker, Failure, Format, Status, messages};
use crate::commands::page;

/// Begins, and waits until nothing is left but what is held. Whoever ends the command does not end the draining.
pub(super) async fn drain(asker: &Asker) -> Result<Status, Failure> {
    let begun = set(asker, "on").await?;
    let all = left(&begun);
    if asker.format == Format::Text {
        eprintln!(
            "no new mail is taken; {} to go; `smtp-edge queue drain --off` takes mail again",
            messages(all)
        );
    }
    let bar = page::bar("draining", all);
    let level = loop {
        let level = asker.level().await?;
        bar.set_position(all.saturating_sub(left(&level)));
        // Somebody else may have ended it.
        if left(&level) == 0 || !level.draining {
            break level;
        }
        tokio::time::sleep(PAUSE).await;
    };
    bar.finish_and_clear();
    tell(asker, &level)?;
    Ok(if left(&level) == 0 {
        Status::Done
    } else {
        Status::Partly
    })
}

/// Begins, and does not wait.
pub(super) async fn begin(asker: &Asker) -> Result<Status, Failure> {
    tell(asker, &set(asker, "on").await?)?;
    Ok(Status::Done)
}

/// Ends it.
pub(super) async fn off(asker: &Asker) -> Result<Status, Failure> {
    tell(asker, &set(asker, "off").await?)?;
    Ok(Status::Done)
}

async fn set(asker: &Asker, state: &str) -> Result<QueueLevel, Failure> {
    let mut parameters = Parameters::default();
    parameters.push("state", state);
    asker.post("/queue/drain", &parameters).await
}

/// Messages that are not held.
fn left(level: &QueueLevel) -> u64 {
    level.messages.saturating_sub(level.held) as u64
}

fn tell(asker: &Asker, level: &QueueLevel) -> Result<(), Failure> {
    if asker.format == Format::Json {
        return page::json(level);
    }
    let mail = if level.draining {
        "no new mail is taken"
    } else {
        "mail is taken"
    };
    page::line(&format!(
        "{mail}; {} left, and {} held",
        messages(left(level)),
        level.held
    ))
}

const PAUSE: Duration = Duration::from_millis(500);
