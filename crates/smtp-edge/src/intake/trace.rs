//! The fields that we put before a message: Received (RFC 5321 §4.4), and Date and Message-ID where they are missing.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::form::{MessageSettings, Missing};
use super::normalize::Normalized;
use crate::envelope::{Envelope, Source};
use crate::ids::QueueId;

/// How the message came to us, as the `with` clause of Received names it (RFC 3848, RFC 6531 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The client said HELO.
    Smtp,
    /// The client said EHLO.
    Esmtp,
    /// The client said EHLO, and SMTPUTF8 for this message.
    Utf8Smtp,
}

impl Protocol {
    fn keyword(self) -> &'static str {
        match self {
            Self::Smtp => "SMTP",
            Self::Esmtp => "ESMTP",
            Self::Utf8Smtp => "UTF8SMTP",
        }
    }
}

/// The fields to stand before the message, each ended by CRLF.
pub(super) fn fields(
    id: QueueId,
    hostname: &str,
    protocol: Protocol,
    envelope: &Envelope,
    message: &Normalized,
    form: &MessageSettings,
) -> Vec<u8> {
    let date = rfc_date(envelope.accepted);
    let mut fields = String::from("Received: ");
    match &envelope.source {
        Source::Client { client, helo } => {
            let address = client.address;
            let literal = if address.is_ipv6() {
                format!("[IPv6:{address}]")
            } else {
                format!("[{address}]")
            };
            fields.push_str(&format!(
                "from {helo} ({literal})\r\n\tby {hostname} with {}",
                protocol.keyword()
            ));
        }
        Source::Ourselves => fields.push_str(&format!("by {hostname}")),
    }
    fields.push_str(&format!(" id {id}"));
    // One recipient may be named; several must not be, since some of them may be blind copies (RFC 5321 §7.2).
    if let [only] = envelope.recipients.as_slice() {
        fields.push_str(&format!("\r\n\tfor <{only}>"));
    }
    fields.push_str(&format!(";\r\n\t{date}\r\n"));
    let is_to_add =
        |name, missing| missing == Missing::Add && message.values(name).next().is_none();
    if is_to_add("Date", form.missing_date) {
        fields.push_str(&format!("Date: {date}\r\n"));
    }
    if is_to_add("Message-ID", form.missing_message_id) {
        fields.push_str(&format!("Message-ID: <{id}@{hostname}>\r\n"));
    }
    fields.into_bytes()
}

/// RFC 5322 §3.3 `date-time`, in UTC.
fn rfc_date(time: SystemTime) -> String {
    let timestamp = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    jiff::fmt::rfc2822::to_string(&timestamp.to_zoned(TimeZone::UTC)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use router_config::Client;

    use super::*;
    use crate::envelope::{Needs, ReversePath};

    fn check(recipients: &[&str], content: &str, expected: &str) {
        check_with(&MessageSettings::default(), recipients, content, expected);
    }

    fn check_with(form: &MessageSettings, recipients: &[&str], content: &str, expected: &str) {
        let envelope = Envelope {
            source: Source::Client {
                client: Client::at("192.0.2.1".parse().unwrap()),
                helo: "client.example".into(),
            },
            reverse_path: ReversePath::Null,
            recipients: recipients
                .iter()
                .map(|text| text.parse().unwrap())
                .collect(),
            needs: Needs::default(),
            accepted: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        };
        let message = Normalized::parse(content.as_bytes().to_vec());
        let id = QueueId::from_number(0);
        let with = Protocol::Esmtp;
        let fields = fields(id, "edge.example", with, &envelope, &message, form);
        assert_eq!(String::from_utf8(fields).unwrap(), expected);
    }

    #[test]
    fn what_is_missing_is_added() {
        check(
            &["a@example.com"],
            "Subject: x\r\n\r\n",
            "Received: from client.example ([192.0.2.1])\r\n\tby edge.example with ESMTP id 0000000000000\r\n\
             \tfor <a@example.com>;\r\n\tFri, 15 Jan 2027 08:00:00 +0000\r\n\
             Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nMessage-ID: <0000000000000@edge.example>\r\n",
        );
    }

    #[test]
    fn what_is_there_stays_and_several_recipients_are_not_named() {
        check(
            &["a@example.com", "b@example.com"],
            "DATE: x\r\nMessage-Id: y\r\n\r\n",
            "Received: from client.example ([192.0.2.1])\r\n\tby edge.example with ESMTP id 0000000000000;\r\n\
             \tFri, 15 Jan 2027 08:00:00 +0000\r\n",
        );
    }

    #[test]
    fn what_is_missing_stays_away_where_the_settings_say_so() {
        let form = MessageSettings {
            missing_date: Missing::Pass,
            missing_message_id: Missing::Pass,
            ..MessageSettings::default()
        };
        check_with(
            &form,
            &["a@example.com", "b@example.com"],
            "Subject: x\r\n\r\n",
            "Received: from client.example ([192.0.2.1])\r\n\tby edge.example with ESMTP id 0000000000000;\r\n\
             \tFri, 15 Jan 2027 08:00:00 +0000\r\n",
        );
    }
}
