//! Where mail for a domain goes.

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
