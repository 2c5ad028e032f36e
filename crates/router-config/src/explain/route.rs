//! Where mail for a domain goes, and which settings say so.

use std::fmt;

use common_config::name::DomainName;
use common_config::origin::Origin;
use serde::{Serialize, Serializer};

use super::profile::PlacedProfile;
use crate::config::RouterConfig;
use crate::domains::DomainPattern;
use crate::route::NextHop;

/// Where mail for a domain goes, and which settings say so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedRoute {
    /// The domain that was asked about.
    pub domain: DomainName,
    /// The element of `router.internal_domains` that makes it internal; nothing when it is external.
    pub internal: Option<PlacedPattern>,
    /// The key in `router.next_hops` that fixes its next hop.
    pub fixed: Option<PlacedPattern>,
    /// The profile by which copies that go there are signed; nothing when it is internal.
    pub profile: Option<PlacedProfile>,
    /// The next hop.
    pub next_hop: NextHop,
    /// Where `router.internal_next_hop` stands.
    pub(crate) internal_next_hop: Origin,
}

/// A pattern of the settings, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlacedPattern {
    /// The pattern.
    pub pattern: DomainPattern,
    /// Where it stands.
    pub origin: Origin,
}

impl PlacedPattern {
    /// An element of `router.internal_domains`.
    pub(crate) fn of_internal(pattern: &DomainPattern, router: &RouterConfig) -> Self {
        let mut list = router.written().internal_domains.iter();
        let index = list.position(|other| other == pattern);
        let index = index.map(|index| index.to_string()).unwrap_or_default();
        let path = ["router", "internal_domains", &index];
        Self {
            pattern: pattern.clone(),
            origin: router.origins().of(&path),
        }
    }

    /// A key of `router.next_hops`. It is looked for in quotes and without, since a file may hold either, and else its table.
    pub(crate) fn of_hop(pattern: &DomainPattern, router: &RouterConfig) -> Self {
        let text = pattern.to_string();
        let table = ["router", "next_hops"];
        let labels: Vec<&str> = table.into_iter().chain(text.split('.')).collect();
        let quoted = ["router", "next_hops", text.as_str()];
        let origin = [quoted.as_slice(), &labels, &table]
            .into_iter()
            .map(|path| router.origins().of(path))
            .find(|origin| *origin != Origin::Default)
            .unwrap_or(Origin::Default);
        Self {
            pattern: pattern.clone(),
            origin,
        }
    }
}

impl ExplainedRoute {
    /// Whether mail that goes there is signed: what stays inside goes out as it came.
    pub fn is_signed(&self) -> bool {
        self.internal.is_none()
    }
}

impl Serialize for ExplainedRoute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            domain: &'a DomainName,
            internal: bool,
            signed: bool,
            profile: Option<&'a PlacedProfile>,
            next_hop: String,
            internal_domain: Option<&'a PlacedPattern>,
            fixed_by: Option<&'a PlacedPattern>,
        }
        let shown = Shown {
            domain: &self.domain,
            internal: self.internal.is_some(),
            signed: self.is_signed(),
            profile: self.profile.as_ref(),
            next_hop: match &self.next_hop {
                NextHop::Internal(hop) | NextHop::Fixed(hop) => hop.to_string(),
                NextHop::Mx => "mx".to_owned(),
            },
            internal_domain: self.internal.as_ref(),
            fixed_by: self.fixed.as_ref(),
        };
        shown.serialize(serializer)
    }
}

impl fmt::Display for ExplainedRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "To {}: ", self.domain)?;
        match &self.internal {
            Some(PlacedPattern { pattern, origin }) => writeln!(
                f,
                "internal, not signed: router.internal_domains has {pattern} ({origin})"
            )?,
            None => writeln!(f, "external: none of router.internal_domains")?,
        }
        match &self.profile {
            Some(profile) if !profile.name.is_default() => {
                writeln!(f, "  profile:    {profile}")?;
            }
            Some(_) | None => {}
        }
        write!(f, "  next hop:   {}", self.next_hop)?;
        match (&self.next_hop, &self.fixed) {
            (_, Some(PlacedPattern { pattern, origin })) => {
                writeln!(f, ": router.next_hops has {pattern} ({origin})")
            }
            (NextHop::Internal(_), None) => {
                writeln!(f, ": router.internal_next_hop ({})", self.internal_next_hop)
            }
            (NextHop::Fixed(_) | NextHop::Mx, None) => writeln!(f),
        }
    }
}
