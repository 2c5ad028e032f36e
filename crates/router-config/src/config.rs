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
use crate::mailbox::LocalMailbox;
use crate::next_hops::NextHops;
use crate::relay::RelayNetworks;
use crate::route::NextHop;
use crate::settings::{Enforce, RouterSettings, SigningSettings};
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

    /// What becomes of a message that must be signed and cannot be.
    pub fn enforce(&self) -> Enforce {
        self.signing.enforce
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
mod tests {
    use std::path::Path;

    use common_config::notes_ini::NotesIni;

    use super::*;

    fn router() -> RouterSettings {
        RouterSettings {
            internal_domains: vec!["acme.com".parse().unwrap(), "*.acme.com".parse().unwrap()],
            internal_next_hop: Some("mail.acme.com:25".parse().unwrap()),
            postmaster: Some("postmaster@acme.com".parse().unwrap()),
            next_hops: [("eu.acme.com", "eu:25"), ("partner.net", "192.0.2.1")]
                .map(|(domain, hop)| (domain.parse().unwrap(), hop.parse().unwrap()))
                .into_iter()
                .collect(),
            ..RouterSettings::default()
        }
    }

    fn load(router: &RouterSettings, ini: &str) -> Result<RouterConfig, RouterConfigError> {
        let ini = NotesIni::parse(Path::new("notes.ini"), ini.as_bytes()).unwrap();
        RouterConfig::load(router, &SigningSettings::default(), ini.entries())
    }

    #[test]
    fn each_domain_has_its_next_hop() {
        let config = load(&router(), "").unwrap();
        let hop = |text: &str| text.parse::<HostPort>().unwrap();
        for (domain, expected) in [
            ("acme.com", NextHop::Internal(hop("mail.acme.com:25"))),
            ("us.acme.com", NextHop::Internal(hop("mail.acme.com:25"))),
            ("eu.acme.com", NextHop::Internal(hop("eu:25"))),
            ("partner.net", NextHop::Fixed(hop("192.0.2.1:25"))),
            ("other.org", NextHop::Mx),
            ("notacme.com", NextHop::Mx),
        ] {
            assert_eq!(
                config.next_hop(&domain.parse().unwrap()),
                expected,
                "{domain}"
            );
        }
    }

    #[test]
    fn what_is_required_is_asked_for_all_at_once() {
        let error = load(&RouterSettings::default(), "")
            .unwrap_err()
            .to_string();
        for part in ["internal_domains =", "internal_next_hop =", "postmaster ="] {
            assert!(error.contains(part), "{error}");
        }
        let only = RouterSettings {
            postmaster: None,
            ..router()
        };
        let error = load(&only, "").unwrap_err().to_string();
        assert!(
            error.contains("postmaster =") && !error.contains("internal_domains"),
            "{error}"
        );
    }

    #[test]
    fn an_open_relay_does_not_load() {
        let open = RouterSettings {
            relay_networks: vec!["10.0.0.0/8".parse().unwrap(), "0.0.0.0/0".parse().unwrap()],
            ..router()
        };
        let error = load(&open, "").unwrap_err().to_string();
        assert!(
            error.contains("open relay") && error.contains("with 0.0.0.0/0:"),
            "{error}"
        );
    }

    #[test]
    fn the_mode_decides_whether_the_table_is_asked() {
        let decision = |ini: &str, domain: &str| {
            load(&router(), ini)
                .unwrap()
                .resolve(&domain.parse().unwrap())
        };
        let keys = "DKIM_KEY_acme.com=1\n";
        assert_eq!(decision(keys, "acme.com"), SigningDecision::Off);
        assert_eq!(
            decision(&format!("{keys}RouterDKIMSigning=0"), "acme.com"),
            SigningDecision::Off
        );
        for mode in [1, 2] {
            let ini = format!("{keys}RouterDKIMSigning={mode}");
            assert!(
                matches!(decision(&ini, "eu.acme.com"), SigningDecision::Sign(rule) if rule.keys.len() == 1)
            );
            assert_eq!(decision(&ini, "other.org"), SigningDecision::NoEntry);
        }
    }

    #[test]
    fn what_is_probably_not_meant_is_said() {
        let warnings = |router: &RouterSettings, ini: &str| -> Vec<String> {
            let config = load(router, ini).unwrap();
            config.warnings().iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            warnings(&router(), "RouterDKIMSigning=1\nDKIM_KEY_acme.com=1\n"),
            Vec::<String>::new()
        );
        for (ini, part) in [
            ("DKIM_KEY_acme.com=1\n", "nothing is signed"),
            ("RouterDKIMSigning=2\n", "no DKIM_KEY_ line names a key"),
            (
                "RouterDKIMSigning=1\nDKIM_KEY_com=1\n",
                "notes.ini:2: com is a public suffix",
            ),
            (
                "RouterDKIMSigning=1\nDKIM_KEY_a.net=acme.com;1\n",
                "d=acme.com for mail from a.net",
            ),
            (
                "RouterDKIMSigning=1\nDKIM_KEY_a.net=1\nDKIM_KEY_A.net=1\n",
                "notes.ini:3: the line repeats notes.ini:2",
            ),
            (
                "RouterDKIMSigning=1\nDKIM_KEY_a.net=1\nDKIM-KEY_b.net=1\n",
                "DKIM-KEY_b.net is no setting",
            ),
        ] {
            let found = warnings(&router(), ini);
            assert!(
                found.iter().any(|warning| warning.contains(part)),
                "{ini}: {found:?}"
            );
        }
        let outside = RouterSettings {
            postmaster: Some("me@elsewhere.org".parse().unwrap()),
            relay_networks: vec!["10.0.0.0/7".parse().unwrap()],
            ..router()
        };
        let found = warnings(&outside, "").join("\n");
        assert!(
            found.contains("me@elsewhere.org") && found.contains("10.0.0.0/7"),
            "{found}"
        );
    }

    #[test]
    fn short_keys_are_never_allowed() {
        let signing = SigningSettings {
            rsa_minimum_bits: 512,
            ..SigningSettings::default()
        };
        let error = RouterConfig::load(&router(), &signing, &[]).unwrap_err();
        assert!(error.to_string().contains("found 512"), "{error}");
    }
}
