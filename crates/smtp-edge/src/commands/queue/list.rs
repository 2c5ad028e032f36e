//! `queue list`: the messages, a page at a time, and a sum.

use std::fmt::Write as _;

use indicatif::{BinaryBytes, ProgressBar};
use jiff::Timestamp;
use smtp_edge::admin::queue::listed::{Listed, Page};

use super::{Asker, Failure, Format, Status, messages};
use crate::cli::queue::Filters;
use crate::commands::page::{self, age, printable};

pub(super) async fn list(asker: &Asker, filters: &Filters) -> Result<Status, Failure> {
    let (mut count, mut octets, mut unreadable) = (0, 0, 0_u64);
    let mut parameters = filters.parameters();
    loop {
        let page: Page = asker.get("/queue", &parameters).await?;
        for message in &page.messages {
            match asker.format {
                Format::Json => page::json(message)?,
                Format::Text => {
                    if count == 0 {
                        page::line(&heading())?;
                    }
                    page::line(&lines(message))?;
                }
            }
            count += 1;
            octets += message.size;
        }
        for message in &page.unreadable {
            unreadable += 1;
            eprintln!(
                "smtp-edge: {} cannot be read: {}",
                message.id,
                printable(&message.why)
            );
        }
        let Some(next) = page.next else { break };
        parameters = filters.parameters();
        parameters.push("after", next.to_string());
    }
    if asker.format == Format::Text {
        let size = BinaryBytes(octets);
        page::line(&match count {
            0 => "no messages".to_owned(),
            count => format!("{}, {size}", messages(count)),
        })?;
    }
    Ok(match unreadable {
        0 => Status::Done,
        _ => Status::Partly,
    })
}

fn heading() -> String {
    columns("QUEUE ID", "SIZE", "AGE", "STATE", "SENDER")
}

fn columns(id: &str, size: &str, age: &str, state: &str, sender: &str) -> String {
    format!("{id:<14} {size:>10}  {age:<8} {state:<9} {sender}")
}

/// A message in some lines: who it is from, why it waits, who is to have it.
fn lines(message: &Listed) -> String {
    let sender = match message.sender.as_str() {
        "" => "<>",
        sender => sender,
    };
    let size = BinaryBytes(message.size).to_string();
    let age = age(message.age_seconds);
    let mut text = columns(&message.id, &size, &age, &message.state, &printable(sender));
    let mut last = None;
    for recipient in &message.recipients {
        let why = recipient.text.as_deref().map(|text| {
            let remote = recipient.remote.as_deref();
            let remote = remote.map(|remote| format!(" ({remote})"));
            printable(&format!("{text}{}", remote.unwrap_or_default()))
        });
        if why != last {
            if let Some(why) = &why {
                let _ = write!(text, "\n{:14} {why}", "");
            }
            last = why;
        }
        let _ = write!(text, "\n{:14} to {}", "", printable(&recipient.address));
    }
    if let Some(hop) = &message.next_hop {
        let _ = write!(text, "\n{:14} by {}", "", printable(hop));
    }
    if let Some(next) = waits(message) {
        let _ = write!(text, "\n{:14} {next}", "");
    }
    text
}

/// For what the message waits, when that is a time to come.
pub(super) fn waits(message: &Listed) -> Option<String> {
    if message.state != "deferred" {
        return None;
    }
    let next: Timestamp = message.next_attempt.as_deref()?.parse().ok()?;
    let accepted: Timestamp = message.accepted.parse().ok()?;
    let after = next.as_second().saturating_sub(accepted.as_second());
    let left = u64::try_from(after)
        .unwrap_or_default()
        .saturating_sub(message.age_seconds);
    Some(match left {
        0 => "due now".to_owned(),
        left => format!("tried again in {}", age(left)),
    })
}

/// A bar for work on the queue, as long as the queue is now.
pub(super) async fn bar(asker: &Asker, what: &'static str) -> Result<ProgressBar, Failure> {
    Ok(page::bar(what, asker.level().await?.messages as u64))
}

#[cfg(test)]
mod tests {
    use smtp_edge::admin::queue::listed::ListedRecipient;

    use super::*;

    fn recipient(address: &str, text: &str) -> ListedRecipient {
        ListedRecipient {
            address: address.to_owned(),
            state: "pending".to_owned(),
            status: Some("4.2.1".to_owned()),
            remote: Some("mx.example.net [192.0.2.25]:25".to_owned()),
            text: Some(text.to_owned()),
        }
    }

    #[test]
    fn a_message_is_some_lines() {
        let mut message = Listed {
            id: "1M3250V00003E".to_owned(),
            state: "deferred".to_owned(),
            accepted: "2026-09-21T14:13:20Z".to_owned(),
            age_seconds: 7_980,
            size: 4_300,
            sender: "samantha@renovations.com".to_owned(),
            client: "192.0.2.10".to_owned(),
            identity: None,
            attempts: 3,
            next_attempt: Some("2026-09-21T16:38:20Z".to_owned()),
            held_since: None,
            held_for: None,
            next_hop: None,
            recipients: vec![
                recipient("a@example.net", "450 busy"),
                recipient("b@example.net", "450 busy"),
                recipient("c@example.net", "450 \u{1b}[31mred"),
            ],
            details: None,
        };
        assert_eq!(
            lines(&message),
            "\
1M3250V00003E    4.20 KiB  2h 13m   deferred  samantha@renovations.com
               450 busy (mx.example.net [192.0.2.25]:25)
               to a@example.net
               to b@example.net
               450  [31mred (mx.example.net [192.0.2.25]:25)
               to c@example.net
               tried again in 12m 0s"
        );
        message.state = "held".to_owned();
        message.sender = String::new();
        message.recipients.clear();
        message.next_hop = Some("192.0.2.9:25".to_owned());
        assert_eq!(
            lines(&message),
            "\
1M3250V00003E    4.20 KiB  2h 13m   held      <>
               by 192.0.2.9:25"
        );
    }
}
