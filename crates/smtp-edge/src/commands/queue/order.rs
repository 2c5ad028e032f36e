//! `queue retry|hold|release|requeue|expire|delete`: finds the messages that are meant, and has the order carried out for some
//! of them at a time.

use std::collections::BTreeMap;

use router_config::Parameters;
use serde::Serialize;
use smtp_edge::admin::queue::MOST_ORDERED;
use smtp_edge::admin::queue::listed::{ObeyedLine, Page, Results};
use smtp_edge::clock::Clock;

use super::{Asker, Failure, Format, Status, list, messages};
use crate::cli::queue::{NextHop, Selection};
use crate::commands::page::{self, printable};

pub(super) async fn order(
    asker: &Asker,
    order: &'static str,
    to: Option<&NextHop>,
    selection: &Selection,
) -> Result<Status, Failure> {
    let named = selection.filters.parameters();
    if selection.ids.is_empty() && named.first_name().is_none() && !selection.all {
        return Err(Failure::NothingMeant);
    }
    let mut work = Work {
        asker,
        order,
        to,
        selection,
        tally: Tally::new(order),
        busy: Vec::new(),
    };
    if selection.ids.is_empty() {
        work.whole_queue().await?;
    } else {
        let ids = selection.ids.iter().map(ToString::to_string);
        let ids: Vec<String> = ids.collect();
        work.these(&ids).await?;
    }
    work.wait_for_busy().await?;
    let tally = work.tally;
    match asker.format {
        Format::Json => page::json(&tally)?,
        Format::Text => tally.print()?,
    }
    Ok(tally.status(selection))
}

/// An order on its way through the queue.
struct Work<'a> {
    asker: &'a Asker,
    order: &'static str,
    to: Option<&'a NextHop>,
    selection: &'a Selection,
    tally: Tally,
    /// Messages of which a round was under way.
    busy: Vec<String>,
}

impl Work<'_> {
    /// Goes through the queue from its head, page by page.
    async fn whole_queue(&mut self) -> Result<(), Failure> {
        let bar = list::bar(self.asker, self.order).await?;
        let mut next = None;
        loop {
            let mut parameters = self.selection.filters.parameters();
            if let Some(next) = &next {
                parameters.push("after", String::clone(next));
            }
            let page: Page = self.asker.get("/queue", &parameters).await?;
            let ids = page.messages.into_iter().map(|message| message.id);
            let ids: Vec<String> = ids.collect();
            self.these(&ids).await?;
            bar.inc(page.examined);
            next = page.next.map(|id| id.to_string());
            if next.is_none() {
                bar.finish_and_clear();
                return Ok(());
            }
        }
    }

    async fn these(&mut self, ids: &[String]) -> Result<(), Failure> {
        for some in ids.chunks(MOST_ORDERED) {
            let path = format!("/queue/order/{}", self.order);
            let parameters = self.parameters(some);
            let results: Results = self.asker.post(&path, &parameters).await?;
            for line in results.results {
                if line.result == BUSY {
                    self.busy.push(line.id);
                } else {
                    self.tally.add(line);
                }
            }
        }
        Ok(())
    }

    /// The filter goes along: a message may have become another case since it was listed.
    fn parameters(&self, ids: &[String]) -> Parameters {
        let mut parameters = self.selection.filters.parameters();
        parameters.push("ids", ids.join(","));
        if let Some(reason) = &self.selection.reason {
            parameters.push("reason", reason.clone());
        }
        if let Some(hop) = self.to {
            parameters.push("to", hop.to_string());
        }
        parameters
    }

    /// Asks again for messages whose rounds were under way, as long as that is wanted. Every question waits for a while.
    async fn wait_for_busy(&mut self) -> Result<(), Failure> {
        let clock = Clock::system();
        let until = clock.instant() + self.selection.wait.std();
        let bar = page::bar("waiting for deliveries under way", self.busy.len() as u64);
        while !self.busy.is_empty() && clock.instant() < until {
            let ids = std::mem::take(&mut self.busy);
            self.these(&ids).await?;
            bar.inc((ids.len() - self.busy.len()) as u64);
        }
        bar.finish_and_clear();
        for id in self.busy.drain(..) {
            self.tally.add(ObeyedLine {
                id,
                result: BUSY.to_owned(),
                why: None,
            });
        }
        Ok(())
    }
}

/// What came of an order.
#[derive(Debug, Serialize)]
struct Tally {
    order: &'static str,
    /// How many messages had each result.
    results: BTreeMap<String, u64>,
    /// Those for which it was not done and still could be.
    not_done: Vec<ObeyedLine>,
}

impl Tally {
    fn new(order: &'static str) -> Self {
        Self {
            order,
            results: BTreeMap::from([("done".to_owned(), 0)]),
            not_done: Vec::new(),
        }
    }

    fn add(&mut self, line: ObeyedLine) {
        *self.results.entry(line.result.clone()).or_default() += 1;
        if matches!(line.result.as_str(), BUSY | "held" | "failed") {
            self.not_done.push(line);
        }
    }

    fn print(&self) -> Result<(), Failure> {
        for line in &self.not_done {
            let why = match (&line.why, line.result.as_str()) {
                (Some(why), _) => printable(why),
                (None, BUSY) => "it is being delivered; try again later".to_owned(),
                (None, "held") => "it is held; release it first".to_owned(),
                (None, result) => printable(result),
            };
            eprintln!("smtp-edge: {}: {why}", line.id);
        }
        for (result, count) in &self.results {
            let words = match result.as_str() {
                "done" => self.order,
                "unneeded" if self.order == "release" => "not held",
                "unneeded" if self.order == "retry" => "being delivered now",
                "unneeded" => "held already",
                "unlike" => "left, since the filter does not mean it any more",
                "gone" => "not in the queue",
                other => other,
            };
            page::line(&format!("{}: {}", printable(words), messages(*count)))?;
        }
        Ok(())
    }

    fn status(&self, selection: &Selection) -> Status {
        let gone = self.results.contains_key("gone");
        if !self.not_done.is_empty() {
            Status::Partly
        } else if gone && !selection.ids.is_empty() {
            Status::NotFound
        } else {
            Status::Done
        }
    }
}

const BUSY: &str = "busy";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_tells_what_is_left_to_do() {
        let check = |ids: &str, results: &[&str], expected: Status| {
            let words = format!("smtp-edge queue hold --all {ids}");
            let words = words.replace(if ids.is_empty() { "none" } else { "--all" }, "");
            let arguments = clap::Parser::try_parse_from(words.split_whitespace());
            let arguments: crate::cli::Arguments = arguments.unwrap();
            let crate::cli::Verb::Queue(arguments) = arguments.verb else {
                panic!("{words}");
            };
            let crate::cli::queue::Verb::Hold(selection) = arguments.verb else {
                panic!("{words}");
            };
            let mut tally = Tally::new("hold");
            for result in results {
                tally.add(ObeyedLine {
                    id: "1M3250V00003E".to_owned(),
                    result: (*result).to_owned(),
                    why: None,
                });
            }
            assert_eq!(tally.status(&selection), expected, "{ids} {results:?}");
        };
        let id = "1M3250V00003E";
        check("", &[], Status::Done);
        check("", &["done", "gone", "unlike"], Status::Done); // overtaken
        check(id, &["done"], Status::Done);
        check(id, &["unneeded"], Status::Done);
        check(id, &["gone"], Status::NotFound);
        check("", &["done", "busy"], Status::Partly);
        check(id, &["held", "gone"], Status::Partly);
        check(id, &["failed"], Status::Partly);
    }
}
