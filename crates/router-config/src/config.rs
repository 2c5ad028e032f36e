//! The router's configuration: the settings, checked against each other, and the questions that they answer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use common_config::name::{DomainName, KeyName};
use common_config::net::HostPort;
use common_config::notes_ini::NotesEntry;
use common_config::units::Duration;

use crate::domains::DomainPattern;
use crate::error::{Required, RouterConfigError};
use crate::explain::{Explanation, explain};
use crate::failure::{FailureAction, FailurePolicy, FaultClass};
use crate::mailbox::LocalMailbox;
use crate::next_hops::NextHops;
use crate::relay::RelayNetworks;
use crate::route::NextHop;
use crate::settings::{RouterSettings, SigningSettings};
use crate::signing_mode::SigningMode;
use crate::signing_table::{SigningRule, SigningTable};
use crate::warning::{self, Warning};

/// What the router does with mail: the same question has the same answer as long as it lives.
#[derive(Debug, Clone)]
pub struct RouterConfig {
    internal_domains: BTreeSet<DomainPattern>,
    internal_next_hop: HostPort,
    postmaster: LocalMailbox,
    relay: RelayNetworks,
    next_hops: NextHops,
    mode: SigningMode,
    table: SigningTable,
    failures: FailurePolicy,
    signing: SigningSettings,
    warnings: Vec<Warning>,
}

/// What is done with mail from a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningDecision {
    /// These keys sign.
    Sign(SigningRule),
    /// No `DKIM_KEY_…` line covers the domain: the mail goes unsigned, in both modes.
    NoEntry,
    /// Nothing is signed.
    Off,
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
        if !(1024..=4096).contains(&signing.rsa_minimum_bits) {
            let bits = signing.rsa_minimum_bits;
            return Err(RouterConfigError::RsaMinimum { bits });
        }
        let mode = SigningMode::load(notes)?;
        let table = SigningTable::load(notes, signing.aligned_aliases)?;
        let failures = FailurePolicy::new(
            mode,
            signing.enforce,
            &signing.on_failure,
            &signing.exceptions,
        )
        .map_err(|domain| RouterConfigError::ExceptionTwice { domain })?;
        let relay = RelayNetworks::new(&router.relay_networks)
            .map_err(|networks| RouterConfigError::OpenRelay { networks })?;
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
            next_hops: router.next_hops.clone(),
            mode,
            table,
            failures,
            signing: signing.clone(),
            warnings: Vec::new(),
        };
        config.warnings = config.find_warnings(notes);
        Ok(config)
    }

    /// Whether mail is signed, and what an error costs.
    pub fn signing_mode(&self) -> SigningMode {
        self.mode
    }

    /// Which keys sign for which domain.
    pub fn signing_table(&self) -> &SigningTable {
        &self.table
    }

    /// What is done with mail whose From is in `domain`.
    pub fn resolve(&self, domain: &DomainName) -> SigningDecision {
        match self.mode {
            SigningMode::Off => SigningDecision::Off,
            SigningMode::BestEffort | SigningMode::Enforce => match self.table.rule(domain) {
                Some(rule) => SigningDecision::Sign(rule),
                None => SigningDecision::NoEntry,
            },
        }
    }

    /// Why that is done.
    pub fn explain(&self, domain: &DomainName) -> Explanation {
        explain(self.mode, &self.table, domain)
    }

    /// Whether mail for `domain` stays inside.
    pub fn is_internal(&self, domain: &DomainName) -> bool {
        DomainPattern::candidates(domain).any(|pattern| self.internal_domains.contains(&pattern))
    }

    /// Whether a client at `address` may send through us.
    pub fn may_relay(&self, address: IpAddr) -> bool {
        self.relay.contain(address)
    }

    /// Where mail for `domain` goes.
    pub fn next_hop(&self, domain: &DomainName) -> NextHop {
        let fixed = self.next_hops.get(domain).cloned();
        match (self.is_internal(domain), fixed) {
            (true, Some(hop)) => NextHop::Internal(hop),
            (true, None) => NextHop::Internal(self.internal_next_hop.clone()),
            (false, Some(hop)) => NextHop::Fixed(hop),
            (false, None) => NextHop::Mx,
        }
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
        self.table.key_names()
    }

    /// What becomes of a message from `domain`, where that is known, over a failure of that class.
    pub fn on_failure(&self, domain: Option<&DomainName>, class: FaultClass) -> FailureAction {
        self.failures.action(domain, class)
    }

    /// Whether nothing may come of signing but a word in the log.
    pub fn is_quiet(&self) -> bool {
        self.signing.quiet
    }

    /// RSA keys of fewer bits are not signed with.
    pub fn rsa_minimum_bits(&self) -> u32 {
        self.signing.rsa_minimum_bits
    }

    /// How long a signature is good for; for ever when nothing.
    pub fn expire_after(&self) -> Option<Duration> {
        self.signing.expire_after
    }

    /// What is allowed, and probably not meant.
    pub fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }

    fn find_warnings(&self, notes: &[NotesEntry]) -> Vec<Warning> {
        let mut warnings = warning::about_signing(self.mode, &self.table, notes);
        warnings.extend(
            self.relay
                .wide()
                .map(|network| Warning::WideNetwork { network: *network }),
        );
        if self.is_quiet() && self.mode != SigningMode::Off {
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
