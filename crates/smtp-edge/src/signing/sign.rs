//! Signs the copies of one message for one profile: a DKIM-Signature for each key whose turn it is, and what becomes of the
//! copies when a key, or the message, is at fault.

use common_config::name::{DomainName, KeyName};
use dkim_core::{Algorithm, BodyHashes, HeaderBlock, SignError, sign_with_hashes};
use router_config::{ProfileName, RouterConfig, SigningInstruction};

use super::keyring::{KeyFault, KeyInForce, Keyring};
use super::plan::{Plan, chosen};
use super::policy::{Consequence, consequence};
use super::profiles::ReadyProfile;
use super::quiet::Quiet;
use super::state::{FaultClass, ProfileSigning, Signatures, Signing, SigningFault, Terms, UsedKey};
use super::unsigned::Unsigned;
use crate::ids::QueueId;
use crate::mail_log::{self, Chain};

/// Signatures that have been made and not been released yet.
#[derive(Debug)]
pub(super) struct Attempt {
    profile: ProfileName,
    terms: Terms,
    domain: Option<DomainName>,
    unsigned: Option<Unsigned>,
    failures: Vec<Failure>,
    pub(super) made: Vec<Made>,
    at: u64,
    expires: Option<u64>,
}

/// One signature.
#[derive(Debug)]
pub(super) struct Made {
    /// The header field.
    pub(super) text: Vec<u8>,
    /// Where verifiers look for the key: its selector below the `d=`.
    pub(super) published: KeyName,
    /// The record that the key itself asks for.
    pub(super) record: String,
    algorithm: Algorithm,
    key: UsedKey,
}

/// What was at fault, and the chain of errors.
#[derive(Debug)]
struct Failure {
    fault: SigningFault,
    why: Box<str>,
}

/// Carries out `plan` for a message whose body has these hashes, at `now`, in seconds since 1970.
pub(super) fn sign(
    plan: &Plan<'_>,
    terms: Terms,
    keyring: &Keyring,
    profile: &ReadyProfile,
    body: &BodyHashes,
    now: u64,
) -> Attempt {
    let mut attempt = Attempt {
        profile: profile.name().clone(),
        terms,
        domain: plan.domain().cloned(),
        unsigned: None,
        failures: Vec::new(),
        made: Vec::new(),
        at: now,
        expires: profile.expires(now),
    };
    match plan {
        Plan::Unsigned(_, why) => attempt.unsigned = Some(*why),
        Plan::Unsignable(why) => attempt.fail(FaultClass::CannotSign, None, why),
        Plan::Refused(sender) => attempt.fail(FaultClass::SenderRule, None, &sender.to_string()),
        Plan::Sign { keys, header, .. } => {
            for (instruction, key) in chosen(keys, keyring, profile) {
                attempt.add(instruction, key, profile, header, body);
            }
            if attempt.made.is_empty() && attempt.failures.is_empty() {
                let why = format!("the profile {} takes none of the keys", profile.name());
                attempt.fail(FaultClass::NoSuitableKey, None, &why);
            }
        }
    }
    attempt
}

impl Attempt {
    /// Signs with one key.
    fn add(
        &mut self,
        instruction: &SigningInstruction,
        key: Result<&KeyInForce, KeyFault>,
        profile: &ReadyProfile,
        header: &HeaderBlock<'_>,
        body: &BodyHashes,
    ) {
        let name = Some(&instruction.key);
        let key = match key {
            Ok(key) => key,
            Err(fault) => return self.fail(fault.class, name, &fault.why),
        };
        let params = profile.params(instruction, self.at);
        match sign_with_hashes(header, body, &params, &key.signing) {
            Ok(signed) => self.made.push(Made {
                text: signed.text,
                published: signed.key,
                record: key.signing.record().to_value(),
                algorithm: signed.algorithm,
                key: UsedKey {
                    name: instruction.key.clone(),
                    fingerprint: key.fingerprint,
                },
            }),
            Err(error) => {
                let class = match &error {
                    SignError::Key { .. } => FaultClass::KeyUnreadable,
                    _ => FaultClass::CannotSign,
                };
                self.fail(class, name, &Chain(&error).to_string());
            }
        }
    }

    fn fail(&mut self, class: FaultClass, key: Option<&KeyName>, why: &str) {
        self.failures.push(Failure {
            fault: SigningFault {
                class,
                domain: self.domain.clone(),
                key: key.cloned(),
            },
            why: why.into(),
        });
    }

