//! Why the router's settings cannot be used.

use std::fmt;

use common_config::layers::Origins;
use common_config::name::DomainName;
use common_config::origin::Origin;

use crate::network::Network;
use crate::signing_mode::SigningModeError;
use crate::signing_profile::ProfileName;
use crate::signing_table::SigningTableError;

/// Settings with which the relay does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouterConfigError {
    /// Required settings are not there.
    #[error(
        "required settings are missing; without them nobody could be sent a report: {}",
        Lines(settings)
    )]
    Missing {
        /// Those that are not.
        settings: Vec<Required>,
    },
    /// Everyone could send through us.
    #[error(
        "an open relay: router.relay_networks trusts all or most addresses with {}: list only your own networks",
        Lines(networks)
    )]
    OpenRelay {
        /// What makes it one.
        networks: Vec<OpenNetwork>,
    },
    /// A rule about nobody.
    #[error("{place} names nobody: add identities, certificates or networks, or take the rule out")]
    SenderNobody {
        /// Where the rule is.
        place: SenderPlace,
    },
    /// A rule that does not say for what.
    #[error(
        "{place} has no domains: add domains = [\"acme.com\", \"*.acme.com\"], what its clients' mail may be \
         from, or domains = [] for nothing"
    )]
    SenderDomains {
        /// Where the rule is.
        place: SenderPlace,
    },
    /// Two exceptions for one domain.
    #[error(
        "signing.exceptions: the domain {domain} stands in two of them: bring what they say together in one"
    )]
    ExceptionTwice {
        /// The domain.
        domain: DomainName,
    },
    /// Two profiles of one name, or one that is called as `[signing]` itself is.
    #[error(
        "signing.profiles: two profiles are called {name} (`[signing]` itself is called default): give one another name"
    )]
    ProfileTwice {
        /// The name.
        name: ProfileName,
    },
    /// One destination in two profiles.
    #[error("signing.profiles: {destination} stands in two of them: leave it in one")]
    DestinationTwice {
        /// The recipient domain or next hop.
        destination: String,
    },
    /// A profile with which nothing signs.
    #[error(
        "the signing profile {name} names no algorithm: take `algorithms` out for all, or name rsa-sha256 or ed25519-sha256"
    )]
    NoAlgorithm {
        /// Whose.
        name: ProfileName,
    },
    /// RSA keys that are too short, or more than verifiers must accept.
    #[error(
        "signing.rsa_minimum_bits: found {bits}, expected 1024 to 4096 (RFC 8301 §3.2): 1024 allows every key that may sign"
    )]
    RsaMinimum {
        /// What was asked for.
        bits: u32,
    },
    /// `RouterDKIMSigning` means nothing.
    #[error("the signing mode cannot be told")]
    Mode(#[from] SigningModeError),
    /// The `DKIM_KEY_…` lines cannot be used.
    #[error("the signing keys cannot be told")]
    Table(#[from] SigningTableError),
}

impl RouterConfigError {
    /// The same, with the places of the settings that it speaks of, where it does not know them already.
    #[must_use]
    pub fn located(self, origins: &Origins) -> Self {
        match self {
            Self::OpenRelay { networks } => Self::OpenRelay {
                networks: networks
                    .into_iter()
                    .map(|open| OpenNetwork {
                        origin: Some(origins.of(&[
                            "router",
                            "relay_networks",
                            &open.index.to_string(),
                        ])),
                        ..open
                    })
                    .collect(),
            },
            Self::SenderNobody { place } => Self::SenderNobody {
                place: place.located(origins),
            },
            Self::SenderDomains { place } => Self::SenderDomains {
                place: place.located(origins),
            },
            Self::Missing { .. }
            | Self::ExceptionTwice { .. }
            | Self::ProfileTwice { .. }
            | Self::DestinationTwice { .. }
            | Self::NoAlgorithm { .. }
            | Self::RsaMinimum { .. }
            | Self::Mode(_)
            | Self::Table(_) => self,
        }
    }
}

/// A network of `router.relay_networks` that helps to trust everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenNetwork {
    /// The network.
    pub network: Network,
    /// Its place in the list, from 0.
    pub index: usize,
    /// Where it stands, once [`RouterConfigError::located`] has looked.
    pub origin: Option<Origin>,
}

impl fmt::Display for OpenNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{} ({origin})", self.network),
            None => write!(f, "{}", self.network),
        }
    }
}

/// An element of `router.senders`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SenderPlace {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Where it stands, once [`RouterConfigError::located`] has looked.
    pub origin: Option<Origin>,
}

impl SenderPlace {
    pub(crate) fn new(index: usize) -> Self {
        let origin = None;
        Self { index, origin }
    }

    fn located(self, origins: &Origins) -> Self {
        let index = self.index.to_string();
        let origin = Some(origins.of(&["router", "senders", &index]));
        Self { origin, ..self }
    }
}

impl fmt::Display for SenderPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: router.senders[{}]", self.index),
            None => write!(f, "router.senders[{}]", self.index),
        }
    }
}

/// A setting that must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Required {
    /// `router.internal_domains`.
    InternalDomains,
    /// `router.internal_next_hop`.
    InternalNextHop,
    /// `router.postmaster`.
    Postmaster,
}

impl fmt::Display for Required {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InternalDomains => {
                "add to [router] internal_domains = [\"acme.com\"], the domains of your own users"
            }
            Self::InternalNextHop => {
                "add to [router] internal_next_hop = \"mail.acme.com:25\", their mail server"
            }
            Self::Postmaster => {
                "add to [router] postmaster = \"postmaster@acme.com\", who reads mail to postmaster"
            }
        })
    }
}

/// Things with `; ` between them.
struct Lines<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Lines<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            let before = if index == 0 { "" } else { "; " };
            write!(f, "{before}{item}")?;
        }
        Ok(())
    }
}
