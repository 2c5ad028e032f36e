//! Signs one message: the domain of its From, the keys of that domain, a DKIM-Signature for each.

use common_config::name::{DomainName, KeyName};
use dkim_core::{Algorithm, HeaderBlock, SignError, SignatureParams, Signer, SigningKey};
use router_config::identity::signing_identity;
use router_config::{RouterConfig, SigningDecision, SigningMode};

use super::keyring::Keyring;
use super::policy::{Consequence, consequence};
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
    /// The domain the message is from, when it has one.
    domain: Option<DomainName>,
    /// Every key, or the message, that was at fault, and the chain of errors.
    failures: Vec<(SigningFault, Box<str>)>,
    /// Why it goes unsigned without any fault.
    unsigned: Option<Unsigned>,
    /// The domain and the algorithm of each signature.
    signatures: Vec<(DomainName, Algorithm)>,
}

/// Runs the step for a message that has external recipients.
#[must_use]
pub fn sign(
    router: &RouterConfig,
    keyring: &Keyring,
    message: Signable<'_>,
    moment: Moment,
) -> Outcome {
    let mode = router.signing_mode();
    if mode == SigningMode::Off {
        return Outcome::unsigned(None, Unsigned::SigningOff);
    }
    let domain = match signing_identity(message.from, message.sender) {
        Ok(domain) => domain,
        Err(error) => return Outcome::unsignable(mode, None, Chain(&error).to_string()),
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
    let signing = match consequence(mode, &faults) {
        Consequence::Refuse(fault) => Signing::Refused(fault),
        Consequence::Defer(fault) => Signing::Deferred(fault),
        Consequence::Send => match make(message, signers) {
            Ok(header) => Signing::Done {
                header,
                keys: names,
            },
            Err(error) => {
                return Outcome::unsignable(mode, Some(domain), Chain(&error).to_string());
            }
        },
    };
    Outcome {
        signing,
        domain: Some(domain),
        failures,
        unsigned: None,
        signatures,
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
            domain: None,
            failures: Vec::new(),
            unsigned: None,
            signatures: Vec::new(),
        }
    }

    fn unsigned(domain: Option<DomainName>, why: Unsigned) -> Self {
        Self {
            signing: Signing::NotNeeded,
            domain,
            failures: Vec::new(),
            unsigned: Some(why),
            signatures: Vec::new(),
        }
    }

    /// The message itself is at fault.
    fn unsignable(mode: SigningMode, domain: Option<DomainName>, why: String) -> Self {
        let fault = SigningFault {
            class: FaultClass::CannotSign,
            domain: domain.clone(),
            key: None,
        };
        let signing = match consequence(mode, std::slice::from_ref(&fault)) {
            Consequence::Send => Signing::Done {
                header: Vec::new(),
                keys: Vec::new(),
            },
            Consequence::Defer(fault) => Signing::Deferred(fault),
            Consequence::Refuse(fault) => Signing::Refused(fault),
        };
        Self {
            signing,
            domain,
            failures: vec![(fault, why.into())],
            unsigned: None,
            signatures: Vec::new(),
        }
    }

    /// Writes to the mail log what came of it.
    pub fn log(&self, id: QueueId) {
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
