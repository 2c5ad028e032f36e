//! Who may send through us: listed networks, and never everyone.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::network::Network;

/// The networks that may send through us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelayNetworks(Vec<Network>);

impl RelayNetworks {
    /// Takes the networks, unless they make an open relay; then those that do are the error.
    ///
    /// One that trusts most of the Internet is as open as one that trusts all of it: half of the addresses are enough.
    pub(crate) fn new(networks: &[Network]) -> Result<Self, Vec<Network>> {
        let mut widest = networks.to_vec();
        widest.sort_by_key(|network| network.net().prefix_len());
        let (v4, v6): (Vec<Network>, Vec<Network>) = widest
            .into_iter()
            .partition(|network| matches!(network.net(), IpNet::V4(_)));
        for family in [v4, v6] {
            if let Some(open) = (1..=family.len())
                .filter_map(|n| family.get(..n))
                .find(|some| covers_half(some))
            {
                return Err(open.to_vec());
            }
        }
        Ok(Self(networks.to_vec()))
    }

    /// The first of them in which `address` lies.
    pub(crate) fn network_of(&self, address: IpAddr) -> Option<&Network> {
        self.0.iter().find(|network| network.contains(address))
    }

    /// Networks wider than any that an organisation has: 10.0.0.0/8 is the widest private one.
    pub(crate) fn wide(&self) -> impl Iterator<Item = &Network> {
        self.0.iter().filter(|network| match network.net() {
            IpNet::V4(net) => net.prefix_len() < 8,
            // fc00::/7 is the private networks' own.
            IpNet::V6(net) => net.prefix_len() < 7,
        })
    }
}

fn covers_half(networks: &[Network]) -> bool {
    let mut v4 = Vec::new();
    let mut v6 = Vec::new();
    for network in networks {
        match network.net() {
            IpNet::V4(net) => v4.push(net),
            IpNet::V6(net) => v6.push(net),
        }
    }
    let v4: u128 = Ipv4Net::aggregate(&v4)
        .iter()
        .map(|net| 1 << (32 - net.prefix_len()))
        .sum();
    let v6: u128 = Ipv6Net::aggregate(&v6).iter().map(public_addresses).sum();
    v4 >= 1 << 31 || v6 >= 1 << 124
}

/// How many addresses of the public Internet (2000::/3, RFC 4291 §2.4) a network holds.
fn public_addresses(net: &Ipv6Net) -> u128 {
    let first = u128::from(net.network());
    let is_public = first >> 125 == 0b001;
    match net.prefix_len() {
        0..=2 if first >> 125 == 0 => 1 << 125,
        prefix @ 3.. if is_public => 1 << (128 - prefix),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// `open` is what the networks are refused for.
    fn check(texts: &[&str], open: &[&str]) {
        let found = RelayNetworks::new(&networks(texts))
            .err()
            .unwrap_or_default();
        assert_eq!(found, networks(open), "{texts:?}");
    }

    #[test]
    fn an_open_relay_is_refused_for_what_makes_it_one() {
        check(&[], &[]);
        check(&["127.0.0.0/8", "::1"], &[]);
        check(
            &[
                "10.0.0.0/8",
                "172.16.0.0/12",
                "192.168.0.0/16",
                "fc00::/7",
                "2001:db8::/32",
            ],
            &[],
        );
        check(&["10.0.0.0/8", "0.0.0.0/0"], &["0.0.0.0/0"]);
        check(&["::/0", "10.0.0.0/8"], &["::/0"]);
        check(&["0.0.0.0/1"], &["0.0.0.0/1"]);
        check(
            &["128.0.0.0/2", "10.0.0.0/8", "0.0.0.0/2"],
            &["128.0.0.0/2", "0.0.0.0/2"],
        );
        check(&["::/1"], &["::/1"]);
        check(&["2000::/4"], &["2000::/4"]);
        check(&["2000::/5", "2800::/5"], &["2000::/5", "2800::/5"]);
        check(&["8000::/1"], &[]);
        check(&["::ffff:0.0.0.0/96"], &["0.0.0.0/0"]);
        let eighths: Vec<String> = (0..=255).map(|n| format!("{n}.0.0.0/8")).collect();
        let eighths: Vec<&str> = eighths.iter().map(String::as_str).collect();
        check(&eighths, eighths.get(..128).unwrap());
    }

    #[test]
    fn everyone_else_is_turned_away() {
        let relay = RelayNetworks::new(&networks(&["10.0.0.0/8", "2001:db8::/32"])).unwrap();
        for (address, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::1", true),
            ("127.0.0.1", false),
            ("::1", false),
            ("192.0.2.1", false),
        ] {
            assert_eq!(
                relay.network_of(address.parse().unwrap()).is_some(),
                expected,
                "{address}"
            );
        }
        assert!(
            RelayNetworks::new(&[])
                .unwrap()
                .network_of("127.0.0.1".parse().unwrap())
                .is_none()
        );
    }
}
