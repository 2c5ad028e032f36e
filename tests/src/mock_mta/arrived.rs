//! A message as the exchanger was given it.

use std::net::SocketAddr;

/// One message, kept byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Who connected.
    pub client: SocketAddr,
    /// The name in EHLO or HELO.
    pub helo: String,
    /// Whether the connection was encrypted.
    pub tls: bool,
    /// The reverse-path without its angle brackets; empty for the null sender.
    pub from: String,
    /// The parameters of MAIL FROM, as they were written.
    pub parameters: Vec<String>,
    /// The recipients that were accepted, in order.
    pub recipients: Vec<Recipient>,
    /// The message, with the stuffed dots taken out, its last CRLF included.
    pub data: Vec<u8>,
}

/// One accepted recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The forward-path without its angle brackets.
    pub path: String,
    /// The parameters of RCPT TO, as they were written.
    pub parameters: Vec<String>,
}

impl Arrived {
    /// The addresses of the recipients.
    #[must_use]
    pub fn to(&self) -> Vec<&str> {
        self.recipients
            .iter()
            .map(|recipient| recipient.path.as_str())
            .collect()
    }

    /// The header fields in order: name, and everything after the colon with its folding, without the last CRLF.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        let (header, _) = self.split();
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in header.split_inclusive(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line).into_owned();
            match (text.starts_with([' ', '\t']), fields.last_mut()) {
                (true, Some((_, value))) => value.push_str(&text),
                _ => {
                    let (name, value) = text.split_once(':').unwrap_or((&text, ""));
                    fields.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        for (_, value) in &mut fields {
            value.truncate(value.trim_end_matches(['\r', '\n']).len());
        }
        fields
    }

    /// The unfolded values of all fields of that name, trimmed, in order.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<String> {
        self.fields()
            .into_iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.replace("\r\n", "").trim().to_owned())
            .collect()
    }

    /// Requires that the message carries no signature, and gives it back.
    pub fn assert_unsigned(&self) -> &Self {
        let signatures = self.values("DKIM-Signature");
        assert!(signatures.is_empty(), "{}", self.text());
        self
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.split().1
    }

    /// The whole message as text, for assertions on reports.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }

    fn split(&self) -> (&[u8], &[u8]) {
        match self
            .data
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
        {
            Some(end) => (&self.data[..end + 2], &self.data[end + 4..]),
            None => (&self.data, &[]),
        }
    }
}
