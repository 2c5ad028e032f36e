//! The router's configuration: the settings, checked against each other, and the questions that they answer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use common_config::layers::Origins;
use common_config::name::{DomainName, KeyName};
use common_config::net::HostPort;
use common_config::notes_ini::NotesEntry;

use crate::client::Client;
use crate::domains::DomainPattern;
use crate::error::{OpenNetwork, Required, RouterConfigError};
use crate::explain::{
    ClientMail, ExplainedClient, ExplainedRoute, Explanation, PlacedPattern, PlacedProfile,
};
use crate::mailbox::LocalMailbox;
use crate::network::Network;
use crate::next_hops::NextHops;
use crate::relay::{RelayGrant, RelayPolicy};
use crate::route::NextHop;
use crate::senders::{ExplainedSender, SenderDecision, SenderRules};
use crate::settings::{RouterSettings, SigningSettings};
use crate::signing_mode::SigningMode;
use crate::signing_policy::{SigningDecision, SigningPolicy};
use crate::signing_profile::SigningProfile;
use crate::signing_table::SigningTable;
use crate::warning::{self, Warning};

/// What the router does with mail: the same question has the same answer as long as it lives.
#[derive(Debug, Clone)]
pub struct RouterConfig {
    internal_domains: BTreeSet<DomainPattern>,
    internal_next_hop: HostPort,
    postmaster: LocalMailbox,
    relay: RelayPolicy,
    senders: SenderRules,
    next_hops: NextHops,
    signing: SigningPolicy,
    warnings: Vec<Warning>,
    /// `[router]` as it is written, and where: for explanations.
    written: RouterSettings,
    origins: Origins,
}

impl RouterConfig {
    /// Checks the settings, for a relay: internal domains, their next hop and the postmaster must be there, and not
    /// everyone may send through it.
    ///
    /// # Errors
    ///
    /// [`RouterConfigError`], which says what to change where.
    pub fn load(
        router: &RouterSettings,
        signing: &SigningSettings,
        notes: &[NotesEntry],
    ) -> Result<Self, RouterConfigError> {
        let signing = SigningPolicy::load(signing, notes)?;
        let relay = RelayPolicy::new(router).map_err(|networks| open_relay(router, &networks))?;
        let (Some(internal_next_hop), Some(postmaster), false) = (
            router.internal_next_hop.clone(),
            router.postmaster.clone(),
            router.internal_domains.is_empty(),
        ) else {
            return Err(missing(router));
        };
        let mut config = Self {
            internal_domains: router.internal_domains.iter().cloned().collect(),
            internal_next_hop,
            postmaster,
            relay,
            senders: SenderRules::new(&router.senders)?,
            next_hops: router.next_hops.clone(),
            signing,
            warnings: Vec::new(),
            written: router.clone(),
            origins: Origins::default(),
        };
        config.warnings = config.find_warnings(notes);
        Ok(config)
    }

    /// The same, with the places that explanations are to name.
    #[must_use]
    pub fn with_origins(self, origins: Origins) -> Self {
        Self { origins, ..self }
    }

    /// `[router]`, as it is written.
    pub(crate) fn written(&self) -> &RouterSettings {
        &self.written
    }

    /// Where the settings stand; nowhere unless that was said.
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// Who signs for whom.
    pub fn signing_policy(&self) -> &SigningPolicy {
        &self.signing
    }

    /// Whether mail is signed, and what an error costs.
    pub fn signing_mode(&self) -> SigningMode {
        self.signing.mode()
    }

    /// Which keys sign for which domain.
    pub fn signing_table(&self) -> &SigningTable {
        self.signing.table()
    }

    /// What is done with mail whose From is in `domain`.
    pub fn resolve(&self, domain: &DomainName) -> SigningDecision {
        self.signing.resolve(domain)
    }

    /// Why that is done.
    pub fn explain(&self, domain: &DomainName) -> Explanation {
        self.signing.explain(domain)
    }

    /// Whether mail for `domain` stays inside.
    pub fn is_internal(&self, domain: &DomainName) -> bool {
        self.internal_pattern(domain).is_some()
    }

    /// Whether `client` may send through us.
    pub fn may_relay(&self, client: &Client) -> bool {
        self.relay_grant(client).is_some()
    }

    /// The setting because of which `client` may send through us; nothing when it may not.
    pub fn relay_grant(&self, client: &Client) -> Option<RelayGrant> {
        self.relay.grant(client)
    }

    /// The network because of which any client at `address` may send through us.
    pub fn relay_network(&self, address: IpAddr) -> Option<&Network> {
        self.relay.networks.network_of(address)
    }

    /// Whether mail that `client` hands in may be signed for `domain`, the one that it is from; nothing when that cannot
    /// be told.
    pub fn sender_decision(&self, client: &Client, domain: Option<&DomainName>) -> SenderDecision {
        self.explain_sender(client, domain).decision
    }

