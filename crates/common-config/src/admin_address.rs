//! Where the admin listener listens: a loopback address or a Unix socket. It has no passwords, so that no other place is
//! allowed.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A place that only this machine reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAddress {
    /// An address in `127.0.0.0/8`, or `::1`.
    Loopback(SocketAddr),
    /// A socket file, by its absolute path.
    Unix(PathBuf),
}

impl FromStr for AdminAddress {
    type Err = AdminAddressError;

    fn from_str(text: &str) -> Result<Self, AdminAddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(Self::Unix(path))
            } else {
                Err(AdminAddressError::RelativePath)
            };
        }
        let address: SocketAddr = text.parse().map_err(|_| AdminAddressError::Syntax)?;
        if address.ip().to_canonical().is_loopback() {
            Ok(Self::Loopback(address))
        } else {
            Err(AdminAddressError::NotLoopback)
        }
    }
}

/// As settings write it.
impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for AdminAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AddressVisitor)
    }
}

/// The places of one listener: in the settings a text, or a list of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdminAddresses(Vec<AdminAddress>);

impl AdminAddresses {
    /// All of them, as they were written.
    pub fn iter(&self) -> impl Iterator<Item = &AdminAddress> {
        self.0.iter()
    }

    /// Where a command asks: at the Unix socket, if there is one, since more is done there.
    pub fn to_ask(&self) -> Option<&AdminAddress> {
        let unix = |address: &&AdminAddress| match address {
            AdminAddress::Unix(_) => true,
            AdminAddress::Loopback(_) => false,
        };
        self.0.iter().find(unix).or(self.0.first())
    }
}

impl<'de> Deserialize<'de> for AdminAddresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressesVisitor)
    }
}

struct AddressesVisitor;

impl<'de> Visitor<'de> for AddressesVisitor {
    type Value = AdminAddresses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, or a list of such", AdminAddressError::Syntax)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<AdminAddresses, E> {
        AddressVisitor
            .visit_str(text)
            .map(|address| AdminAddresses(vec![address]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<AdminAddresses, A::Error> {
        let mut addresses = Vec::new();
        while let Some(address) = list.next_element()? {
            addresses.push(address);
        }
        Ok(AdminAddresses(addresses))
    }
}

/// A text is no place for the admin listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminAddressError {
    /// Neither an address with a port nor `unix:` and a path.
    #[error("a loopback address such as \"127.0.0.1:9925\", or \"unix:/run/smtp-edge/admin.sock\"")]
    Syntax,
    /// The address can be reached from other machines.
    #[error(
        "a loopback address such as \"127.0.0.1:9925\", since whoever reaches the listener may read it; other machines \
         need a proxy that knows them"
    )]
    NotLoopback,
    /// The path has no fixed start.
    #[error("an absolute path behind \"unix:\"")]
    RelativePath,
}

struct AddressVisitor;

impl Visitor<'_> for AddressVisitor {
    type Value = AdminAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&AdminAddressError::Syntax, f)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<AdminAddress, E> {
        text.parse().map_err(|error: AdminAddressError| {
            E::invalid_value(Unexpected::Str(text), &error.to_string().as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_can_be_named() {
        let loopback = |text: &str| Ok(AdminAddress::Loopback(text.parse().unwrap()));
        let rows = [
            ("127.0.0.1:9925", loopback("127.0.0.1:9925")),
            ("127.9.9.9:0", loopback("127.9.9.9:0")),
            ("[::1]:9925", loopback("[::1]:9925")),
            (
                "[::ffff:127.0.0.1]:9925",
                loopback("[::ffff:127.0.0.1]:9925"),
            ),
            (
                "unix:/run/x.sock",
                Ok(AdminAddress::Unix("/run/x.sock".into())),
            ),
            ("0.0.0.0:9925", Err(AdminAddressError::NotLoopback)),
            ("[::]:9925", Err(AdminAddressError::NotLoopback)),
            ("192.0.2.1:9925", Err(AdminAddressError::NotLoopback)),
            (
                "[::ffff:192.0.2.1]:9925",
                Err(AdminAddressError::NotLoopback),
            ),
            ("unix:admin.sock", Err(AdminAddressError::RelativePath)),
            ("unix:", Err(AdminAddressError::RelativePath)),
            // A name may come to mean another machine.
            ("localhost:9925", Err(AdminAddressError::Syntax)),
            ("127.0.0.1", Err(AdminAddressError::Syntax)),
            ("/run/x.sock", Err(AdminAddressError::Syntax)),
            ("", Err(AdminAddressError::Syntax)),
        ];
        for (text, expected) in rows {
            let found = text.parse::<AdminAddress>();
            assert_eq!(found, expected, "{text}");
            if let Ok(address) = found {
                assert_eq!(address.to_string(), text);
            }
        }
    }

    #[test]
    fn a_listener_has_one_place_or_several() {
        #[derive(Debug, Deserialize)]
        struct Settings {
            listen: AdminAddresses,
        }
        let check = |value: &str, expected: &[&str], asked: Option<&str>| {
            let settings: Settings = toml_edit::de::from_str(&format!("listen = {value}")).unwrap();
            let found: Vec<String> = settings.listen.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{value}");
            let to_ask = settings.listen.to_ask().map(ToString::to_string);
            assert_eq!(to_ask.as_deref(), asked, "{value}");
        };
        let (tcp, unix) = ("127.0.0.1:9925", "unix:/run/x.sock");
        check("\"127.0.0.1:9925\"", &[tcp], Some(tcp));
        check(
            "[\"127.0.0.1:9925\", \"unix:/run/x.sock\"]",
            &[tcp, unix],
            Some(unix),
        );
        check("[]", &[], None);
        for value in [
            "\"0.0.0.0:1\"",
            "[\"127.0.0.1:1\", \"192.0.2.1:1\"]",
            "9925",
        ] {
            let refused = toml_edit::de::from_str::<Settings>(&format!("listen = {value}"));
            let why = refused.unwrap_err().to_string();
            assert!(why.contains("a loopback address"), "{value}: {why}");
        }
    }
}
