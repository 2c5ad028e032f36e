//! The fields that we put before a message: Received (RFC 5321 §4.4), and Date and Message-ID where they are missing.

use std::net::IpAddr;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::form::{MessageSettings, Missing};
use super::normalize::Normalized;
use crate::envelope::{Envelope, Source};
use crate::ids::QueueId;
use crate::smtp::server::Client;

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

/// What the `with` clause tells.
pub(super) struct Passage<'a> {
    pub(super) protocol: Protocol,
    /// The client, when there was one.
    pub(super) client: Option<&'a Client>,
}

impl Passage<'_> {
    /// The keyword of RFC 3848 §3 and RFC 6531 §4.3, and how TLS protects it. HELO has no keyword that tells of TLS.
    fn clause(&self) -> String {
        let tls = self.client.and_then(|client| client.tls.as_ref());
        let authenticated = self.client.is_some_and(|client| client.identity.is_some());
        let mut clause = match self.protocol {
            Protocol::Smtp => "SMTP",
            Protocol::Esmtp => "ESMTP",
            Protocol::Utf8Smtp => "UTF8SMTP",
        }
        .to_owned();
        if self.protocol != Protocol::Smtp {
            clause.push_str(if tls.is_some() { "S" } else { "" });
            clause.push_str(if authenticated { "A" } else { "" });
        }
        if let Some(tls) = tls {
            clause.push_str(&format!("\r\n\t({} {})", tls.version, tls.cipher));
        }
        clause
    }

    /// The client's address, behind its name if a proxy told it.
    fn from(&self, address: IpAddr) -> String {
        let literal = match address {
            _ if address.is_unspecified() => "unknown".to_owned(),
            IpAddr::V4(address) => format!("[{address}]"),
            IpAddr::V6(address) => format!("[IPv6:{address}]"),
        };
        match self.client.and_then(|client| client.name.as_deref()) {
            Some(name) => format!("{name} {literal}"),
            None => literal,
        }
    }
}

/// The fields to stand before the message, each ended by CRLF.
pub(super) fn fields(
    id: QueueId,
    hostname: &str,
    passage: &Passage<'_>,
    envelope: &Envelope,
    message: &Normalized,
    form: &MessageSettings,
) -> Vec<u8> {
    let date = rfc_date(envelope.accepted);
    let mut fields = String::from("Received: ");
    match &envelope.source {
        Source::Client { client, helo } => fields.push_str(&format!(
            "from {helo} ({})\r\n\tby {hostname} with {}",
            passage.from(client.address),
            passage.clause()
        )),
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

    use super::*;
    use crate::envelope::{Needs, ReversePath};
    use crate::smtp::server::{TlsFacts, TlsVersion};

    fn check(recipients: &[&str], content: &str, expected: &str) {
        check_with(&MessageSettings::default(), recipients, content, expected);
    }

    fn check_with(form: &MessageSettings, recipients: &[&str], content: &str, expected: &str) {
        let envelope = Envelope {
            source: Source::Client {
                client: router_config::Client::at("192.0.2.1".parse().unwrap()),
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
        let passage = Passage {
            protocol: Protocol::Esmtp,
            client: None,
        };
        let fields = fields(id, "edge.example", &passage, &envelope, &message, form);
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
    fn the_with_clause_tells_of_tls_and_authentication() {
        let check = |protocol: Protocol, change: fn(&mut Client), expected: &str| {
            let mut client = Client::direct("192.0.2.1".parse().unwrap());
            change(&mut client);
            let client = Some(&client);
            let clause = Passage { protocol, client }.clause();
            assert_eq!(clause, expected);
        };
        let tls = |client: &mut Client| {
            client.tls = Some(TlsFacts {
                version: TlsVersion::Tls13,
                cipher: "TLS13_AES_256_GCM_SHA384".into(),
            });
        };
        let auth = |client: &mut Client| client.identity = Some("rita".parse().unwrap());
        let both = |client: &mut Client| {
            client.identity = Some("rita".parse().unwrap());
            client.tls = Some(TlsFacts {
                version: TlsVersion::Tls12,
                cipher: "X".into(),
            });
        };
        let tls_comment = "\r\n\t(TLSv1.3 TLS13_AES_256_GCM_SHA384)";
        check(Protocol::Smtp, |_| {}, "SMTP");
        check(Protocol::Smtp, tls, &format!("SMTP{tls_comment}"));
        check(Protocol::Esmtp, |_| {}, "ESMTP");
        check(Protocol::Esmtp, tls, &format!("ESMTPS{tls_comment}"));
        check(Protocol::Esmtp, auth, "ESMTPA");
        check(Protocol::Esmtp, both, "ESMTPSA\r\n\t(TLSv1.2 X)");
        check(Protocol::Utf8Smtp, |_| {}, "UTF8SMTP");
        check(Protocol::Utf8Smtp, tls, &format!("UTF8SMTPS{tls_comment}"));
        check(Protocol::Utf8Smtp, auth, "UTF8SMTPA");
        check(Protocol::Utf8Smtp, both, "UTF8SMTPSA\r\n\t(TLSv1.2 X)");
    }

    #[test]
    fn the_from_clause_tells_what_is_known_of_the_client() {
        let check = |address: &str, name: Option<&str>, expected: &str| {
            let mut client = Client::forwarded(address.parse().unwrap());
            client.name = name.map(Into::into);
            let passage = Passage {
                protocol: Protocol::Esmtp,
                client: Some(&client),
            };
            assert_eq!(passage.from(client.address), expected);
        };
        check("192.0.2.1", None, "[192.0.2.1]");
        check("2001:db8::1", None, "[IPv6:2001:db8::1]");
        check("192.0.2.1", Some("c.example"), "c.example [192.0.2.1]");
        check("0.0.0.0", None, "unknown"); // a proxy would not say
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
