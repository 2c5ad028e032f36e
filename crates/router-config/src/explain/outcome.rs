//! What becomes of mail for the outside, by the condition of the keys that are to sign it, and the settings that say so.
//!
//! The decision is the failure policy's, as in the server; here its reasons are put together with it.

use std::fmt;

use common_config::layers::Origins;
use common_config::name::{DomainName, KeyName};
use common_config::origin::Origin;
use serde::Serialize;

use super::Unsigned;
use super::key::{ExplainedKey, KeyCondition};
use super::sender::PlacedSenderRule;
use crate::failure::{FailureAction, FailureRule, FaultClass};
use crate::fate::Fate;
use crate::senders::Otherwise;
use crate::signing_mode::SigningMode;
use crate::signing_policy::SigningPolicy;
use crate::signing_profile::SigningProfile;

/// What becomes of a message for external recipients, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExplainedOutcome {
    /// In a sentence.
    pub sent: String,
    /// In one word; in quiet mode what would become of it.
    pub fate: Fate,
    /// The keys that sign it; in quiet mode those that would.
    pub signed_by: Vec<KeyName>,
    /// Where `signing.quiet` stands, when it is on and lets the message pass unsigned.
    pub quiet: Option<Origin>,
    /// The fault that decides, when a key or the message is at fault.
    pub on_failure: Option<DecidingFault>,
}

/// A fault, and the setting that says what it means for the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DecidingFault {
    /// What sort of fault it is.
    pub class: FaultClass,
    /// The key that is at fault; nothing when it is the message.
    pub key: Option<KeyName>,
    /// What it means for the message.
    pub action: FailureAction,
    /// The setting that says so.
    pub setting: String,
    /// Where it stands.
    pub origin: Origin,
}

impl ExplainedOutcome {
    /// Of mail that nobody asks to sign.
    pub(super) fn left_unsigned(why: Unsigned) -> Self {
        Self {
            sent: match why {
                Unsigned::Off => "unsigned: RouterDKIMSigning is off",
                Unsigned::NoEntry => "unsigned: no DKIM_KEY_ line covers the domain",
            }
            .to_owned(),
            fate: Fate::LeaveUnsigned,
            signed_by: Vec::new(),
            quiet: None,
            on_failure: None,
        }
    }

    /// Of a message that does not say which domain it is from.
    pub(super) fn without_identity(policy: &SigningPolicy, origins: &Origins) -> Self {
        match policy.mode() {
            SigningMode::Off => Self::left_unsigned(Unsigned::Off),
            SigningMode::BestEffort | SigningMode::Enforce => {
                let class = FaultClass::CannotSign;
                let fault = DecidingFault::new(policy, origins, None, (None, class));
                Self::new(policy, origins, Vec::new(), Some(fault))
            }
        }
    }

    /// Of mail that its client may not have signed, by this rule.
    pub(super) fn of_sender(
        policy: &SigningPolicy,
        origins: &Origins,
        (otherwise, rule): (Otherwise, &PlacedSenderRule),
    ) -> Self {
        match otherwise {
            Otherwise::Unsigned => Self {
                sent: match policy.mode() {
                    SigningMode::Off => return Self::left_unsigned(Unsigned::Off),
                    SigningMode::BestEffort | SigningMode::Enforce => {
                        format!("unsigned: {rule}, and not for this domain")
                    }
                },
                ..Self::left_unsigned(Unsigned::NoEntry)
            },
            Otherwise::Refuse => {
                let fault = DecidingFault {
                    class: FaultClass::SenderRule,
                    key: None,
                    action: FailureAction::Reject,
                    setting: rule.setting(),
                    origin: rule.origin.clone(),
                };
                Self::new(policy, origins, Vec::new(), Some(fault))
            }
        }
    }

    /// Of mail from `domain` that these keys are to sign, as far as the profile of its destination takes them.
    pub(super) fn of_keys(
        policy: &SigningPolicy,
        profile: &SigningProfile,
        origins: &Origins,
        domain: &DomainName,
        keys: &[ExplainedKey],
    ) -> Self {
        let (mut active, mut faults) = (Vec::new(), Vec::new());
        for key in profile.chosen(keys.iter(), |key| key.condition.algorithm()) {
            match key.condition {
                KeyCondition::Active(_) => active.push(key.name.clone()),
                KeyCondition::Faulty { class, .. } => faults.push((Some(&key.name), class)),
            }
        }
        if active.is_empty() && faults.is_empty() {
            faults.push((None, FaultClass::NoSuitableKey));
        }
        let strictest = policy.strictest(Some(domain), &faults, |(_, class)| *class);
        let on_failure =
            strictest.map(|(_, fault)| DecidingFault::new(policy, origins, Some(domain), *fault));
        Self::new(policy, origins, active, on_failure)
    }

