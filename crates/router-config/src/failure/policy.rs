//! The rules for failures brought together: which one decides, and what it says.

use std::collections::BTreeMap;

use common_config::name::DomainName;

use super::{FailureAction, FaultClass, OnFailure, SigningException};
use crate::settings::Enforce;
use crate::signing_mode::SigningMode;

/// The whole policy for failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailurePolicy {
    mode: SigningMode,
    enforce: Enforce,
    everywhere: OnFailure,
    /// The exception of each domain, with its place in the list.
    by_domain: BTreeMap<DomainName, (usize, OnFailure)>,
}

/// The setting that says what becomes of a message over a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureRule {
    /// An element of `signing.exceptions`.
    Exception {
        /// Its place in the list, from 0.
        index: usize,
    },
    /// `signing.on_failure`.
    Everywhere,
    /// `signing.enforce`, under `RouterDKIMSigning=2`.
    Enforce,
    /// `RouterDKIMSigning` alone.
    Mode,
    /// The rule of `router.senders` that refuses the client.
    Sender,
}

impl FailurePolicy {
    /// Brings the settings together, unless two exceptions name one domain; then that domain is the error.
    pub(crate) fn new(
        mode: SigningMode,
        enforce: Enforce,
        everywhere: &OnFailure,
        exceptions: &[SigningException],
    ) -> Result<Self, DomainName> {
        let mut by_domain = BTreeMap::new();
        for (index, exception) in exceptions.iter().enumerate() {
            for domain in &exception.domains {
                let rule = (index, exception.on_failure.clone());
                let earlier = by_domain.insert(domain.clone(), rule);
                if earlier.is_some() {
                    return Err(domain.clone());
                }
            }
        }
        Ok(Self {
            mode,
            enforce,
            everywhere: everywhere.clone(),
            by_domain,
        })
    }

    /// What becomes of a message from `domain` (unknown where the message has none) over a failure of that class, and the
    /// setting that says so.
    pub(crate) fn rule(
        &self,
        domain: Option<&DomainName>,
        class: FaultClass,
    ) -> (FailureAction, FailureRule) {
        match self.mode {
            SigningMode::Off => return self.usual(class),
            SigningMode::BestEffort | SigningMode::Enforce => {}
        }
        let of_domain = domain.and_then(|domain| {
            domain.ancestors().find_map(|domain| {
                let (index, on_failure) = self.by_domain.get(&domain)?;
                Some((on_failure.get(class)?, *index))
            })
        });
        if let Some((action, index)) = of_domain {
            return (action, FailureRule::Exception { index });
        }
        if let Some(action) = self.everywhere.get(class) {
            return (action, FailureRule::Everywhere);
        }
        self.usual(class)
    }

    /// Where no setting of `[signing]` says otherwise.
    fn usual(&self, class: FaultClass) -> (FailureAction, FailureRule) {
        let action = FailureAction::usual(self.mode, self.enforce, class);
        let rule = match (class, action) {
            (FaultClass::SenderRule, _) => FailureRule::Sender,
            (_, FailureAction::Report | FailureAction::Reject) => FailureRule::Enforce,
            (_, FailureAction::Send | FailureAction::Defer) => FailureRule::Mode,
        };
        (action, rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    #[test]
    fn the_most_specific_rule_that_names_the_class_decides() {
        use FailureAction::{Defer, Reject, Report, Send};
        let exception = |domain: &str, on_failure| SigningException {
            domains: vec![name(domain)],
            on_failure,
        };
        let everywhere = OnFailure {
            key_missing: Some(Defer),
            ..OnFailure::default()
        };
        let exceptions = [
            exception(
                "acme.com",
                OnFailure {
                    key_missing: Some(Reject),
                    store_away: Some(Report),
                    ..OnFailure::default()
                },
            ),
            exception(
                "eu.acme.com",
                OnFailure {
                    key_missing: Some(Send),
                    ..OnFailure::default()
                },
            ),
        ];
        let check = |mode, domain: &str, class, expected| {
            let policy = FailurePolicy::new(mode, Enforce::Report, &everywhere, &exceptions);
            let domain = (!domain.is_empty()).then(|| name(domain));
            let (action, _) = policy.unwrap().rule(domain.as_ref(), class);
            assert_eq!(action, expected, "{mode:?} {domain:?} {class:?}");
        };
        use FaultClass::{CannotSign, KeyMissing, KeyRevoked, StoreAway};
        let enforce = SigningMode::Enforce;
        check(enforce, "other.com", KeyMissing, Defer);
        check(enforce, "other.com", KeyRevoked, Report);
        check(enforce, "other.com", StoreAway, Defer);
        check(enforce, "acme.com", KeyMissing, Reject);
        check(enforce, "us.acme.com", KeyMissing, Reject);
        check(enforce, "a.eu.acme.com", KeyMissing, Send);
        check(enforce, "eu.acme.com", StoreAway, Report); // from the domain above
        check(enforce, "notacme.com", KeyMissing, Defer);
        check(enforce, "", CannotSign, Report);
        check(SigningMode::BestEffort, "acme.com", KeyMissing, Reject);
        check(SigningMode::BestEffort, "acme.com", KeyRevoked, Send);
        check(SigningMode::Off, "acme.com", KeyMissing, Send);
    }

    #[test]
    fn a_domain_has_one_exception() {
        let exception = SigningException {
            domains: vec![name("acme.com"), name("ACME.com")],
            ..SigningException::default()
        };
        let policy = FailurePolicy::new(
            SigningMode::Enforce,
            Enforce::Report,
            &OnFailure::default(),
            &[exception],
        );
        assert_eq!(policy.unwrap_err(), name("acme.com"));
    }
}
