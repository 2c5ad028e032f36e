//! Where mail for a domain goes.

use std::fmt;

use common_config::name::DomainName;
use common_config::net::HostPort;

use crate::domains::DomainPattern;

/// The next hop of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextHop {
    /// A server of our own: the domain is internal, and its mail goes out as it came.
    Internal(HostPort),
    /// A fixed server, for an external domain.
    Fixed(HostPort),
    /// The domain's mail exchangers.
    Mx,
}

/// Where mail for a domain goes, and which settings say so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedRoute {
    /// The domain that was asked about.
    pub domain: DomainName,
    /// The element of `router.internal_domains` that makes it internal; nothing when it is external.
    pub internal: Option<DomainPattern>,
    /// The key in `router.next_hops` that fixes its next hop.
    pub fixed: Option<DomainPattern>,
    /// The next hop.
    pub next_hop: NextHop,
}

impl ExplainedRoute {
    /// Whether mail that goes there is signed: what stays inside goes out as it came.
    pub fn is_signed(&self) -> bool {
        self.internal.is_none()
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(hop) | Self::Fixed(hop) => write!(f, "{hop}"),
            Self::Mx => f.write_str("the domain's mail exchangers (MX)"),
        }
    }
}
