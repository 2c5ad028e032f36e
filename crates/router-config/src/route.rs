//! Where mail for a domain goes.

use std::fmt;

use common_config::net::HostPort;

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

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(hop) | Self::Fixed(hop) => write!(f, "{hop}"),
            Self::Mx => f.write_str("the domain's mail exchangers (MX)"),
        }
    }
}
