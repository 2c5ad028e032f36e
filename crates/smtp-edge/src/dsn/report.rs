//! The report itself, of a failure or of a delay: a `multipart/report` (RFC 6522) of a text, the delivery status (RFC 3464) and the header of the
//! message that it is about.
//!
//! Everything in it that came from outside (addresses, a remote host's words, the message's header) is made printable
//! or encoded, so that a report can neither end a line nor begin a field of its own accord.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;

use super::text::{self, printable};
use crate::envelope::Mailbox;
use crate::spool::message::{Fault, Message};

/// What a report says of the server that makes it.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Our name.
    pub hostname: &'a str,
    /// Whom the report is from and whom its reader can ask.
    pub postmaster: &'a str,
    /// How long recipients are tried.
    pub give_up_after: Duration,
    /// When the report is made.
    pub now: SystemTime,
    /// What has happened to the recipients that it is about.
    pub action: Action,
}

/// What a report tells of (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// They will not have the message.
    Failed,
    /// They do not have it yet, and are tried again.
    Delayed,
}

impl Action {
    fn label(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Failed => "Your message could not be delivered",
            Self::Delayed => "Your message is delayed",
        }
    }
}

/// The report to `to` about `recipients` (places in the envelope, and why). Lines end in CRLF; the octets are 7-bit, but for
/// the `To` field when the sender's local part is not ASCII.
#[must_use]
pub fn render(
    message: &Message,
    recipients: &[(usize, Fault)],
    to: &Mailbox,
    context: &Context<'_>,
) -> Vec<u8> {
    let mailboxes = &message.envelope.recipients;
    let recipients: Vec<(&Mailbox, &Fault)> = recipients
        .iter()
        .filter_map(|(place, fault)| Some((mailboxes.get(*place)?, fault)))
        .collect();
    let message_id = message_id(message.header());
    let mut facts = vec![
        ("Queue id", message.id.to_string()),
        ("Accepted", date(message.envelope.accepted)),
    ];
    facts.extend(message_id.map(|id| ("Message-ID", id.to_owned())));
    let tried_until = tried_until(message, context).map(date);
    facts.extend(tried_until.map(|until| ("Tried until", until)));
    let text = text::explain(context, &recipients, &facts);
    let body = MimePart::new(
        ContentType::new("multipart/report").attribute("report-type", "delivery-status"),
        vec![
            MimePart::new("text/plain", text.replace('\n', "\r\n")),
            verbatim(
                "message/delivery-status",
                status(message, &recipients, context),
            ),
            returned_header(message),
        ],
    );
    let report_id = format!(
        "<{}.{}.report@{}>",
        message.id,
        nanoseconds(context.now),
        context.hostname
    );
    let mut builder = MessageBuilder::new()
        .header(
            "From",
            raw(format!("Mail Delivery System <{}>", context.postmaster)),
        )
        .header("To", raw(format!("<{to}>")))
        .header("Subject", raw(context.action.subject()))
        .header("Date", raw(date(context.now)))
        .header("Message-ID", raw(report_id))
        // RFC 3834 §5: nothing may answer this.
        .header("Auto-Submitted", raw("auto-replied"));
    if let Some(id) = message_id {
        builder = builder
            .header("In-Reply-To", raw(id))
            .header("References", raw(id));
    }
    let mut report = Vec::new();
    builder.body(body).serialize(&mut report);
    report
}

