//! `spool check`: reads every octet that counts, and names what is damaged.

use std::path::Path;

use indicatif::BinaryBytes;
use serde::Serialize;
use smtp_edge::mail_log::Chain;
use smtp_edge::spool::offline::{Damage, OfflineSpool, damage_of, is_settled};

use super::{Failure, Place, Status};
use crate::commands::page::{self, printable};

/// What a check has found.
#[derive(Debug, Default, Serialize)]
struct Findings {
    /// Messages that are whole.
    messages: u64,
    /// Octets of them.
    octets: u64,
    /// Those of them for which nothing is left to do: the next start removes them.
    settled: u64,
    /// Batches at the end of the log that were not written to their end: nobody was told that they were.
    torn: usize,
    /// What is damaged.
    damaged: Vec<Line>,
}

/// Something that is damaged, by its message if that is known, and in words.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Line {
    id: Option<String>,
    what: String,
}

pub(super) fn check(spool: &Path, place: &Place) -> Result<Status, Failure> {
    let findings = examine(&OfflineSpool::open(spool)?);
    if place.json {
        page::json(&findings)?;
    } else {
        print(&findings)?;
    }
    Ok(if findings.damaged.is_empty() {
        Status::Done
    } else {
        Status::Partly
    })
}

fn examine(spool: &OfflineSpool) -> Findings {
    let ids = spool.messages();
    let bar = page::bar("checking", ids.len() as u64);
    let mut findings = Findings {
        torn: spool.torn(),
        ..Findings::default()
    };
    for id in ids {
        match spool.read(id) {
            Ok(message) => {
                findings.messages += 1;
                findings.octets += (message.trace.len() + message.content.len()) as u64;
                findings.settled += u64::from(is_settled(&message));
            }
            Err(error) => findings.damaged.push(match damage_of(id, &error) {
                Some(damage) => line(&damage),
                None => Line {
                    id: Some(id.to_string()),
                    what: format!("{id}: {}", Chain(&error)),
                },
            }),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    findings.damaged.extend(spool.damage().iter().map(line));
    findings.damaged.sort();
    findings.damaged.dedup();
    findings
}

fn line(damage: &Damage) -> Line {
    Line {
        id: damage.id.map(|id| id.to_string()),
        what: damage.to_string(),
    }
}

fn print(findings: &Findings) -> Result<(), Failure> {
    for line in &findings.damaged {
        page::line(&printable(&line.what))?;
    }
    let size = BinaryBytes(findings.octets);
    page::line(&format!(
        "{} whole, {size}; {} damaged",
        super::super::queue::messages(findings.messages),
        findings.damaged.len()
    ))?;
    if findings.settled > 0 {
        page::line(&format!(
            "nothing is left to do for {} of them: the next start removes them",
            findings.settled
        ))?;
    }
    if findings.torn > 0 {
        page::line(
            "the last batch of the log was not written to its end, and nobody was told that it was",
        )?;
    }
    Ok(())
}
