//! What the policy in force asks of a message's copies for one profile, and whether an outcome on record still is that: two
//! pure questions, so that the step is run again where it must be and nowhere else.
//!
//! Before all else stands whether the client that handed the message in may have it signed. That is asked by the envelope's
//! source, and so anew whenever the message is: no signature leaves that its client may not use by the rules of the day.

use aws_lc_rs::digest::{Context, SHA256};
use common_config::name::DomainName;
use dkim_core::{Field, HeaderBlock, HeaderError};
use router_config::identity::signing_identity;
use router_config::{
    ExplainedSender, FaultClass, Otherwise, RouterConfig, SenderDecision, SigningDecision,
    SigningInstruction, SigningMode,
};

use super::keyring::{KeyFault, KeyInForce, Keyring};
use super::profiles::{ReadyProfile, setting};
use super::replay::Occasion;
use super::state::{ProfileSigning, Signatures, Signing, Terms};
use super::unsigned::Unsigned;
use crate::envelope::Source;
use crate::mail_log::Chain;

/// What is asked.
pub(super) enum Plan<'a> {
    /// No signature, and why.
    Unsigned(Option<DomainName>, Unsigned),
    /// Signatures, which the message cannot have, and why.
    Unsignable(String),
    /// That the message does not go at all: a rule of `router.senders` refuses it.
    Refused(ExplainedSender),
    /// Signatures over this header, by the first of these keys that the profile takes.
    Sign {
        /// The domain that the message is from.
        domain: DomainName,
        /// The keys, in the order of the line.
        keys: Vec<SigningInstruction>,
        /// The header as it will leave.
        header: &'a HeaderBlock<'a>,
    },
}

impl<'a> Plan<'a> {
    /// Reads whom the message is from, and asks the policy.
    pub(super) fn new(
        router: &RouterConfig,
        source: &Source,
        header: Result<&'a HeaderBlock<'a>, &HeaderError>,
    ) -> Self {
        let identity = identity(header);
        let domain = identity.as_ref().ok().map(|(domain, _)| domain);
        let is_off = router.signing_mode() == SigningMode::Off;
        match may_sign(router, source, domain) {
            Err(sender) if sender.decision == SenderDecision::Outside(Otherwise::Refuse) => {
                return Self::Refused(sender);
            }
            Err(sender) if !is_off => {
                return Self::Unsigned(sender.domain, Unsigned::SenderRule);
            }
            Ok(()) | Err(_) => {}
        }
        if is_off {
            return Self::Unsigned(None, Unsigned::SigningOff);
        }
        let (domain, header) = match identity {
            Ok(found) => found,
            Err(why) => return Self::Unsignable(why),
        };
        match router.resolve(&domain) {
            SigningDecision::Sign(rule) => Self::Sign {
                domain,
                keys: rule.keys,
                header,
            },
            SigningDecision::NoEntry => Self::Unsigned(Some(domain), Unsigned::NoEntry),
            SigningDecision::Off => Self::Unsigned(Some(domain), Unsigned::SigningOff),
        }
    }

    /// The domain that the message is from, where that is known.
    pub(super) fn domain(&self) -> Option<&DomainName> {
        match self {
            Self::Unsigned(domain, _) => domain.as_ref(),
            Self::Unsignable(_) => None,
            Self::Refused(sender) => sender.domain.as_ref(),
            Self::Sign { domain, .. } => Some(domain),
        }
    }

    /// A digest of what is asked, with all else that the policy says about such a message. It is compared by the program
    /// that made it and by later ones; where they put it otherwise, mail in the queue is signed once more.
    pub(super) fn terms(&self, router: &RouterConfig, profile: &ReadyProfile) -> Terms {
        let policy = router.signing_policy();
        let actions = FaultClass::ALL.map(|class| policy.on_failure(self.domain(), class).label());
        let (mode, quiet) = (router.signing_mode(), router.is_quiet());
        let asked = match self {
            Self::Unsigned(domain, why) => format!("{domain:?} {why:?}"),
            Self::Unsignable(why) => format!("{why:?}"),
            Self::Refused(sender) => sender.to_string(),
            Self::Sign { domain, keys, .. } => format!("{domain:?} {keys:?}"),
        };
        let mut context = Context::new(&SHA256);
        context.update(profile.digest());
        context.update(format!("{mode:?} {quiet} {actions:?} {asked}").as_bytes());
        let mut terms = [0; 16];
        for (octet, from) in terms.iter_mut().zip(context.finish().as_ref()) {
            *octet = *from;
        }
        Terms(terms)
    }

    /// Why the step is to be run again for an outcome on record, at `now`; nothing when it stands.
    pub(super) fn occasion(
        &self,
        record: &ProfileSigning,
        terms: Terms,
        keyring: &Keyring,
        profile: &ReadyProfile,
        now: u64,
    ) -> Option<Occasion> {
        match &record.signing {
            Signing::Deferred(_) => Some(Occasion::Deferred),
            _ if record.terms != terms => Some(Occasion::PolicyChanged),
            Signing::NotNeeded | Signing::Refused(_) => None,
            Signing::Done(signatures) => match self {
                Self::Sign { keys, .. } if keys_changed(signatures, keys, keyring, profile) => {
                    Some(Occasion::KeysChanged)
                }
                _ if is_stale(signatures, now) => Some(Occasion::Stale),
                Self::Sign { .. } | Self::Unsigned(..) | Self::Unsignable(_) | Self::Refused(_) => {
                    None
                }
            },
        }
    }
}

