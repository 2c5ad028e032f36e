//! Who may send through us: nobody, but for what the settings name, and never everyone.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use common_config::user_name::UserName;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::certificate::CertificateFingerprint;
use crate::client::{Client, Issuer};
use crate::network::Network;
use crate::settings::RouterSettings;

/// What the settings name that lets a client send through us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelayPolicy {
    pub(crate) networks: RelayNetworks,
    certificates: BTreeSet<CertificateFingerprint>,
    /// Whether any user may.
    authenticated: bool,
    /// Whether anybody may whose certificate the authority for client certificates has issued.
    authority: bool,
}

/// The setting that lets a client send through us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayGrant {
    /// `router.relay_networks` has a network that the client is in.
    Network(Network),
    /// `router.relay_authenticated` is on, and the client is this user.
    Authenticated(UserName),
    /// `router.relay_certificates` has the client's certificate.
    Certificate(CertificateFingerprint),
    /// `router.relay_certificate_authority` is on, and the authority has issued the client's certificate.
    CertificateAuthority(CertificateFingerprint),
}

impl RelayPolicy {
    /// Takes the settings, unless they make an open relay; then the networks that do are the error.
    pub(crate) fn new(settings: &RouterSettings) -> Result<Self, Vec<Network>> {
        Ok(Self {
            networks: RelayNetworks::new(&settings.relay_networks)?,
            certificates: settings.relay_certificates.iter().copied().collect(),
            authenticated: settings.relay_authenticated,
            authority: settings.relay_certificate_authority,
        })
    }

    /// The first setting that lets `client` send; nothing when none does.
    pub(crate) fn grant(&self, client: &Client) -> Option<RelayGrant> {
        let network = self.networks.network_of(client.address).copied();
        network
            .map(RelayGrant::Network)
            .or_else(|| self.grant_to_user(client))
            .or_else(|| self.grant_to_certificate(client))
    }

    fn grant_to_user(&self, client: &Client) -> Option<RelayGrant> {
        let user = client.identity.as_ref().filter(|_| self.authenticated)?;
        Some(RelayGrant::Authenticated(user.clone()))
    }

    fn grant_to_certificate(&self, client: &Client) -> Option<RelayGrant> {
        let certificate = client.certificate.as_ref()?;
        let fingerprint = certificate.fingerprint;
        if self.certificates.contains(&fingerprint) {
            return Some(RelayGrant::Certificate(fingerprint));
        }
        match certificate.issuer {
            Issuer::Authority if self.authority => {
                Some(RelayGrant::CertificateAuthority(fingerprint))
            }
            Issuer::Authority | Issuer::Unknown => None,
        }
    }
}

impl RelayGrant {
    /// The setting's key within `[router]`.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Network(_) => "relay_networks",
            Self::Authenticated(_) => "relay_authenticated",
            Self::Certificate(_) => "relay_certificates",
            Self::CertificateAuthority(_) => "relay_certificate_authority",
        }
    }
}

impl fmt::Display for RelayGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setting = self.setting();
        match self {
            Self::Network(network) => write!(f, "router.{setting} has {network}"),
            Self::Authenticated(user) => {
                write!(
                    f,
                    "router.{setting} is on, and the client is the user {user}"
                )
            }
            Self::Certificate(fingerprint) => write!(f, "router.{setting} has {fingerprint}"),
            Self::CertificateAuthority(fingerprint) => write!(
                f,
                "router.{setting} is on, and the authority has issued {fingerprint}"
            ),
        }
    }
}

/// The networks that, together, are all or most of the Internet; none when they are not. Whoever may speak for others from
/// such networks, and not only who may send from them, makes an open relay.
#[must_use]
pub fn open_networks(networks: &[Network]) -> Vec<Network> {
    RelayNetworks::new(networks).err().unwrap_or_default()
}

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
    use crate::client::ClientCertificate;

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

    const LISTED: [u8; 32] = [1; 32];
    const OTHER: [u8; 32] = [2; 32];

    /// `expected` is the setting that lets the client send, under settings that name one of each.
    fn check_client(change: impl Fn(&mut RouterSettings), client: &Client, expected: Option<&str>) {
        let mut settings = RouterSettings {
            relay_networks: networks(&["10.0.0.0/8"]),
            relay_certificates: vec![CertificateFingerprint::from_sha256(LISTED)],
            ..RouterSettings::default()
        };
        change(&mut settings);
        let grant = RelayPolicy::new(&settings).unwrap().grant(client);
        let found = grant.as_ref().map(RelayGrant::setting);
        assert_eq!(found, expected, "{client:?}");
    }

    #[test]
    fn nobody_may_send_but_for_a_setting() {
        let at = |address: &str| Client::at(address.parse().unwrap());
        let user = |address: &str| Client {
            identity: Some("app1".parse().unwrap()),
            ..at(address)
        };
        let holder = |digest, issuer| Client {
            certificate: Some(ClientCertificate {
                fingerprint: CertificateFingerprint::from_sha256(digest),
                issuer,
            }),
            ..at("192.0.2.1")
        };
        let as_is = |_: &mut RouterSettings| {};
        let authority = |settings: &mut RouterSettings| settings.relay_certificate_authority = true;
        let no_users = |settings: &mut RouterSettings| settings.relay_authenticated = false;
        check_client(as_is, &at("10.1.2.3"), Some("relay_networks"));
        check_client(as_is, &at("192.0.2.1"), None); // a stranger
        check_client(as_is, &user("192.0.2.1"), Some("relay_authenticated"));
        check_client(as_is, &user("10.1.2.3"), Some("relay_networks")); // by both: the first
        check_client(no_users, &user("192.0.2.1"), None); // the setting is off
        check_client(no_users, &user("10.1.2.3"), Some("relay_networks")); // not for being a user
        let listed = Some("relay_certificates");
        check_client(as_is, &holder(LISTED, Issuer::Unknown), listed); // known by its fingerprint
        check_client(as_is, &holder(LISTED, Issuer::Authority), listed);
        check_client(as_is, &holder(OTHER, Issuer::Unknown), None); // anybody can make one
        check_client(as_is, &holder(OTHER, Issuer::Authority), None); // off by default
        let issued = Some("relay_certificate_authority");
        check_client(authority, &holder(OTHER, Issuer::Authority), issued);
        check_client(authority, &holder(OTHER, Issuer::Unknown), None); // the authority's only
        check_client(authority, &at("192.0.2.1"), None); // no certificate at all
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
