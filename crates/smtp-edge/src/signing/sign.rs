//! Signs one message: the domain of its From, the keys of that domain, a DKIM-Signature for each.

use common_config::name::{DomainName, KeyName};
use dkim_core::{Algorithm, HeaderBlock, SignError, SignatureParams, Signer, SigningKey};
use router_config::identity::signing_identity;
use router_config::{RouterConfig, SigningDecision, SigningMode};

use super::keyring::Keyring;
use super::policy::{Consequence, consequence};
use super::quiet::Quiet;
use super::state::{FaultClass, Signing, SigningFault};
use super::unsigned::Unsigned;
use crate::ids::QueueId;
use crate::mail_log::{self, Chain};

/// What the step reads of a message.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// The whole header as it will leave, with the fields that we added, without the empty line.
    pub header: &'a [u8],
    /// What stands after the colon of each From field.
    pub from: &'a [&'a [u8]],
    /// What stands after the colon of each Sender field.
    pub sender: &'a [&'a [u8]],
    /// The body, every line ended by CRLF.
    pub body: &'a [u8],
}

/// When a signature is made, and until when it holds.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Seconds since 1970.
    pub now: u64,
    /// Seconds after which the signature expires (`x=`), when it does.
    pub expire_after: Option<u64>,
}

/// What came of the step, and what the log is to tell of it.
#[derive(Debug)]
pub struct Outcome {
    /// What the record keeps.
    pub signing: Signing,
    /// What the policy makes of the failures.
    pub consequence: Consequence,
    /// The domain the message is from, when it has one.
    domain: Option<DomainName>,
    /// Every key, or the message, that was at fault, and the chain of errors.
    failures: Vec<(SigningFault, Box<str>)>,
    /// Why it goes unsigned without any fault.
    pub(super) unsigned: Option<Unsigned>,
    /// The domain and the algorithm of each signature.
    signatures: Vec<(DomainName, Algorithm)>,
    /// What would have become of the message, where nothing may come of it.
    pub(super) quiet: Option<Quiet>,
}

/// Runs the step for a message that has external recipients.
#[must_use]
pub fn sign(
    router: &RouterConfig,
    keyring: &Keyring,
    message: Signable<'_>,
    moment: Moment,
) -> Outcome {
    if router.signing_mode() == SigningMode::Off {
        return Outcome::unsigned(None, Unsigned::SigningOff);
    }
    let domain = match signing_identity(message.from, message.sender) {
        Ok(domain) => domain,
        Err(error) => return Outcome::unsignable(router, None, Chain(&error).to_string()),
    };
    let rule = match router.resolve(&domain) {
        SigningDecision::Sign(rule) => rule,
        SigningDecision::NoEntry => {
            return Outcome::unsigned(Some(domain), Unsigned::NoEntry);
        }
        SigningDecision::Off => return Outcome::unsigned(Some(domain), Unsigned::SigningOff),
    };
    let mut signers: Vec<(SignatureParams, SigningKey)> = Vec::with_capacity(rule.keys.len());
    let mut names = Vec::with_capacity(rule.keys.len());
    let mut signatures = Vec::with_capacity(rule.keys.len());
    let mut failures = Vec::new();
    for instruction in &rule.keys {
        match keyring.key(&instruction.key) {
            Ok(key) => {
                let selector = instruction.key.selector().clone();
                let mut params = SignatureParams::new(instruction.signing_domain.clone(), selector)
                    .timestamp(moment.now);
                if let Some(seconds) = moment.expire_after {
                    params = params.expires(moment.now.saturating_add(seconds));
                }
                signers.push((params, key.clone()));
                names.push(instruction.key.clone());
                signatures.push((instruction.signing_domain.clone(), key.algorithm()));
            }
            Err(fault) => failures.push((
                SigningFault {
                    class: fault.class,
                    domain: Some(domain.clone()),
                    key: Some(instruction.key.clone()),
                },
                fault.why,
            )),
        }
    }
    let faults: Vec<SigningFault> = failures.iter().map(|(fault, _)| fault.clone()).collect();
    let consequence = consequence(router, &faults);
    let signing = match consequence.stops() {
        Some(signing) => signing,
        None => match make(message, signers) {
            Ok(header) => Signing::Done {
                header,
                keys: names,
            },
            Err(error) => {
                return Outcome::unsignable(router, Some(domain), Chain(&error).to_string());
            }
        },
    };
    Outcome {
        signing,
        consequence,
        domain: Some(domain),
        failures,
        unsigned: None,
        signatures,
        quiet: None,
    }
}

