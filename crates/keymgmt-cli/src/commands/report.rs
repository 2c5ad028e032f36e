//! `report quiet`: what the server's log says would have become of mail, summed up by domain.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use crate::cli::Report;
use crate::exit::Failure;
use crate::output::{Output, table};

pub(crate) fn run(noun: Report) -> Result<Output, Failure> {
    match noun {
        Report::Quiet { log } => quiet(&log),
    }
}

/// The answers that a `quiet` event may give, and how the table calls them.
const ANSWERS: [(&str, &str); 7] = [
    ("sign", "Signed"),
    ("sign_partly", "In part"),
    ("send_unsigned", "Unsigned"),
    ("leave_unsigned", "No entry"),
    ("defer", "Held back"),
    ("report", "Reported"),
    ("reject", "Refused"),
];

/// A line of the log, as far as it matters here.
#[derive(Deserialize)]
struct Event {
    message: String,
    #[serde(default)]
    domain: String,
    #[serde(default)]
    would: String,
    #[serde(default)]
    failures: String,
}

#[derive(Default)]
struct Domain {
    answers: BTreeMap<String, u64>,
    failures: BTreeMap<String, u64>,
}

fn quiet(log: &Path) -> Result<Output, Failure> {
    let mut domains: BTreeMap<String, Domain> = BTreeMap::new();
    for line in lines(log)? {
        // Lines of other programs, and lines cut off by a rotation, are not ours to judge.
        let Ok(event) =
            serde_json::from_str::<Event>(&line.map_err(|source| cannot_read(log, source))?)
        else {
            continue;
        };
        if event.message != "quiet" {
            continue;
        }
        let domain = domains.entry(event.domain).or_default();
        *domain.answers.entry(event.would).or_default() += 1;
        for failure in event
            .failures
            .split(',')
            .filter(|failure| !failure.is_empty())
        {
            *domain.failures.entry(failure.to_owned()).or_default() += 1;
        }
    }
    let json = domains.iter().map(|(name, domain)| {
        json!({ "domain": name, "would": domain.answers, "failures": domain.failures })
    });
    let json = json!({ "domains": json.collect::<Vec<_>>() });
    if domains.is_empty() {
        let text = "The log has no event of quiet mode: set signing.quiet = true and log.format = \"json\", and let mail pass";
        return Ok(Output::text(text, json));
    }
    let titles: Vec<&str> = std::iter::once("Domain")
        .chain(ANSWERS.iter().map(|(_, title)| *title))
        .collect();
    let mut text = table(
        &titles,
        domains.iter().map(|(name, domain)| row(name, domain)),
    );
    for (name, domain) in &domains {
        for (failure, count) in &domain.failures {
            text.push_str(&format!("\n{}: {failure}: {count} times", shown(name)));
        }
    }
    Ok(Output::text(text, json))
}

fn row(name: &str, domain: &Domain) -> Vec<String> {
    let count = |answer: &str| domain.answers.get(answer).copied().unwrap_or_default();
    let counts = ANSWERS.iter().map(|(answer, _)| count(answer).to_string());
    std::iter::once(shown(name).to_owned())
        .chain(counts)
        .collect()
}

/// Mail that no domain could be told of has none.
fn shown(name: &str) -> &str {
    if name.is_empty() { "(none)" } else { name }
}

fn lines(log: &Path) -> Result<Box<dyn Iterator<Item = io::Result<String>>>, Failure> {
    if log == Path::new("-") {
        return Ok(Box::new(io::stdin().lock().lines()));
    }
    let file = File::open(log).map_err(|source| cannot_read(log, source))?;
    Ok(Box::new(BufReader::new(file).lines()))
}

fn cannot_read(log: &Path, source: io::Error) -> Failure {
    Failure::File {
        step: "read",
        path: log.to_owned(),
        source,
    }
}
