//! Groups the recipients of a message by where they go next. Pure.

use std::fmt;

use common_config::name::DomainName;
use common_config::net::HostPort;
use router_config::{NextHop, ProfileName, RouterConfig};

use crate::envelope::Mailbox;

/// Where a copy of a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hop {
    /// The host that the settings name.
    Host(HostPort),
    /// The mail exchangers of a domain.
    Exchangers(DomainName),
}

impl fmt::Display for Hop {
    /// As the log names it: the host with its port, or the domain.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "{host}"),
            Self::Exchangers(domain) => write!(f, "{domain}"),
        }
    }
}

/// Who reads a copy, which decides what stands before the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Our own side: the copy goes as it came, without our signatures.
    Internal,
    /// The outside: the copy carries our signatures of that profile.
    External(ProfileName),
}

/// One copy of a message: a next hop and the recipients whom it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub hop: Hop,
    /// For whom.
    pub audience: Audience,
    /// The recipients' places in the envelope; at least one.
    pub recipients: Vec<usize>,
}

/// Groups those `recipients` whose places are `wanted`, in the order of each group's first recipient. `fixed` is the next hop
/// of all of them, in place of those that the settings give.
#[must_use]
pub fn group(
    router: &RouterConfig,
    recipients: &[Mailbox],
    wanted: &[usize],
    fixed: Option<&HostPort>,
) -> Vec<Route> {
    group_by(recipients, wanted, |domain| {
        let audience = if router.is_internal(domain) {
            Audience::Internal
        } else {
            Audience::External(router.signing_profile(domain).name.clone())
        };
        (hop(router, domain, fixed), audience)
    })
}

/// Where mail for a domain goes next; `fixed` is the next hop of all of it, in place of the one that the settings give.
#[must_use]
pub fn hop(router: &RouterConfig, domain: &DomainName, fixed: Option<&HostPort>) -> Hop {
    match (fixed, router.next_hop(domain)) {
        (Some(host), _) => Hop::Host(host.clone()),
        (None, NextHop::Internal(host) | NextHop::Fixed(host)) => Hop::Host(host),
        (None, NextHop::Mx) => Hop::Exchangers(domain.clone()),
    }
}

fn group_by(
    recipients: &[Mailbox],
    wanted: &[usize],
    way: impl Fn(&DomainName) -> (Hop, Audience),
) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for place in wanted {
        let Some(mailbox) = recipients.get(*place) else {
            continue;
        };
        let (hop, audience) = way(mailbox.domain());
        match routes
            .iter_mut()
            .find(|route| route.hop == hop && route.audience == audience)
        {
            Some(route) => route.recipients.push(*place),
            None => routes.push(Route {
                hop,
                audience,
                recipients: vec![*place],
            }),
        }
    }
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_share_a_copy_when_they_share_a_hop_and_an_audience() {
        let recipients: Vec<Mailbox> = [
            "a@inside.example",
            "b@one.example",
            "c@two.example",
            "d@one.example",
            "e@fixed.example",
            "f@inside.example",
            "g@other.example",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        let host: HostPort = "192.0.2.1:25".parse().unwrap();
        let outside = |profile: &str| Audience::External(profile.parse().unwrap());
        let way = |domain: &DomainName| match domain.as_str() {
            "inside.example" => (Hop::Host(host.clone()), Audience::Internal),
            // The same host, and yet another copy: this one is signed.
            "fixed.example" => (Hop::Host(host.clone()), outside("default")),
            // One host, and two copies: they are signed otherwise.
            "other.example" => (Hop::Host(host.clone()), outside("one-rsa")),
            _ => (Hop::Exchangers(domain.clone()), outside("default")),
        };
        let check = |wanted: &[usize], expected: &[&[usize]]| {
            let routes = group_by(&recipients, wanted, way);
            let places: Vec<&[usize]> = routes
                .iter()
                .map(|route| route.recipients.as_slice())
                .collect();
            assert_eq!(places, expected, "{wanted:?}");
        };
        check(&[0, 1, 2, 3, 4, 5], &[&[0, 5], &[1, 3], &[2], &[4]]);
        check(&[4, 6], &[&[4], &[6]]);
        check(&[3, 5], &[&[3], &[5]]);
        check(&[], &[]);
        check(&[99], &[]); // not a place of this envelope
    }
}
