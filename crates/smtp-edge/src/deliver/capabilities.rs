//! What a host's reply to EHLO offers (RFC 5321 §4.1.1.1), and whether it suffices for a message. Pure.

use super::outcome::local_fault;
use super::reply::Reply;
use super::tls_policy::Offer;
use crate::envelope::Needs;
use crate::spool::message::Fault;

/// The extensions that we make use of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// RFC 2920: commands may be sent without waiting for each reply.
    pub pipelining: bool,
    /// RFC 1870: the parameter SIZE is understood; the most octets it takes, when it says so.
    pub size: Option<SizeLimit>,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3207.
    pub starttls: bool,
}

/// The argument of the extension SIZE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeLimit {
    /// None, or 0: the host names no limit.
    Unknown,
    /// The most octets that it takes.
    Octets(u64),
}

impl Capabilities {
    /// Reads a positive reply to EHLO. Its first line is the host's name.
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "PIPELINING" => found.pipelining = true,
                "8BITMIME" => found.eight_bit_mime = true,
                "SMTPUTF8" => found.smtputf8 = true,
                "STARTTLS" => found.starttls = true,
                "SIZE" => {
                    found.size = Some(match words.next().map(str::parse) {
                        Some(Ok(octets)) if octets > 0 => SizeLimit::Octets(octets),
                        _ => SizeLimit::Unknown,
                    });
                }
                _ => {}
            }
        }
        found
    }

    /// The offer of STARTTLS, as the TLS policy takes it.
    #[must_use]
    pub fn tls_offer(&self) -> Offer {
        if self.starttls {
            Offer::Offered
        } else {
            Offer::NotOffered
        }
    }

    /// Why a message of this size and these needs cannot pass through `host`, if it cannot.
    #[must_use]
    pub fn obstacle(&self, host: &str, size: u64, needs: Needs) -> Option<Fault> {
        if needs.smtputf8 && !self.smtputf8 {
            let text = format!(
                "{host} does not offer SMTPUTF8, which the message's addresses or header need"
            );
            return Some(local_fault("5.6.7", text));
        }
        if needs.eight_bit && !self.eight_bit_mime {
            let text = format!("{host} does not offer 8BITMIME, which the message's content needs");
            return Some(local_fault("5.6.3", text));
        }
        match self.size {
            Some(SizeLimit::Octets(limit)) if size > limit => {
                let text =
                    format!("the message has {size} octets and {host} takes at most {limit}");
                Some(local_fault("5.3.4", text))
            }
            Some(SizeLimit::Octets(_) | SizeLimit::Unknown) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::ReplyReader;
    use super::*;

    fn capabilities(lines: &[&str]) -> Capabilities {
        let mut text = String::from("250-mx.example.net\r\n");
        for line in lines {
            text.push_str(&format!("250-{line}\r\n"));
        }
        text.push_str("250 HELP\r\n");
        let (reply, _) = ReplyReader::default().read(text.as_bytes()).unwrap();
        Capabilities::of(&reply.unwrap())
    }

    #[test]
    fn what_is_offered_is_read_in_any_case() {
        let none = Capabilities::default();
        let check = |lines: &[&str], expected: Capabilities| {
            assert_eq!(capabilities(lines), expected, "{lines:?}");
        };
        check(&[], none);
        check(
            &["pipelining"],
            Capabilities {
                pipelining: true,
                ..none
            },
        );
        check(
            &["8BitMime", "SMTPUTF8"],
            Capabilities {
                eight_bit_mime: true,
                smtputf8: true,
                ..none
            },
        );
        check(
            &["STARTTLS"],
            Capabilities {
                starttls: true,
                ..none
            },
        );
        let size = |size| Capabilities {
            size: Some(size),
            ..none
        };
        check(&["SIZE"], size(SizeLimit::Unknown));
        check(&["SIZE 0"], size(SizeLimit::Unknown));
        check(&["SIZE 1000"], size(SizeLimit::Octets(1000)));
        check(&["SIZE -5"], size(SizeLimit::Unknown));
        check(&["SIZE 99999999999999999999999"], size(SizeLimit::Unknown));
        check(&["XSTARTTLS", "STARTTLSX"], none);
    }

    #[test]
    fn what_a_message_needs_and_a_host_lacks_is_an_obstacle() {
        let check = |lines: &[&str], size: u64, needs: Needs, expected: Option<&str>| {
            let fault = capabilities(lines).obstacle("mx.example.net", size, needs);
            assert_eq!(
                fault.map(|fault| fault.status.into_string()).as_deref(),
                expected,
                "{lines:?}"
            );
        };
        let (plain, eight_bit, utf8) = (
            Needs::default(),
            Needs {
                eight_bit: true,
                smtputf8: false,
            },
            Needs {
                eight_bit: true,
                smtputf8: true,
            },
        );
        check(&[], 1, plain, None);
        check(&[], 1, eight_bit, Some("5.6.3"));
        check(&["8BITMIME"], 1, eight_bit, None);
        check(&["8BITMIME"], 1, utf8, Some("5.6.7"));
        check(&["8BITMIME", "SMTPUTF8"], 1, utf8, None);
        check(&["SIZE 100"], 100, plain, None);
        check(&["SIZE 100"], 101, plain, Some("5.3.4"));
        check(&["SIZE 0"], u64::MAX, plain, None);
    }
}