    /// Whether it may, and which rules say so.
    pub fn explain_sender(&self, client: &Client, domain: Option<&DomainName>) -> ExplainedSender {
        self.senders.explain(client, domain)
    }

    /// What `client` may do, and which settings say so; with the domain that its mail is from, where that is asked about.
    pub fn explain_client(&self, client: &Client, mail: ClientMail<'_>) -> ExplainedClient {
        ExplainedClient::new(self, client, mail)
    }

    /// Where mail for `domain` goes.
    pub fn next_hop(&self, domain: &DomainName) -> NextHop {
        self.hop(self.internal_pattern(domain), self.next_hops.find(domain))
    }

    /// Where mail for `domain` goes, and which settings say so.
    pub fn explain_route(&self, domain: &DomainName) -> ExplainedRoute {
        let internal = self.internal_pattern(domain);
        let fixed = self.next_hops.find(domain);
        let profile = || {
            let profile = self.signing_profile(domain);
            PlacedProfile::of(profile, &self.signing, &self.origins)
        };
        ExplainedRoute {
            domain: domain.clone(),
            internal: internal.map(|pattern| PlacedPattern::of_internal(pattern, self)),
            fixed: fixed.map(|(pattern, _)| PlacedPattern::of_hop(pattern, self)),
            profile: internal.is_none().then(profile),
            next_hop: self.hop(internal, fixed),
            internal_next_hop: self.origins.of(&["router", "internal_next_hop"]),
        }
    }

    /// The next hop of a domain that these settings are about.
    fn hop(
        &self,
        internal: Option<&DomainPattern>,
        fixed: Option<(&DomainPattern, &HostPort)>,
    ) -> NextHop {
        match (internal, fixed) {
            (Some(_), Some((_, hop))) => NextHop::Internal(hop.clone()),
            (Some(_), None) => NextHop::Internal(self.internal_next_hop.clone()),
            (None, Some((_, hop))) => NextHop::Fixed(hop.clone()),
            (None, None) => NextHop::Mx,
        }
    }

    fn internal_pattern(&self, domain: &DomainName) -> Option<&DomainPattern> {
        DomainPattern::candidates(domain).find_map(|pattern| self.internal_domains.get(&pattern))
    }

    /// The server that takes mail for internal domains, and our reports.
    pub fn internal_next_hop(&self) -> &HostPort {
        &self.internal_next_hop
    }

    /// Who reads mail to `postmaster`: `local@domain`.
    pub fn postmaster(&self) -> &str {
        self.postmaster.as_str()
    }

    /// All keys that may be asked to sign.
    pub fn key_names(&self) -> BTreeSet<KeyName> {
        self.signing.table().key_names()
    }

    /// Whether nothing may come of signing but a word in the log.
    pub fn is_quiet(&self) -> bool {
        self.signing.settings().quiet
    }

    /// How signatures are made for recipients in `domain`.
    pub fn signing_profile(&self, domain: &DomainName) -> &SigningProfile {
        let fixed = self.next_hops.find(domain).map(|(_, hop)| hop);
        self.signing.profile(domain, fixed)
    }

    /// What is allowed, and probably not meant.
    pub fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }

    fn find_warnings(&self, notes: &[NotesEntry]) -> Vec<Warning> {
        let mut warnings = warning::about_signing(self.signing.mode(), self.signing.table(), notes);
        warnings.extend(
            self.relay
                .networks
                .wide()
                .map(|network| Warning::WideNetwork { network: *network }),
        );
        if self.is_quiet() && self.signing.mode() != SigningMode::Off {
            warnings.push(Warning::Quiet);
        }
        if !self.is_internal(self.postmaster.domain()) {
            warnings.push(Warning::PostmasterOutside {
                mailbox: self.postmaster.to_string(),
            });
        }
        warnings
    }
}

fn open_relay(router: &RouterSettings, networks: &[Network]) -> RouterConfigError {
    let listed = router.relay_networks.iter().enumerate();
    let open = listed.filter(|(_, network)| networks.contains(network));
    let networks = open.map(|(index, network)| OpenNetwork {
        network: *network,
        index,
        origin: None,
    });
    RouterConfigError::OpenRelay {
        networks: networks.collect(),
    }
}

fn missing(router: &RouterSettings) -> RouterConfigError {
    let required = [
        (
            router.internal_domains.is_empty(),
            Required::InternalDomains,
        ),
        (
            router.internal_next_hop.is_none(),
            Required::InternalNextHop,
        ),
        (router.postmaster.is_none(), Required::Postmaster),
    ];
    let settings = required
        .into_iter()
        .filter_map(|(is_missing, setting)| is_missing.then_some(setting));
    RouterConfigError::Missing {
        settings: settings.collect(),
    }
}

#[cfg(test)]
mod tests;
