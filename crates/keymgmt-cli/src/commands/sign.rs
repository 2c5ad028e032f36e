//! `sign`: what the server would put before a message.

use common_config::name::{DomainName, KeyName};
use dkim_core::{SignatureParams, SigningKey};
use router_config::{SigningDecision, SigningInstruction, SigningMode, SigningProfile};
use serde_json::json;

use crate::cli::Sign;
use crate::context::Context;
use crate::exit::Failure;
use crate::input;
use crate::message;
use crate::new_file::{self, Existing};
use crate::output::Output;
use crate::signing::{self, ServerPolicy, SigningError};

pub(crate) async fn run(context: &Context, arguments: Sign) -> Result<Output, Failure> {
    let message = message::read(&arguments.message)?;
    let policy = ServerPolicy::load(context)?;
    let plan = if arguments.keys.is_empty() {
        Plan::by_policy(&policy, &message, arguments.to.as_deref())?
    } else {
        Plan::by_name(&policy, &arguments.keys, &message)?
    };
    let (signatures, warnings) = plan.keys(context, &policy).await?;
    let headers = dkim_core::sign(&message, &signatures).map_err(SigningError::Sign)?;
    let mut signed: Vec<u8> = headers
        .iter()
        .flat_map(|header| header.text.iter().copied())
        .collect();
    signed.extend_from_slice(&message);

    let json = json!({
        "domain": plan.domain.as_str(),
        "signatures": headers.iter().map(|header| json!({
            "key": header.key.to_string(),
            "algorithm": header.algorithm.as_str(),
            "field": String::from_utf8_lossy(&header.text),
        })).collect::<Vec<_>>(),
    });
    let output = match &arguments.output {
        None => Output::message(signed, json),
        Some(path) => {
            new_file::write(path, &signed, Existing::Keep("choose another name"))?;
            let keys: Vec<String> = headers
                .iter()
                .map(|header| header.key.to_string())
                .collect();
            Output::text(
                format!("Signed with {} into {}", keys.join(", "), path.display()),
                json,
            )
        }
    };
    Ok(warnings.into_iter().fold(output, Output::warn))
}

/// Which keys are to sign, and what it means when one cannot.
struct Plan<'a> {
    domain: DomainName,
    instructions: Vec<SigningInstruction>,
    mode: SigningMode,
    profile: &'a SigningProfile,
}

impl<'a> Plan<'a> {
    /// The server's decision for the copy to that recipient.
    fn by_policy(
        policy: &'a ServerPolicy,
        message: &[u8],
        to: Option<&str>,
    ) -> Result<Self, Failure> {
        let domain = signing::identity(message)?;
        let profile = match to {
            Some(recipient) => {
                let destination = router_config::address_domain(recipient)?;
                policy.router()?.signing_profile(&destination)
            }
            None => policy.signing.default_profile(),
        };
        match policy.signing.resolve(&domain) {
            SigningDecision::Sign(rule) => Ok(Self {
                domain,
                instructions: rule.keys,
                mode: policy.signing.mode(),
                profile,
            }),
            SigningDecision::NoEntry => Err(SigningError::NoEntry { domain }.into()),
            SigningDecision::Off => Err(SigningError::Off { domain }.into()),
        }
    }

    /// The keys that were named; each must work.
    fn by_name(
        policy: &'a ServerPolicy,
        names: &[String],
        message: &[u8],
    ) -> Result<Self, Failure> {
        let instructions = names.iter().map(|name| {
            let key: KeyName = input::record_name(name)?;
            let signing_domain = key.domain().clone();
            Ok(SigningInstruction {
                key,
                signing_domain,
            })
        });
        Ok(Self {
            instructions: instructions.collect::<Result<_, Failure>>()?,
            domain: signing::identity(message)?,
            mode: SigningMode::Enforce,
            profile: policy.signing.default_profile(),
        })
    }

    /// The keys with their parameters. Best effort makes do with those that work, and warns of the rest.
    async fn keys(
        &self,
        context: &Context,
        policy: &ServerPolicy,
    ) -> Result<(Vec<(SignatureParams, SigningKey)>, Vec<String>), Failure> {
        let store = context.store().await?;
        let settings = policy.signing.settings();
        let mut found = Vec::with_capacity(self.instructions.len());
        for instruction in &self.instructions {
            let key = signing::key(&store, &instruction.key, settings.rsa_minimum_bits).await;
            found.push((instruction, key));
        }
        let chosen = self.profile.chosen(found.into_iter(), |(_, key)| {
            key.as_ref()
                .ok()
                .map(|key| signing::setting(key.algorithm()))
        });
        let (mut signatures, mut failures) = (Vec::new(), Vec::new());
        for (instruction, key) in chosen {
            let key = match (key, self.mode) {
                (Ok(key), _) => key,
                (Err(failure), SigningMode::BestEffort) => {
                    failures.push(failure);
                    continue;
                }
                (Err(failure), SigningMode::Enforce | SigningMode::Off) => return Err(failure),
            };
            signatures.push((signing::params(instruction, self.profile)?, key));
        }
        if signatures.is_empty() {
            let domain = self.domain.clone();
            return Err(SigningError::NoKey { domain, failures }.into());
        }
        Ok((signatures, failures.iter().map(Failure::line).collect()))
    }
}