/// The domain that a message is from, with its header, or why it has none.
fn identity<'a>(
    header: Result<&'a HeaderBlock<'a>, &HeaderError>,
) -> Result<(DomainName, &'a HeaderBlock<'a>), String> {
    let header = header.map_err(|error| Chain(error).to_string())?;
    let values = |name| -> Vec<&[u8]> { header.named(name).map(Field::body).collect() };
    match signing_identity(&values("From"), &values("Sender")) {
        Ok(domain) => Ok((domain, header)),
        Err(error) => Err(Chain(&error).to_string()),
    }
}

/// Whether the rules for senders let a message from `domain` be signed. Our own reports are free.
fn may_sign(
    router: &RouterConfig,
    source: &Source,
    domain: Option<&DomainName>,
) -> Result<(), ExplainedSender> {
    let client = match source {
        Source::Client { client, .. } => client,
        Source::Ourselves => return Ok(()),
    };
    let sender = router.explain_sender(client, domain);
    match sender.decision {
        SenderDecision::Free | SenderDecision::Within => Ok(()),
        SenderDecision::Outside(_) => Err(sender),
    }
}

/// The keys whose turn it is, with their faults, in the order of the line.
pub(super) fn chosen<'a>(
    keys: &'a [SigningInstruction],
    keyring: &'a Keyring,
    profile: &'a ReadyProfile,
) -> impl Iterator<Item = (&'a SigningInstruction, Result<&'a KeyInForce, KeyFault>)> {
    let found = keys.iter().map(|one| (one, keyring.key(&one.key)));
    profile.settings.chosen(found, |(_, key)| {
        key.as_ref()
            .ok()
            .map(|key| setting(key.signing.algorithm()))
    })
}

/// Whether a key that would sign has not, or one has that is no longer to be used. One that is out of reach for now, or that
/// cannot be read, leaves the signature that it has made as good as it was.
fn keys_changed(
    signatures: &Signatures,
    keys: &[SigningInstruction],
    keyring: &Keyring,
    profile: &ReadyProfile,
) -> bool {
    chosen(keys, keyring, profile).any(|(instruction, key)| {
        let used = signatures
            .keys
            .iter()
            .find(|used| used.name == instruction.key);
        match key {
            Ok(key) => used.is_none_or(|used| used.fingerprint != key.fingerprint),
            Err(fault) => used.is_some() && is_withdrawn(fault.class),
        }
    })
}

/// Whether what a key has signed is not to leave any more.
fn is_withdrawn(class: FaultClass) -> bool {
    match class {
        FaultClass::KeyRevoked | FaultClass::KeyMissing | FaultClass::KeyTooShort => true,
        FaultClass::StoreAway
        | FaultClass::NekAway
        | FaultClass::KeyUnreadable
        | FaultClass::NoSuitableKey
        | FaultClass::CannotSign
        | FaultClass::SelfCheckFailed
        | FaultClass::PublishedKeyMismatch
        | FaultClass::SenderRule => false,
    }
}

/// Whether verifiers may refuse the signatures for their times: made in the future, by a clock that has been set back since,
/// or about to expire.
fn is_stale(signatures: &Signatures, now: u64) -> bool {
    if signatures.keys.is_empty() {
        return false;
    }
    let made_later = signatures.made > now.saturating_add(CLOCK_SKEW);
    let expires_soon = signatures.expires.is_some_and(|expires| {
        let lifetime = expires.saturating_sub(signatures.made);
        now.saturating_add(ON_THE_WAY.min(lifetime / 2)) >= expires
    });
    made_later || expires_soon
}

/// Seconds that clocks may differ by.
const CLOCK_SKEW: u64 = 300;
/// Seconds that a signature must still be good for when it leaves; half its lifetime where that is shorter.
const ON_THE_WAY: u64 = 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::state::UsedKey;

    #[test]
    fn signatures_grow_stale() {
        let check = |made: u64, expires: Option<u64>, now: u64, expected: bool| {
            let signatures = Signatures {
                keys: vec![UsedKey {
                    name: "s._domainkey.acme.com".parse().unwrap(),
                    fingerprint: [0; 32],
                }],
                header: Vec::new(),
                made,
                expires,
            };
            assert_eq!(
                is_stale(&signatures, now),
                expected,
                "{made} {expires:?} {now}"
            );
        };
        check(1_000, None, 1_000_000, false);
        check(1_000, None, 700, false); // a clock that is a little behind
        check(1_000, None, 699, true); // one that was set back
        let week = 7 * 86_400;
        check(0, Some(week), 0, false);
        check(0, Some(week), week - 3_601, false);
        check(0, Some(week), week - 3_600, true);
        check(0, Some(week), week + 1, true);
        check(0, Some(60), 29, false); // a lifetime shorter than the way
        check(0, Some(60), 30, true);
    }
}