    fn new(
        policy: &SigningPolicy,
        origins: &Origins,
        active: Vec<KeyName>,
        on_failure: Option<DecidingFault>,
    ) -> Self {
        let action = on_failure.as_ref().map(|fault| fault.action);
        let fate = Fate::of(action, active.len());
        let signed_by = match fate {
            Fate::Sign | Fate::SignPartly => active,
            Fate::SendUnsigned
            | Fate::LeaveUnsigned
            | Fate::Defer
            | Fate::Report
            | Fate::Reject => Vec::new(),
        };
        let quiet = policy.settings().quiet;
        let quiet = quiet.then(|| origins.of(&["signing", "quiet"]));
        let sent = sentence(fate, &signed_by, on_failure.as_ref());
        Self {
            sent: match &quiet {
                Some(origin) => {
                    format!("unsigned: signing.quiet is on ({origin}); without it: {sent}")
                }
                None => sent,
            },
            fate,
            signed_by,
            quiet,
            on_failure,
        }
    }
}

fn sentence(fate: Fate, signed_by: &[KeyName], fault: Option<&DecidingFault>) -> String {
    let keys: Vec<String> = signed_by.iter().map(ToString::to_string).collect();
    let keys = keys.join(", ");
    let because = match fault.map(|fault| (&fault.key, fault.class)) {
        Some((Some(key), class)) => format!("{key} is {}", class.condition()),
        Some((None, class)) => class.explanation().to_owned(),
        None => String::new(),
    };
    match fate {
        Fate::Sign => format!("signed by {keys}"),
        Fate::SignPartly => format!("signed by {keys} alone: {because}"),
        Fate::SendUnsigned | Fate::LeaveUnsigned => match fault {
            Some(DecidingFault { key: None, .. }) => {
                format!("unsigned: {because}, and the failure policy sends it")
            }
            Some(_) | None => {
                "unsigned: no key can sign, and the failure policy sends it".to_owned()
            }
        },
        Fate::Defer => format!("held back and tried again: {because}"),
        Fate::Report => format!("not sent, and its sender gets a non-delivery report: {because}"),
        Fate::Reject => format!("refused at the end of its data: {because}"),
    }
}

impl DecidingFault {
    fn new(
        policy: &SigningPolicy,
        origins: &Origins,
        domain: Option<&DomainName>,
        (key, class): (Option<&KeyName>, FaultClass),
    ) -> Self {
        let (action, rule) = policy.failure_rule(domain, class);
        let (setting, origin) = place(rule, class, policy, origins);
        Self {
            class,
            key: key.cloned(),
            action,
            setting,
            origin,
        }
    }
}

/// The name of the setting that a rule is, and where it stands.
fn place(
    rule: FailureRule,
    class: FaultClass,
    policy: &SigningPolicy,
    origins: &Origins,
) -> (String, Origin) {
    let class = class.label();
    let mode = || {
        let origin = policy.mode_origin().cloned();
        let name = SigningMode::SETTING.to_owned();
        (name, origin.unwrap_or(Origin::Default))
    };
    match rule {
        FailureRule::Exception { index } => {
            let number = index.to_string();
            let path = ["signing", "exceptions", &number, "on_failure", class];
            let name = format!("signing.exceptions[{index}].on_failure.{class}");
            (name, origins.of(&path))
        }
        FailureRule::Everywhere => {
            let name = format!("signing.on_failure.{class}");
            (name, origins.of(&["signing", "on_failure", class]))
        }
        FailureRule::Enforce => match origins.of(&["signing", "enforce"]) {
            Origin::Default => mode(),
            origin => ("signing.enforce".to_owned(), origin),
        },
        FailureRule::Mode => mode(),
        FailureRule::Sender => {
            let name = "router.senders".to_owned();
            (name, origins.of(&["router", "senders"]))
        }
    }
}

impl ExplainedOutcome {
    /// Writes it for the recipients that `whom` names.
    pub(super) fn show(&self, whom: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "To {whom}: {}", self.sent)?;
        match &self.on_failure {
            Some(fault) => writeln!(f, "  on failure: {fault}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ExplainedOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show("external recipients", f)
    }
}

impl fmt::Display for DecidingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, action) = (self.class.label(), self.action.label());
        write!(
            f,
            "{class} means {action}: {} ({})",
            self.setting, self.origin
        )
    }
}

#[cfg(test)]
mod tests {
    use common_config::layers::{Layers, Loaded};
    use serde::Deserialize;

    use super::*;
    use crate::settings::SigningSettings;
    use crate::signing_profile::SignatureAlgorithm;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Settings {
        signing: SigningSettings,
    }

