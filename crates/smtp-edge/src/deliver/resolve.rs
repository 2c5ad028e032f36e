//! Finds the hosts of a next hop: mail exchangers in the order of RFC 5321 §5.1, and their addresses.
//!
//! Whoever runs the recipient's DNS decides what comes back, so it is bounded in number and time, and addresses inside
//! our own networks are refused unless the settings allow them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use common_config::name::DomainName;
use hickory_resolver::TokioResolver;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use router_config::Network;
use tokio::time::timeout;

use super::outcome::{Outcome, local_fault};

/// Asks the DNS.
pub(super) struct Resolver {
    dns: TokioResolver,
    /// Our own name, lower case: an exchanger of this name is us.
    hostname: Box<str>,
    allowed_private_networks: Vec<Network>,
}

impl Resolver {
    pub(super) fn new(dns: TokioResolver, hostname: &str, allowed: Vec<Network>) -> Self {
        Self {
            dns,
            hostname: bare(hostname),
            allowed_private_networks: allowed,
        }
    }

    /// The names of a domain's mail exchangers, those to be tried first first; at least one.
    pub(super) async fn exchangers(&self, domain: &DomainName) -> Result<Vec<Box<str>>, Outcome> {
        let records = match self.ask(domain.as_str(), RecordType::MX).await {
            Ok(lookup) => exchange_records(&lookup),
            Err(Unanswered::NoSuchName) => {
                return Err(Outcome::Failed(local_fault(
                    "5.1.2",
                    format!("the domain {domain} does not exist"),
                )));
            }
            Err(Unanswered::NoRecords) => Vec::new(),
            Err(Unanswered::Trouble(why)) => {
                let text = format!("the mail exchangers of {domain} could not be looked up: {why}");
                return Err(Outcome::Unreachable(local_fault("4.4.3", text)));
            }
        };
        if records.is_empty() {
            // RFC 5321 §5.1: the domain itself is its exchanger, with preference 0.
            return order(vec![(0, bare(domain.as_str()))], &self.hostname, domain);
        }
        order(records, &self.hostname, domain)
    }

    /// Where an exchanger can be reached; at least one address, none of them one that it may not have.
    pub(super) async fn exchanger_addresses(&self, host: &str) -> Result<Vec<IpAddr>, Outcome> {
        let mut addresses = self.addresses(host).await?;
        addresses.retain(|address| is_public(*address) || self.allows(*address));
        if addresses.is_empty() {
            let text =
                format!("all addresses of the mail exchanger {host} are in private networks");
            return Err(Outcome::Failed(local_fault("5.4.4", text)));
        }
        Ok(addresses)
    }

    /// Where a host that the settings name can be reached; at least one address.
    pub(super) async fn configured_addresses(&self, host: &str) -> Result<Vec<IpAddr>, Outcome> {
        self.addresses(host).await.map_err(|outcome| match outcome {
            // The settings or the local DNS are wrong, which is for the operator to put right: the mail waits.
            Outcome::Failed(fault) => Outcome::Unreachable(local_fault("4.4.3", fault.text)),
            Outcome::Later(_) | Outcome::Unreachable(_) | Outcome::Delivered(_) => outcome,
        })
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Outcome> {
        let (four, six) = tokio::join!(
            self.ask(host, RecordType::A),
            self.ask(host, RecordType::AAAA)
        );
        let mut addresses = Vec::new();
        let mut trouble = None;
        // IPv4 first: where IPv6 is half set up, its attempts are the ones that hang.
        for answer in [four, six] {
            match answer {
                Ok(lookup) => {
                    addresses.extend(lookup.answers().iter().filter_map(
                        |record| match &record.data {
                            RData::A(address) => Some(IpAddr::V4(address.0)),
                            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                            _ => None,
                        },
                    ));
                }
                Err(Unanswered::NoSuchName | Unanswered::NoRecords) => {}
                Err(Unanswered::Trouble(why)) => trouble = Some(why),
            }
        }
        addresses.truncate(MOST_ADDRESSES);
        match (addresses.is_empty(), trouble) {
            (false, _) => Ok(addresses),
            (true, None) => Err(Outcome::Failed(local_fault(
                "5.4.4",
                format!("the host {host} has no address"),
            ))),
            (true, Some(why)) => {
                let text = format!("the addresses of {host} could not be looked up: {why}");
                Err(Outcome::Unreachable(local_fault("4.4.3", text)))
            }
        }
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Result<Lookup, Unanswered> {
        let mut name = Name::from_ascii(name).map_err(|_| Unanswered::NoSuchName)?;
        name.set_fqdn(true); // no search list
        match timeout(ALL_QUESTIONS, self.dns.lookup(name, kind)).await {
            Ok(Ok(lookup)) => Ok(lookup),
            Ok(Err(error)) if error.is_nx_domain() => Err(Unanswered::NoSuchName),
            Ok(Err(error)) if error.is_no_records_found() => Err(Unanswered::NoRecords),
            Ok(Err(error)) => Err(Unanswered::Trouble(trouble(&error))),
            Err(_) => Err(Unanswered::Trouble("no answer in time".into())),
        }
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allowed_private_networks
            .iter()
            .any(|network| network.contains(address))
    }
}

/// Why a question brought no records.
enum Unanswered {
    NoSuchName,
    NoRecords,
    /// Printable ASCII.
    Trouble(Box<str>),
}

fn trouble(error: &NetError) -> Box<str> {
    let text = error.to_string();
    text.chars()
        .filter(|c| matches!(c, ' '..='~'))
        .take(200)
        .collect::<String>()
        .into()
}

fn exchange_records(lookup: &Lookup) -> Vec<(u16, Box<str>)> {
    let records = lookup
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::MX(exchange) => Some((exchange.preference, bare(&exchange.exchange.to_ascii()))),
            _ => None,
        });
    records.take(MOST_RECORDS).collect()
}

