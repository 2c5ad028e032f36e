//! The fields that a message must have, or may have only once (RFC 5322 §3.6, RFC 2045 §3).
//!
//! Date and Message-ID are looked at here and added by [`crate::intake`]'s trace, so that they stand outside the message.

use std::collections::HashSet;

use super::fields::Field;
use super::{Malformed, Mending, Normalized, Rules};
use crate::envelope::ReversePath;
use crate::intake::form::{DuplicateFields, Missing, SecondFrom};

/// Does what the rules say about fields that are missing or stand there too often.
///
/// # Errors
/// [`Malformed::Missing`] and [`Malformed::Repeated`], where the rules refuse.
pub(super) fn settle(message: Normalized, rules: &Rules<'_>) -> Result<Normalized, Malformed> {
    let form = rules.form;
    let required = [
        ("From", form.missing_from),
        ("Date", form.missing_date),
        ("Message-ID", form.missing_message_id),
    ];
    for (name, missing) in required {
        if missing == Missing::Refuse && message.values(name).next().is_none() {
            return Err(Malformed::Missing(name));
        }
    }
    if form.second_from == SecondFrom::Refuse && message.values("From").nth(1).is_some() {
        return Err(Malformed::Repeated("From"));
    }
    let message = with_from(message, rules);
    match form.duplicate_fields {
        DuplicateFields::Pass => Ok(message),
        DuplicateFields::DropIdentical if message.is_signed() => Ok(message),
        DuplicateFields::DropIdentical => Ok(without_repetitions(message)),
        DuplicateFields::Refuse => match repeated(&message) {
            Some(name) => Err(Malformed::Repeated(name)),
            None => Ok(message),
        },
    }
}

/// Adds From when the rules say so, and the envelope names somebody.
fn with_from(mut message: Normalized, rules: &Rules<'_>) -> Normalized {
    let (Missing::Add, ReversePath::Mailbox(sender)) = (rules.form.missing_from, rules.sender)
    else {
        return message;
    };
    if message.values("From").next().is_some() {
        return message;
    }
    let end = message.header_length();
    let mut content = std::mem::take(&mut message.content);
    content.splice(end..end, format!("From: <{sender}>\r\n").into_bytes());
    message.rewritten(content, [Mending::FromAdded])
}

fn repeated(message: &Normalized) -> Option<&'static str> {
    SINGLETONS
        .into_iter()
        .find(|name| message.values(name).nth(1).is_some())
}

/// Without the fields that say what an earlier one of that name has said.
fn without_repetitions(message: Normalized) -> Normalized {
    if repeated(&message).is_none() {
        return message;
    }
    let mut said = HashSet::new();
    let mut repeats = |field: &&Field| {
        let singleton = |name: &&str| field.is(&message.content, name);
        SINGLETONS.into_iter().find(singleton).is_some_and(|name| {
            let value = message.content.get(field.value.clone());
            !said.insert((name, value))
        })
    };
    let dropped: Vec<_> = message
        .fields
        .iter()
        .filter(|field| repeats(field))
        .map(Field::whole)
        .collect();
    if dropped.is_empty() {
        return message;
    }
    let mut content = Vec::with_capacity(message.content.len());
    let mut at = 0;
    for range in dropped {
        content.extend_from_slice(message.content.get(at..range.start).unwrap_or_default());
        at = range.end;
    }
    content.extend_from_slice(message.content.get(at..).unwrap_or_default());
    message.rewritten(content, [Mending::DuplicatesDropped])
}

/// Fields that may stand once. From has a rule of its own, and Bcc has been taken out.
const SINGLETONS: [&str; 12] = [
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Date",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];
