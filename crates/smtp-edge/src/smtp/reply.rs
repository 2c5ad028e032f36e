//! One reply of the server and its form on the wire (RFC 5321 §4.2, RFC 2034).

use std::borrow::Cow;
use std::fmt;

/// A reply: a code, an enhanced status code where one belongs, and one or more lines of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    enhanced: &'static str,
    lines: Vec<Cow<'static, str>>,
}

impl Reply {
    /// A reply of one line. `enhanced` is empty where RFC 2034 §3 wants none (greeting, EHLO, 354).
    #[must_use]
    pub fn new(code: u16, enhanced: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            enhanced,
            lines: vec![text.into()],
        }
    }

    /// A reply of several lines.
    #[must_use]
    pub fn lines(code: u16, lines: Vec<Cow<'static, str>>) -> Self {
        Self {
            code,
            enhanced: "",
            lines,
        }
    }

    /// Whether it tells the client of a failure, for now or for good.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.code >= 400
    }

    /// Whether it ends the session (RFC 5321 §3.8: 421).
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.code == 421
    }

    /// Appends the reply as octets.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let last = self.lines.len().saturating_sub(1);
        for (index, line) in self.lines.iter().enumerate() {
            out.extend_from_slice(self.code.to_string().as_bytes());
            out.push(if index == last { b' ' } else { b'-' });
            if !self.enhanced.is_empty() {
                out.extend_from_slice(self.enhanced.as_bytes());
                out.push(b' ');
            }
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl fmt::Display for Reply {
    /// The first line, as logs show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if !self.enhanced.is_empty() {
            write!(f, " {}", self.enhanced)?;
        }
        match self.lines.first() {
            Some(line) => write!(f, " {line}"),
            None => Ok(()),
        }
    }
}