    /// What becomes of mail from eu.acme.com whose keys s1, s2… have these faults, under settings of the command line.
    fn check(settings: &[(&str, &str)], faults: &[Option<FaultClass>], expected: &str) {
        let layers = settings.iter().fold(Layers::new(), |layers, (key, value)| {
            layers.set(key, *value)
        });
        let loaded: Loaded<Settings> = layers.extract().unwrap();
        let policy = SigningPolicy::load(&loaded.settings.signing, &loaded.notes).unwrap();
        let algorithm = SignatureAlgorithm::Ed25519Sha256;
        let key = |(number, fault): (usize, &Option<FaultClass>)| ExplainedKey {
            name: format!("s{}._domainkey.acme.com", number + 1)
                .parse()
                .unwrap(),
            condition: match *fault {
                None => KeyCondition::Active(algorithm),
                Some(class) => KeyCondition::Faulty {
                    class,
                    why: String::new(),
                },
            },
            algorithm: None,
            fingerprint: None,
        };
        let keys: Vec<ExplainedKey> = faults.iter().enumerate().map(key).collect();
        let outcome = match keys.as_slice() {
            [] => ExplainedOutcome::without_identity(&policy, &loaded.origins),
            keys => {
                let domain = "eu.acme.com".parse().unwrap();
                let profile = policy.default_profile();
                ExplainedOutcome::of_keys(&policy, profile, &loaded.origins, &domain, keys)
            }
        };
        let found = format!("{}: {outcome}", outcome.fate.label());
        let found = found.replace("To external recipients: ", "");
        assert_eq!(found.trim_end(), expected, "{settings:?}");
    }

    #[test]
    fn an_outcome_names_the_setting_that_decides() {
        use FaultClass::{KeyMissing, KeyRevoked, StoreAway};
        let effort = ("notes.RouterDKIMSigning", "1");
        let enforce = ("notes.RouterDKIMSigning", "2");
        let (good, gone) = (None, Some(KeyMissing));
        check(
            &[enforce],
            &[good, good],
            "sign: signed by s1._domainkey.acme.com, s2._domainkey.acme.com",
        );
        check(
            &[effort],
            &[good, gone],
            "sign_partly: signed by s1._domainkey.acme.com alone: s2._domainkey.acme.com is missing\n  \
             on failure: key_missing means send: RouterDKIMSigning (command line)",
        );
        check(
            &[enforce],
            &[Some(StoreAway), gone],
            "report: not sent, and its sender gets a non-delivery report: s2._domainkey.acme.com is missing\n  \
             on failure: key_missing means report: RouterDKIMSigning (command line)",
        );
        check(
            &[enforce, ("signing.enforce", "reject")],
            &[good, Some(KeyRevoked)],
            "reject: refused at the end of its data: s2._domainkey.acme.com is revoked\n  \
             on failure: key_revoked means reject: signing.enforce (command line)",
        );
        let everywhere = ("signing.on_failure.key_missing", "defer");
        check(
            &[effort, everywhere],
            &[gone],
            "defer: held back and tried again: s1._domainkey.acme.com is missing\n  \
             on failure: key_missing means defer: signing.on_failure.key_missing (command line)",
        );
        check(
            &[enforce, ("signing.max_signatures", "1")],
            &[good, gone],
            "sign: signed by s1._domainkey.acme.com",
        );
        check(
            &[enforce, ("signing.algorithms", "[\"rsa-sha256\"]")],
            &[good],
            "report: not sent, and its sender gets a non-delivery report: no signing key has an algorithm that the \
             destination takes\n  \
             on failure: no_suitable_key means report: RouterDKIMSigning (command line)",
        );
        let exception = "[{domains = [\"acme.com\"], on_failure = {key_missing = \"send\"}}]";
        let exception = ("signing.exceptions", exception);
        check(
            &[enforce, everywhere, exception, ("signing.quiet", "true")],
            &[gone],
            "send_unsigned: unsigned: signing.quiet is on (command line); without it: unsigned: no key can sign, and the \
             failure policy sends it\n  \
             on failure: key_missing means send: signing.exceptions[0].on_failure.key_missing (command line)",
        );
    }

    #[test]
    fn a_message_without_identity_meets_the_same_policy() {
        check(
            &[],
            &[],
            "leave_unsigned: unsigned: RouterDKIMSigning is off",
        );
        let effort = ("notes.RouterDKIMSigning", "1");
        check(
            &[effort],
            &[],
            "send_unsigned: unsigned: the message cannot be signed as it is, and the failure policy sends it\n  \
             on failure: cannot_sign means send: RouterDKIMSigning (command line)",
        );
        check(
            &[
                effort,
                ("signing.on_failure.cannot_sign", "reject"),
                ("signing.quiet", "true"),
            ],
            &[],
            "reject: unsigned: signing.quiet is on (command line); without it: refused at the end of its data: the \
             message cannot be signed as it is\n  \
             on failure: cannot_sign means reject: signing.on_failure.cannot_sign (command line)",
        );
    }
}
