//! `[[router.senders]]`: which clients may sign for which domains.
//!
//! A rule names clients, and the domains that mail from them may be from. It binds those whom it names: outside the domains
//! of all rules that name a client, its mail is refused or goes unsigned, and is never signed. A client that no rule names
//! is free. The domain that is tested is the one that chooses the key, [`crate::identity`]'s; the envelope is not asked,
//! since forwarded mail and reports have another sender there, or none, and no key is chosen by it.

use std::fmt;

use common_config::name::DomainName;
use common_config::user_name::UserName;
use serde::Deserialize;

use crate::certificate::CertificateFingerprint;
use crate::client::Client;
use crate::domains::DomainPattern;
use crate::error::{RouterConfigError, SenderPlace};
use crate::network::Network;

/// An element of `[[router.senders]]`, as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SenderRule {
    /// It names clients that have authenticated as one of these,
    pub identities: Vec<UserName>,
    /// those that hold one of these certificates,
    pub certificates: Vec<CertificateFingerprint>,
    /// and those that connect from one of these networks.
    pub networks: Vec<Network>,
    /// What their mail may be from: `acme.com` is that domain alone, `*.acme.com` every domain below it. It must be there;
    /// an empty list is none at all.
    pub domains: Option<Vec<DomainPattern>>,
    /// What becomes of other mail from them.
    pub otherwise: Otherwise,
}

/// What becomes of mail from a domain that its client may not sign for. Later ones are stricter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// It goes without a signature.
    Unsigned,
    /// It is refused.
    #[default]
    Refuse,
}

/// The rules, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SenderRules(Vec<SenderRule>);

/// Whether a client may sign for a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenderDecision {
    /// No rule names the client: it may sign for any domain.
    Free,
    /// A rule that names it has the domain.
    Within,
    /// Rules name it, and none of them has the domain.
    Outside(Otherwise),
}

/// Whether a client may sign for a domain, and which rules say so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedSender {
    /// What is decided.
    pub decision: SenderDecision,
    /// The domain that was asked about; nothing when the message has none.
    pub domain: Option<DomainName>,
    /// Every rule that names the client, in the order of the settings.
    pub rules: Vec<ExplainedSenderRule>,
}

/// A rule that names the client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedSenderRule {
    /// Its place in `router.senders`, from 0.
    pub index: usize,
    /// By what it names the client.
    pub by: NamedBy,
    /// The element of its `domains` that has the domain.
    pub pattern: Option<DomainPattern>,
    /// What it does with other mail.
    pub otherwise: Otherwise,
}

/// By what a rule names a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedBy {
    /// The user as whom it has authenticated.
    Identity(UserName),
    /// The certificate that it holds.
    Certificate(CertificateFingerprint),
    /// The network that it connects from.
    Network(Network),
}

impl SenderRules {
    /// Takes rules that name somebody and say for what.
    pub(crate) fn new(rules: &[SenderRule]) -> Result<Self, RouterConfigError> {
        for (index, rule) in rules.iter().enumerate() {
            if rule.identities.is_empty()
                && rule.certificates.is_empty()
                && rule.networks.is_empty()
            {
                let place = SenderPlace::new(index);
                return Err(RouterConfigError::SenderNobody { place });
            }
            if rule.domains.is_none() {
                let place = SenderPlace::new(index);
                return Err(RouterConfigError::SenderDomains { place });
            }
        }
        Ok(Self(rules.to_vec()))
    }

    /// Whether `client` may sign for `domain`. A message without a usable From is from none, and so outside of all.
    pub(crate) fn explain(&self, client: &Client, domain: Option<&DomainName>) -> ExplainedSender {
        let naming = self.0.iter().enumerate().filter_map(|(index, rule)| {
            Some(ExplainedSenderRule {
                index,
                by: rule.names(client)?,
                pattern: domain.and_then(|domain| rule.pattern(domain)).cloned(),
                otherwise: rule.otherwise,
            })
        });
        let rules: Vec<ExplainedSenderRule> = naming.collect();
        let decision = match rules.iter().map(|rule| rule.otherwise).max() {
            None => SenderDecision::Free,
            Some(_) if rules.iter().any(|rule| rule.pattern.is_some()) => SenderDecision::Within,
            Some(strictest) => SenderDecision::Outside(strictest),
        };
        ExplainedSender {
            decision,
            domain: domain.cloned(),
            rules,
        }
    }
}

impl SenderRule {
    /// By what it names `client`, if it does.
    fn names(&self, client: &Client) -> Option<NamedBy> {
        let identity = client.identity.as_ref();
        let identity = identity.filter(|user| self.identities.contains(user));
        let certificate = client.certificate.map(|held| held.fingerprint);
        let certificate = certificate.filter(|held| self.certificates.contains(held));
        let mut networks = self.networks.iter();
        identity
            .map(|user| NamedBy::Identity(user.clone()))
            .or_else(|| certificate.map(NamedBy::Certificate))
            .or_else(|| {
                let network = networks.find(|network| network.contains(client.address))?;
                Some(NamedBy::Network(*network))
            })
    }

    fn pattern(&self, domain: &DomainName) -> Option<&DomainPattern> {
        let mut patterns = self.domains.iter().flatten();
        patterns.find(|pattern| pattern.matches(domain))
    }
}

impl ExplainedSender {
    /// The rule that decides: the first that has the domain, or the first of the strictest that do not. None names a
    /// client that is free.
    #[must_use]
    pub fn rule(&self) -> Option<&ExplainedSenderRule> {
        self.rules.iter().find(|rule| match self.decision {
            SenderDecision::Free => false,
            SenderDecision::Within => rule.pattern.is_some(),
            SenderDecision::Outside(otherwise) => rule.otherwise == otherwise,
        })
    }
}

impl Otherwise {
    /// Its name in the settings.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(user) => write!(f, "the user {user}"),
            Self::Certificate(fingerprint) => write!(f, "the certificate {fingerprint}"),
            Self::Network(network) => write!(f, "the network {network}"),
        }
    }
}

impl fmt::Display for ExplainedSenderRule {
    /// The rule and whom it names, without its place in a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "router.senders[{}] names {}", self.index, self.by)
    }
}

impl fmt::Display for ExplainedSender {
    /// One line, for the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rule) = self.rule() else {
            return f.write_str(
                "no rule of router.senders names the client: it may sign for any domain",
            );
        };
        write!(f, "{rule}")?;
        match (&rule.pattern, &self.domain) {
            (Some(pattern), _) => write!(f, " and has {pattern}"),
            (None, Some(domain)) => write!(f, ", and no rule that names the client has {domain}"),
            (None, None) => f.write_str(", and the message is from no domain that can be told"),
        }
    }
}

#[cfg(test)]
mod tests;
