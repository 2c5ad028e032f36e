//! `queue show`: all there is to see of a message, or the message itself.

use std::fmt::Write as _;

use indicatif::BinaryBytes;
use router_config::Parameters;
use smtp_edge::admin::queue::listed::{DAMAGE, Details, Listed};
use smtp_edge::ids::QueueId;

use super::list::waits;
use super::{Asker, Failure, Format, Status, target};
use crate::commands::page::{self, age, printable};

pub(super) async fn show(asker: &Asker, ids: &[QueueId]) -> Result<Status, Failure> {
    for (number, id) in ids.iter().enumerate() {
        let message: Listed = asker.get("/queue/show", &named(*id)).await?;
        match asker.format {
            Format::Json => page::json(&message)?,
            Format::Text if number > 0 => page::line(&format!("\n{}", text(&message)))?,
            Format::Text => page::line(&text(&message))?,
        }
    }
    Ok(Status::Done)
}

pub(super) async fn messages(asker: &Asker, ids: &[QueueId]) -> Result<Status, Failure> {
    for id in ids {
        let target = target("/queue/message", &named(*id));
        page::octets(&asker.server.get(&target, "message/rfc822").await?)?;
    }
    Ok(Status::Done)
}

fn named(id: QueueId) -> Parameters {
    let mut parameters = Parameters::default();
    parameters.push("id", id.to_string());
    parameters
}

fn text(message: &Listed) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<14}{}", printable(value));
    };
    row("queue id", &message.id);
    row("state", &message.state);
    if let Some(since) = &message.held_since {
        row("held since", since);
    }
    if message.held_for.as_deref() == Some(DAMAGE) {
        row("held for", MAY_BE_DELIVERED);
    }
    row(
        "accepted",
        &format!("{}, {} ago", message.accepted, age(message.age_seconds)),
    );
    row("size", &BinaryBytes(message.size).to_string());
    let identity = message.identity.as_ref();
    let identity = identity.map(|identity| format!(", user {identity}"));
    let client = format!("{}{}", message.client, identity.unwrap_or_default());
    row("client", &client);
    row(
        "sender",
        match message.sender.as_str() {
            "" => "<>",
            sender => sender,
        },
    );
    let next = message.next_attempt.as_ref();
    let next = next.map(|next| match waits(message) {
        Some(waits) => format!(", next {next}, {waits}"),
        None => format!(", next {next}"),
    });
    let attempts = format!("{}{}", message.attempts, next.unwrap_or_default());
    row("attempts", &attempts);
    if let Some(hop) = &message.next_hop {
        row("next hop", &format!("{hop}, by order"));
    }
    for recipient in &message.recipients {
        let fault = recipient.text.as_ref().map(|text| {
            let status = recipient.status.as_deref().unwrap_or_default();
            let remote = recipient.remote.as_deref().unwrap_or("this server");
            format!(", {status} by {remote}: {text}")
        });
        let fault = fault.unwrap_or_default();
        row(
            "recipient",
            &format!("{}: {}{fault}", recipient.address, recipient.state),
        );
    }
    if let Some(details) = &message.details {
        detail(details, &mut row);
    }
    text.trim_end().to_owned()
}

fn detail(details: &Details, row: &mut impl FnMut(&str, &str)) {
    if let Some(helo) = &details.helo {
        row("greeted as", helo);
    }
    for (needed, extension) in [
        (details.eight_bit, "8BITMIME"),
        (details.smtputf8, "SMTPUTF8"),
    ] {
        if needed {
            row("needs", extension);
        }
    }
    for signing in &details.signing {
        let keys = match signing.keys.as_slice() {
            [] => String::new(),
            keys => format!(" by {}", keys.join(", ")),
        };
        let fault = signing.fault.as_ref();
        let fault = fault.map(|fault| format!(": {fault}")).unwrap_or_default();
        let value = format!("{}: {}{keys}{fault}", signing.profile, signing.result);
        row("signing", &value);
    }
    for field in details.trace.lines() {
        row("trace", field);
    }
}

/// What a person has to know who is to release or to delete a message.
const MAY_BE_DELIVERED: &str = "damage to the spool: the latest record about it could not be read, so that it may have been \
                                delivered since; release it or delete it";