/// The part that programs read (RFC 3464 §2): fields of the message, then a group of fields for each recipient.
fn status(message: &Message, recipients: &[(&Mailbox, &Fault)], context: &Context<'_>) -> String {
    let mut fields = format!("Reporting-MTA: dns; {}\r\n", context.hostname);
    let arrival = date(message.envelope.accepted);
    let _ = write!(fields, "Arrival-Date: {arrival}\r\n"); // writing to a String does not fail
    let action = context.action.label();
    for (recipient, fault) in recipients {
        let address = typed_address(recipient);
        let _ = write!(
            fields,
            "\r\nOriginal-Recipient: {address}\r\nFinal-Recipient: {address}\r\nAction: {action}\r\nStatus: {}\r\n",
            printable(&fault.status)
        );
        // RFC 3464 §2.3.5 and §2.3.6: both only when another host was asked and has answered.
        if let Some(remote) = &fault.remote {
            let host = remote.split(' ').next().unwrap_or_default();
            let host = match host.parse() {
                // RFC 5321 §4.1.3
                Ok(IpAddr::V4(address)) => format!("[{address}]"),
                Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
                Err(_) => printable(host).into_owned(),
            };
            let reply = printable(&fault.text);
            let _ = write!(
                fields,
                "Remote-MTA: dns; {host}\r\nDiagnostic-Code: smtp; {reply}\r\n"
            );
        }
        let _ = write!(fields, "Last-Attempt-Date: {}\r\n", date(context.now));
        if let Some(until) = tried_until(message, context) {
            let _ = write!(fields, "Will-Retry-Until: {}\r\n", date(until));
        }
    }
    fields
}

/// Until when the recipients are tried, if they are (RFC 3464 §2.3.9: only for those that are delayed).
fn tried_until(message: &Message, context: &Context<'_>) -> Option<SystemTime> {
    match context.action {
        Action::Failed => None,
        Action::Delayed => Some(message.envelope.accepted + context.give_up_after),
    }
}

/// An address with its type; RFC 6533 §3 has an ASCII form for those that are not ASCII.
fn typed_address(mailbox: &Mailbox) -> String {
    let address = mailbox.to_string();
    if address.is_ascii() {
        return format!("rfc822; {address}");
    }
    let mut escaped = String::from("utf-8; ");
    for c in address.chars() {
        if c.is_ascii() && !matches!(c, '\\' | '+' | '=') {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "\\x{{{:X}}}", u32::from(c)); // writing to a String does not fail
        }
    }
    escaped
}

/// The header of the message that failed, with the fields that we put before it.
fn returned_header(message: &Message) -> MimePart<'static> {
    let mut header = [message.trace.as_slice(), message.header()].concat();
    if header.len() > LONGEST_RETURNED {
        header.truncate(LONGEST_RETURNED);
        let end = header.windows(2).rposition(|window| window == b"\r\n");
        header.truncate(end.map_or(0, |end| end + 2));
    }
    let short_lines = header
        .split(|byte| *byte == b'\n')
        .all(|line| line.len() < 998);
    match String::from_utf8(header) {
        Ok(header) if header.is_ascii() && short_lines => verbatim("text/rfc822-headers", header),
        Ok(header) => MimePart::new("text/rfc822-headers", header),
        Err(other) => {
            let header = String::from_utf8_lossy(other.as_bytes()).into_owned();
            MimePart::new("text/rfc822-headers", header)
        }
    }
}

/// A part that goes out as it is: ASCII, short lines.
fn verbatim(kind: &'static str, content: String) -> MimePart<'static> {
    MimePart::raw(content)
        .header("Content-Type", HeaderType::from(ContentType::new(kind)))
        .transfer_encoding("7bit")
}

fn raw<'a>(value: impl Into<Cow<'a, str>>) -> Raw<'a> {
    Raw::new(value)
}

/// The message's own identifier, when it has one that can be repeated as it is.
fn message_id(header: &[u8]) -> Option<&str> {
    let line = header.split(|byte| *byte == b'\n').find(|line| {
        line.get(..11)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"message-id:"))
    })?;
    let value = std::str::from_utf8(line.get(11..)?).ok()?.trim();
    let inner = value.strip_prefix('<')?.strip_suffix('>')?;
    let usual = inner
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>');
    (usual && inner.contains('@') && inner.len() <= 250).then_some(value)
}

/// RFC 5322 date and time, in UTC.
fn date(time: SystemTime) -> String {
    let zoned = Timestamp::try_from(time)
        .unwrap_or_default()
        .to_zoned(TimeZone::UTC);
    zoned.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn nanoseconds(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos()
}

/// Octets of a header that are returned.
const LONGEST_RETURNED: usize = 64 * 1024;

#[cfg(test)]
mod tests;
