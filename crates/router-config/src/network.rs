//! Networks, as settings write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A network, `10.0.0.0/8` or `2001:db8::/32`, or one address.
///
/// An IPv4 address that arrives in IPv6's clothes (`::ffff:192.0.2.1`) is that IPv4 address, in networks and in
/// what is looked up in them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpNet);

impl Network {
    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// This machine: `127.0.0.0/8` and `::1`.
    pub fn loopback() -> [Network; 2] {
        [
            Self(IpNet::V4(Ipv4Net::new_assert(
                Ipv4Addr::new(127, 0, 0, 0),
                8,
            ))),
            Self(IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128))),
        ]
    }

    pub(crate) fn net(&self) -> IpNet {
        self.0
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(IpNet::from(address.to_canonical())));
        }
        // The standard library refuses leading zeros, which some read as octal.
        let (address, _) = text.split_once('/').ok_or(NetworkError::Syntax)?;
        let _: IpAddr = address.parse().map_err(|_| NetworkError::Syntax)?;
        let net: IpNet = text.parse().map_err(|_| NetworkError::Syntax)?;
        if net.trunc() != net {
            return Err(NetworkError::HostBits {
                network: net.trunc().to_string(),
                address: net.addr(),
            });
        }
        Ok(Self(as_ipv4(net).unwrap_or(net)))
    }
}

/// `::ffff:0:0/96` and the networks in it, as the IPv4 networks that they are.
fn as_ipv4(net: IpNet) -> Option<IpNet> {
    let IpNet::V6(net) = net else { return None };
    let address = net.addr().to_ipv4_mapped()?;
    let prefix = net.prefix_len().checked_sub(96)?;
    Ipv4Net::new(address, prefix).ok().map(IpNet::V4)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            write!(f, "{}", self.0.addr())
        } else {
            write!(f, "{}", self.0)
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NetworkVisitor)
    }
}

/// A text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// It is neither a network nor an address.
    #[error("not a network: write one such as 10.0.0.0/8, or an address")]
    Syntax,
    /// The address has bits beyond the prefix, so that it may mean a network or a host.
    #[error(
        "the address has bits beyond its prefix: write {network} for the network, or {address} for the host"
    )]
    HostBits {
        /// The network that it lies in.
        network: String,
        /// The address alone.
        address: IpAddr,
    },
}

struct NetworkVisitor;

impl Visitor<'_> for NetworkVisitor {
    type Value = Network;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a network such as \"10.0.0.0/8\" or \"2001:db8::/32\", or an address")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Network, E> {
        text.parse().map_err(|error| match error {
            NetworkError::Syntax => E::invalid_value(Unexpected::Str(text), &self),
            NetworkError::HostBits { network, address } => {
                let expected =
                    format!("{network:?} for the network, or \"{address}\" for the host");
                E::invalid_value(Unexpected::Str(text), &expected.as_str())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: &str, address: &str, expected: bool) {
        let network: Network = network.parse().unwrap();
        assert_eq!(
            network.contains(address.parse().unwrap()),
            expected,
            "{network} {address}"
        );
    }

    #[test]
    fn networks_hold_addresses() {
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("::ffff:10.0.0.0/104", "10.0.0.1", true);
        check("::ffff:192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("::/0", "192.0.2.1", false);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10",
            "10.0.0.0/33",
            "10.0.0.0/",
            "acme.com",
            "10.0.0.0/8 ",
            "10.0.0.0-10.0.0.9",
            "010.0.0.0/8",
        ] {
            assert_eq!(
                text.parse::<Network>(),
                Err(NetworkError::Syntax),
                "{text:?}"
            );
        }
        let error = "10.1.2.3/8".parse::<Network>().unwrap_err();
        assert!(error.to_string().contains("write 10.0.0.0/8"), "{error}");
    }
}
