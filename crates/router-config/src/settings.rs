//! The sections `[router]` and `[signing]` of `smtp-edge.toml`, as they are written. What they mean together is
//! decided by the router configuration as it is loaded.

use std::num::NonZeroUsize;

use common_config::net::HostPort;
use common_config::units::Duration;
use serde::Deserialize;

use crate::certificate::CertificateFingerprint;
use crate::domains::DomainPattern;
use crate::failure::{OnFailure, SigningException};
use crate::mailbox::LocalMailbox;
use crate::network::Network;
use crate::next_hops::NextHops;
use crate::senders::SenderRule;
use crate::signing_profile::{HeaderNames, ProfileSettings, SignatureAlgorithm};

/// `[router]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouterSettings {
    /// The domains whose mail goes to the internal next hop, unsigned: `acme.com`, or `*.acme.com` for all below it.
    pub internal_domains: Vec<DomainPattern>,
    /// The server that takes mail for internal domains, and our reports.
    pub internal_next_hop: Option<HostPort>,
    /// Who reads mail to `postmaster` (RFC 5321 §4.5.1).
    pub postmaster: Option<LocalMailbox>,
    /// From where clients may send through us; loopback by default.
    pub relay_networks: Vec<Network>,
    /// Whether every user who authenticates may.
    pub relay_authenticated: bool,
    /// The client certificates whose holders may.
    pub relay_certificates: Vec<CertificateFingerprint>,
    /// Whether every holder of a certificate may that the authority for client certificates has issued.
    pub relay_certificate_authority: bool,
    /// Which clients may sign for which domains; whoever is not named, for all.
    pub senders: Vec<SenderRule>,
    /// Domains whose mail goes to a fixed server in place of their mail exchangers.
    pub next_hops: NextHops,
}

impl Default for RouterSettings {
    fn default() -> Self {
        Self {
            internal_domains: Vec::new(),
            internal_next_hop: None,
            postmaster: None,
            relay_networks: Network::loopback().to_vec(),
            relay_authenticated: true,
            relay_certificates: Vec::new(),
            relay_certificate_authority: false,
            senders: Vec::new(),
            next_hops: NextHops::default(),
        }
    }
}

/// `[signing]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SigningSettings {
    /// RSA keys of fewer bits are not signed with; 1024 is the least that RFC 8301 §3.2 allows.
    pub rsa_minimum_bits: u32,
    /// What becomes of a message that cannot be signed, under `RouterDKIMSigning=2`.
    pub enforce: Enforce,
    /// The same for each class of failure, in both modes; what is unset follows the mode.
    pub on_failure: OnFailure,
    /// Other rules for mail from some domains.
    pub exceptions: Vec<SigningException>,
    /// Whether everything is done but to sign, hold back or refuse mail: the log says what would have become of it.
    pub quiet: bool,
    /// Keys of other algorithms do not sign; all do when unset.
    pub algorithms: Option<Vec<SignatureAlgorithm>>,
    /// The most signatures of one message: those of the first keys that a line names. All of them when unset.
    pub max_signatures: Option<NonZeroUsize>,
    /// How long a signature is good for (`x=`); for ever when unset.
    pub expire_after: Option<Duration>,
    /// Which header fields are covered.
    pub headers: HeaderNames,
    /// The same four for some destinations.
    pub profiles: Vec<ProfileSettings>,
    /// Which messages are verified before they are sent.
    pub self_check: SelfCheck,
    /// With `self_check = "sample"`: one in so many.
    pub self_check_one_in: NonZeroUsize,
    /// Whether `d=` is the alias's own domain, so that DMARC counts it as aligned. The primary's public key must then
    /// be published below the alias as well.
    pub aligned_aliases: bool,
}

impl Default for SigningSettings {
    fn default() -> Self {
        Self {
            rsa_minimum_bits: 1024,
            enforce: Enforce::Report,
            on_failure: OnFailure::default(),
            exceptions: Vec::new(),
            quiet: false,
            algorithms: None,
            max_signatures: None,
            expire_after: None,
            headers: HeaderNames::default(),
            profiles: Vec::new(),
            self_check: SelfCheck::Sample,
            self_check_one_in: const { NonZeroUsize::new(100).unwrap() },
            aligned_aliases: false,
        }
    }
}

/// Which messages are verified, by the key's own record and by the published one, before they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfCheck {
    /// None.
    Off,
    /// One in so many, and the first after each change of the keys or the settings.
    Sample,
    /// All.
    All,
}

/// What becomes of a message that must be signed and cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforce {
    /// It is taken, and its sender gets a non-delivery report, as Domino does.
    Report,
    /// It is refused at the end of its data, for upstream servers that report better.
    Reject,
}