/// The DKIM-Signature fields, one after the other.
fn make(
    message: Signable<'_>,
    signers: Vec<(SignatureParams, SigningKey)>,
) -> Result<Vec<u8>, SignError> {
    if signers.is_empty() {
        return Ok(Vec::new());
    }
    let (header, _) = HeaderBlock::parse(message.header)?;
    let mut signer = Signer::new(&header, signers)?;
    signer.update(message.body)?;
    Ok(signer
        .finish()?
        .into_iter()
        .flat_map(|signature| signature.text)
        .collect())
}

impl Outcome {
    /// Nothing leaves for external domains, so there is nothing to sign.
    #[must_use]
    pub fn not_needed() -> Self {
        Self {
            signing: Signing::NotNeeded,
            consequence: Consequence::Send,
            domain: None,
            failures: Vec::new(),
            unsigned: None,
            signatures: Vec::new(),
            quiet: None,
        }
    }

    /// It goes without a signature, and nothing is at fault.
    #[must_use]
    pub fn unsigned(domain: Option<DomainName>, why: Unsigned) -> Self {
        Self {
            signing: Signing::NotNeeded,
            consequence: Consequence::Send,
            domain,
            failures: Vec::new(),
            unsigned: Some(why),
            signatures: Vec::new(),
            quiet: None,
        }
    }

    /// The message itself is at fault.
    fn unsignable(router: &RouterConfig, domain: Option<DomainName>, why: String) -> Self {
        let fault = SigningFault {
            class: FaultClass::CannotSign,
            domain: domain.clone(),
            key: None,
        };
        let consequence = consequence(router, std::slice::from_ref(&fault));
        let signing = consequence.stops().unwrap_or(Signing::Done {
            header: Vec::new(),
            keys: Vec::new(),
        });
        Self {
            signing,
            consequence,
            domain,
            failures: vec![(fault, why.into())],
            unsigned: None,
            signatures: Vec::new(),
            quiet: None,
        }
    }

    /// A rule refuses the message, whatever the policy for failures says.
    #[must_use]
    pub fn refused(fault: SigningFault, why: Box<str>) -> Self {
        Self {
            signing: Signing::Refused(fault.clone()),
            consequence: Consequence::Reject(fault.clone()),
            domain: fault.domain.clone(),
            failures: vec![(fault, why)],
            unsigned: None,
            signatures: Vec::new(),
            quiet: None,
        }
    }

    /// The same, with nothing coming of it but what the log says.
    #[must_use]
    pub fn quieted(self) -> Self {
        Self {
            quiet: Some(Quiet::of(&self)),
            signing: Signing::NotNeeded,
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
        if let Some(quiet) = &self.quiet {
            let faults: Vec<&SigningFault> = self.failures.iter().map(|(fault, _)| fault).collect();
            mail_log::quiet(id, self.domain.as_ref(), quiet, &faults);
            return;
        }
        let consequence = match &self.signing {
            Signing::NotNeeded => "sent_unsigned",
            Signing::Done { keys, .. } if keys.is_empty() => "sent_unsigned",
            Signing::Done { .. } => "sent_with_the_other_signatures",
            Signing::Deferred(_) => "deferred",
            Signing::Refused(_) => "not_sent",
        };
        for (fault, why) in &self.failures {
            mail_log::signing_failed(id, fault, consequence, why);
        }
        let domain = self
            .domain
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        match &self.signing {
            Signing::Done { keys, .. } if !keys.is_empty() => {
                mail_log::signed(id, &domain, keys, &self.signatures);
            }
            Signing::Done { .. } => mail_log::unsigned(id, &domain, Unsigned::BestEffort),
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
    pub fn keys(&self) -> &[KeyName] {
        match &self.signing {
            Signing::Done { keys, .. } => keys,
            Signing::NotNeeded | Signing::Deferred(_) | Signing::Refused(_) => &[],
        }
    }
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
