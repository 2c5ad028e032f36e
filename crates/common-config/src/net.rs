//! Where a server is: a host and a port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::name::{DomainName, NameError};

/// A host and a port, as next hops are written: `mail.example.com:25`, `192.0.2.1`, `[2001:db8::1]:2525`.
///
/// Without a port it is 25, SMTP's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    /// SMTP's port (RFC 5321 §4.5.4.2).
    pub const DEFAULT_PORT: u16 = 25;

    /// The domain name or the address, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, where the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl FromStr for HostPort {
    type Err = HostPortError;

    fn from_str(text: &str) -> Result<Self, HostPortError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self {
                host: address.to_string(),
                port: Self::DEFAULT_PORT,
            });
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (host, port) = rest.split_once(']').ok_or(HostPortError::Bracket)?;
            let host: Ipv6Addr = host.parse().map_err(|_| HostPortError::Bracket)?;
            let port = match port.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if port.is_empty() => Self::DEFAULT_PORT,
                None => return Err(HostPortError::Port),
            };
            let host = host.to_string();
            return Ok(Self { host, port });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, parse_port(port)?),
            None => (text, Self::DEFAULT_PORT),
        };
        let host = match host.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => host.parse::<DomainName>()?.to_string(),
        };
        Ok(Self { host, port })
    }
}

fn parse_port(text: &str) -> Result<u16, HostPortError> {
    match text.parse() {
        Ok(port) if port > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
        Ok(_) | Err(_) => Err(HostPortError::Port),
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for HostPort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HostPortVisitor)
    }
}

/// A text is not a host and a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostPortError {
    /// What stands in brackets is no IPv6 address, or the closing one is missing.
    #[error("write an IPv6 address with a port as [2001:db8::1]:25")]
    Bracket,
    /// What follows the colon is no port.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// The host is neither an address nor a name.
    #[error("the host is not a name")]
    Host(#[from] NameError),
}

struct HostPortVisitor;

impl Visitor<'_> for HostPortVisitor {
    type Value = HostPort;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a host and a port such as \"mail.example.com:25\" or \"[2001:db8::1]:25\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<HostPort, E> {
        text.parse()
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, u16, &str)>) {
        let found = text.parse::<HostPort>().ok();
        let shown = found.as_ref().map(ToString::to_string).unwrap_or_default();
        let found = found
            .as_ref()
            .map(|at| (at.host(), at.port(), shown.as_str()));
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn hosts_have_ports() {
        check(
            "Mail.Example.COM:2525",
            Some(("mail.example.com", 2525, "mail.example.com:2525")),
        );
        check(
            "mail.example.com",
            Some(("mail.example.com", 25, "mail.example.com:25")),
        );
        check("192.0.2.1", Some(("192.0.2.1", 25, "192.0.2.1:25")));
        check("192.0.2.1:26", Some(("192.0.2.1", 26, "192.0.2.1:26")));
        check(
            "[2001:db8::1]:25",
            Some(("2001:db8::1", 25, "[2001:db8::1]:25")),
        );
        check(
            "[2001:db8::1]",
            Some(("2001:db8::1", 25, "[2001:db8::1]:25")),
        );
        check("2001:db8::1", Some(("2001:db8::1", 25, "[2001:db8::1]:25")));
        check(
            "bücher.example:25",
            Some(("xn--bcher-kva.example", 25, "xn--bcher-kva.example:25")),
        );
    }

    #[test]
    fn what_is_no_host_and_port_is_refused() {
        for text in [
            "",
            ":25",
            "a:0",
            "a:65536",
            "a:+5",
            "a:",
            "a:b",
            "[::1",
            "[192.0.2.1]:25",
            "[::1]25",
            "a b:25",
            "smtp://a",
            "300.1.1.1:25",
        ] {
            check(text, None);
        }
    }
}