    /// Notes that the signature at `place` does not verify.
    pub(super) fn distrust(&mut self, place: usize, class: FaultClass, why: &str) {
        if let Some(made) = self.made.get(place) {
            let key = made.key.name.clone();
            self.fail(class, Some(&key), why);
        }
    }

    /// What becomes of the copies.
    pub(super) fn conclude(mut self, router: &RouterConfig) -> Outcome {
        let failed = self.failures.iter().map(|failure| failure.fault.clone());
        let failed: Vec<SigningFault> = failed.collect();
        // What does not verify by its own record is not sent. What does, is right, whatever the DNS says at the moment.
        self.made.retain(|made| {
            !failed.iter().any(|fault| {
                fault.class == FaultClass::SelfCheckFailed
                    && fault.key.as_ref() == Some(&made.key.name)
            })
        });
        let consequence = consequence(router, &failed);
        let signing = match (consequence.stops(), self.unsigned) {
            (Some(signing), _) => signing,
            (None, Some(_)) => Signing::NotNeeded,
            (None, None) => Signing::Done(Signatures {
                header: self
                    .made
                    .iter()
                    .flat_map(|made| made.text.iter().copied())
                    .collect(),
                keys: self.made.iter().map(|made| made.key.clone()).collect(),
                made: self.at,
                expires: self.expires,
            }),
        };
        let signatures = self.made.iter();
        let signatures = signatures.map(|made| (made.published.domain().clone(), made.algorithm));
        let outcome = Outcome {
            signatures: signatures.collect(),
            record: ProfileSigning {
                profile: self.profile,
                terms: self.terms,
                signing,
            },
            consequence,
            domain: self.domain,
            failures: self.failures,
            unsigned: self.unsigned,
            quiet: None,
        };
        if router.is_quiet() {
            outcome.quieted()
        } else {
            outcome
        }
    }
}

/// What came of the step, and what the log is to tell of it.
#[derive(Debug)]
pub struct Outcome {
    /// What the record keeps.
    pub record: ProfileSigning,
    /// What the policy makes of the failures.
    pub consequence: Consequence,
    /// The domain the message is from, when it has one.
    domain: Option<DomainName>,
    /// Every key, or the message, that was at fault.
    failures: Vec<Failure>,
    /// Why it goes unsigned without any fault.
    pub(super) unsigned: Option<Unsigned>,
    /// The domain and the algorithm of each signature.
    signatures: Vec<(DomainName, Algorithm)>,
    /// What would have become of the message, where nothing may come of it.
    pub(super) quiet: Option<Quiet>,
}

impl Outcome {
    /// The same, with nothing coming of it but what the log says.
    fn quieted(self) -> Self {
        Self {
            quiet: Some(Quiet::of(&self)),
            record: ProfileSigning {
                signing: Signing::NotNeeded,
                ..self.record
            },
            consequence: Consequence::Send,
            ..self
        }
    }

    /// Whether a key, or the message, was at fault.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Writes to the mail log what came of it.
    pub fn log(&self, id: QueueId) {
        let profile = &self.record.profile;
        if let Some(quiet) = &self.quiet {
            let faults: Vec<&SigningFault> =
                self.failures.iter().map(|failure| &failure.fault).collect();
            mail_log::quiet(id, self.domain.as_ref(), quiet, &faults);
            return;
        }
        let consequence = match &self.record.signing {
            Signing::NotNeeded => "sent_unsigned",
            Signing::Done(signatures) if signatures.keys.is_empty() => "sent_unsigned",
            Signing::Done(_) => "sent_with_the_other_signatures",
            Signing::Deferred(_) => "deferred",
            Signing::Refused(_) => "not_sent",
        };
        for Failure { fault, why } in &self.failures {
            mail_log::signing_failed(id, fault, consequence, why);
        }
        let domain = self
            .domain
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        match &self.record.signing {
            Signing::Done(signatures) if !signatures.keys.is_empty() => {
                mail_log::signed(id, profile, &domain, &signatures.keys, &self.signatures);
            }
            Signing::Done(_) => mail_log::unsigned(id, &domain, Unsigned::BestEffort),
            Signing::NotNeeded => {
                if let Some(why) = self.unsigned {
                    mail_log::unsigned(id, &domain, why);
                }
            }
            Signing::Deferred(_) | Signing::Refused(_) => {}
        }
    }

    /// The keys that signed.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyName> {
        match &self.record.signing {
            Signing::Done(signatures) => signatures
                .keys
                .iter()
                .map(|used| used.name.clone())
                .collect(),
            Signing::NotNeeded | Signing::Deferred(_) | Signing::Refused(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