/// The exchangers in the order in which they are to be tried: by preference, those of equal preference in a random
/// order. Ourselves, and what is no better than us, is left out (RFC 5321 §5.1), so that mail never circles.
fn order(
    mut records: Vec<(u16, Box<str>)>,
    hostname: &str,
    domain: &DomainName,
) -> Result<Vec<Box<str>>, Outcome> {
    // RFC 7505: the root as the only exchanger says that the domain takes no mail. Beside others it means nothing.
    records.retain(|(_, name)| !name.is_empty());
    if records.is_empty() {
        let text = format!("the domain {domain} accepts no mail (null MX)");
        return Err(Outcome::Failed(local_fault("5.1.10", text)));
    }
    let ours = records.iter().filter(|(_, name)| **name == *hostname);
    if let Some(own) = ours.map(|(preference, _)| *preference).min() {
        records.retain(|(preference, _)| *preference < own);
    }
    if records.is_empty() {
        let text = format!(
            "mail for {domain} loops back to this server: its best mail exchanger is {hostname}"
        );
        return Err(Outcome::Failed(local_fault("5.4.6", text)));
    }
    fastrand::shuffle(&mut records);
    records.sort_by_key(|(preference, _)| *preference);
    let mut names: Vec<Box<str>> = Vec::new();
    for (_, name) in records {
        if names.len() < MOST_EXCHANGERS && !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Lower case, without the dot at the end; empty for the root.
fn bare(name: &str) -> Box<str> {
    name.trim_end_matches('.').to_ascii_lowercase().into()
}

/// Whether a stranger's DNS may send us there: not this machine, not our own networks, not everybody at once.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second); // RFC 6598
    let reserved = first == 0 || first >= 240;
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || shared
        || reserved)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // An IPv4 address in IPv6's clothes: mapped, or by NAT64's well-known prefix (RFC 6052).
    let [.., a, b, c, d] = address.octets();
    let embedded = Ipv4Addr::new(a, b, c, d);
    match segments {
        [0, 0, 0, 0, 0, 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => is_public_v4(embedded),
        [0, 0, 0, 0, 0, 0, _, _] => false, // unspecified, loopback, and the long-gone compatible addresses
        [first, ..] => {
            let unique_local = first & 0xfe00 == 0xfc00;
            let local = first & 0xff80 == 0xfe80; // link-local, and site-local of old
            !(unique_local || local || address.is_multicast())
        }
    }
}

/// How long a look-up may take, whatever it leads to.
const ALL_QUESTIONS: Duration = Duration::from_secs(30);
/// Records of an answer that are looked at.
const MOST_RECORDS: usize = 500;
/// Exchangers that are tried in a round.
const MOST_EXCHANGERS: usize = 10;
/// Addresses of a host that are tried in a round.
const MOST_ADDRESSES: usize = 10;

#[cfg(test)]
mod tests;
