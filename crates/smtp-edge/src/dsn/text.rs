//! The words of a report, for the person who sent the message.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use super::report::{Action, Context};
use crate::envelope::Mailbox;
use crate::spool::message::Fault;

/// The whole text, with LF line ends.
pub(super) fn explain(
    context: &Context<'_>,
    recipients: &[(&Mailbox, &Fault)],
    facts: &[(&str, String)],
) -> String {
    let mut text = String::new();
    let hostname = context.hostname;
    let opening = match context.action {
        Action::Failed => format!(
            "This is the mail server {hostname}. Your message could not be delivered to the recipients named below, \
             and will not be tried again for them. Its header is attached."
        ),
        Action::Delayed => format!(
            "This is the mail server {hostname}. Your message could not be delivered yet to the recipients named below. \
             You need not do anything: it is tried again, and you are told if it cannot be delivered in the end. Its \
             header is attached."
        ),
    };
    paragraph(&mut text, "", &opening);
    for (recipient, fault) in recipients {
        text.push('\n');
        paragraph(&mut text, "", &format!("<{recipient}>"));
        for line in reasons(fault, context.give_up_after) {
            paragraph(&mut text, "    ", &line);
        }
    }
    text.push('\n');
    paragraph(&mut text, "", "The message:");
    for (name, value) in facts {
        paragraph(&mut text, "    ", &format!("{name}: {value}"));
    }
    text.push('\n');
    let closing = format!("For help, forward this report to {}.", context.postmaster);
    paragraph(&mut text, "", &closing);
    text
}

/// What happened to one recipient.
fn reasons(fault: &Fault, give_up_after: Duration) -> Vec<String> {
    let mut lines = Vec::new();
    if &*fault.status == EXPIRED {
        lines.push(format!(
            "It was tried for {} without success.",
            period(give_up_after)
        ));
    }
    match &fault.remote {
        Some(remote) => {
            lines.push(format!("The mail server {} answered:", printable(remote)));
            lines.push(printable(&fault.text).into_owned());
        }
        None => lines.push(format!(
            "The reason: {}.",
            printable(&fault.text).trim_end_matches('.')
        )),
    }
    if &*fault.status == CONFIGURATION {
        lines.push(
            "This is a fault of this server's configuration and not of your message.".to_owned(),
        );
    }
    lines
}

/// A length of time as people say it.
fn period(length: Duration) -> String {
    let seconds = length.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Appends `content` in lines of at most [`WIDTH`] characters, where its words allow it.
fn paragraph(text: &mut String, indent: &str, content: &str) {
    let mut width = 0;
    for word in content.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            text.push('\n');
            width = 0;
        }
        if width == 0 {
            text.push_str(indent);
            width = indent.len();
        } else {
            text.push(' ');
            width += 1;
        }
        let _ = write!(text, "{word}"); // writing to a String does not fail
        width += length;
    }
    text.push('\n');
}

/// The text with whatever is not printable ASCII shown as `?`.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    let is_printable = |c: char| matches!(c, ' '..='~');
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .map(|c| if is_printable(c) { c } else { '?' })
        .collect::<String>()
        .into()
}

const WIDTH: usize = 74;
/// RFC 3463 §3.5: delivery time expired.
const EXPIRED: &str = "5.4.7";
/// RFC 3463 §3.4: system incorrectly configured.
const CONFIGURATION: &str = "5.3.5";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_said_in_the_largest_unit_that_fits() {
        let check = |seconds: u64, expected: &str| {
            assert_eq!(period(Duration::from_secs(seconds)), expected);
        };
        check(1, "1 second");
        check(45, "45 seconds");
        check(60, "1 minute");
        check(3600, "1 hour");
        check(86_400, "24 hours");
        check(432_000, "5 days");
    }

    #[test]
    fn lines_are_wrapped_between_words_only() {
        let mut text = String::new();
        paragraph(
            &mut text,
            "    ",
            &format!("{} {} end", "a".repeat(60), "b".repeat(100)),
        );
        let expected = format!("    {}\n    {}\n    end\n", "a".repeat(60), "b".repeat(100));
        assert_eq!(text, expected);
    }
}
