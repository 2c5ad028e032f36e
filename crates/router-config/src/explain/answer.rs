//! The whole answer to a question, as text for people and as JSON for programs: the one form in which `keymgmt` answers
//! from the settings files and the server from what is in force.

use std::fmt;

use common_config::chain::Chain;
use common_config::layers::Origins;
use common_config::name::DomainName;
use common_config::origin::Origin;
use serde::Serialize;

use super::key::ExplainedKey;
use super::outcome::ExplainedOutcome;
use super::profile::{PlacedProfile, ProfileOutcome};
use super::question::{Author, Question};
use super::sender::{ClientMail, ClientSender};
use super::{ExplainedClient, ExplainedRoute, Explanation, ModeLine};
use crate::config::RouterConfig;
use crate::identity::{Identity, IdentityError, IdentityField};
use crate::signing_mode::SigningMode;
use crate::signing_policy::SigningPolicy;

/// The answer to a [`Question`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Answer {
    /// What becomes of the author's mail.
    #[serde(flatten)]
    pub mail: Option<ExplainedMail>,
    /// Where mail for each of the recipients goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<ExplainedRoute>,
    /// What the client may do.
    #[serde(flatten)]
    pub client: Option<ExplainedClient>,
}

/// What becomes of an author's mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ExplainedMail {
    /// The domain that it is from is known.
    From(Box<MailFromDomain>),
    /// It does not say which domain it is from.
    Unidentified(Box<UnidentifiedMail>),
}

/// Mail from a domain: the lines that decide, the keys, what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MailFromDomain {
    /// For a message: the field that names the domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The lines that decide.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The keys of its signatures, in their order.
    pub keys: Vec<ExplainedKey>,
    /// Where the keys were looked for.
    pub keys_in: KeyHolder,
    /// What becomes of it, but for destinations of other profiles.
    #[serde(flatten)]
    pub outcome: ExplainedOutcome,
    /// What becomes of it for those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileOutcome>,
}

/// A message that does not say which domain it is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnidentifiedMail {
    identity: IdentityLacking,
    mode: SigningMode,
    mode_origin: Option<Origin>,
    /// What becomes of it.
    #[serde(flatten)]
    pub outcome: ExplainedOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct IdentityLacking {
    error: String,
}

/// Where keys are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyHolder {
    /// In the credential store, at this moment.
    Store,
    /// Among the keys that a server signs with.
    Keyring,
}

impl Answer {
    /// What becomes of the author's mail, if that is asked: under `policy`, whose settings stand at `origins`, with `keys`,
    /// which are those of [`Question::keys`] in that order.
    pub fn about_mail(
        question: &Question,
        policy: &SigningPolicy,
        origins: &Origins,
        keys: Vec<ExplainedKey>,
        keys_in: KeyHolder,
    ) -> Self {
        let mail = |author: &Author| match author.identity() {
            Ok((domain, identity)) => {
                let mail = MailFromDomain::new(&domain, identity, policy, origins, keys, keys_in);
                ExplainedMail::From(Box::new(mail))
            }
            Err(error) => {
                let mail = UnidentifiedMail::new(&error, policy, origins);
                ExplainedMail::Unidentified(Box::new(mail))
            }
        };
        Self {
            mail: question.author.as_ref().map(mail),
            ..Self::default()
        }
    }

    /// The same, with where mail for the recipients goes and what the client may do, as far as that is asked.
    #[must_use]
    pub fn with_routes(mut self, question: &Question, router: &RouterConfig) -> Self {
        let routes = question.to.iter();
        self.to = routes.map(|domain| router.explain_route(domain)).collect();
        let mail = match &self.mail {
            None => ClientMail::NotAsked,
            Some(ExplainedMail::From(mail)) => ClientMail::From(&mail.explanation.domain),
            Some(ExplainedMail::Unidentified(_)) => ClientMail::Unidentified,
        };
        let client = question.client.as_ref();
        self.client = client.map(|client| router.explain_client(client, mail));
        let sender = self.client.as_ref().and_then(|one| one.sender.as_ref());
        if let (Some(mail), Some(outside)) =
            (&mut self.mail, sender.and_then(ClientSender::outside))
        {
            let (policy, origins) = (router.signing_policy(), router.origins());
            mail.put(ExplainedOutcome::of_sender(policy, origins, outside));
        }
        self
    }
}

impl ExplainedMail {
    /// Something else becomes of it than by its keys, for all destinations.
    fn put(&mut self, outcome: ExplainedOutcome) {
        match self {
            Self::From(mail) => {
                mail.outcome = outcome;
                mail.profiles.clear();
            }
            Self::Unidentified(mail) => mail.outcome = outcome,
        }
    }
}

impl MailFromDomain {
    fn new(
        domain: &DomainName,
        identity: Option<Identity>,
        policy: &SigningPolicy,
        origins: &Origins,
        keys: Vec<ExplainedKey>,
        keys_in: KeyHolder,
    ) -> Self {
        let explanation = policy.explain(domain);
        let signed = |profile| ExplainedOutcome::of_keys(policy, profile, origins, domain, &keys);
        let (outcome, profiles) = match explanation.unsigned {
            Some(why) => (ExplainedOutcome::left_unsigned(why), Vec::new()),
            None => {
                let others = policy.profiles().filter(|one| !one.name.is_default());
                let others = others.map(|profile| ProfileOutcome {
                    profile: PlacedProfile::of(profile, policy, origins),
                    outcome: signed(profile),
                });
                (signed(policy.default_profile()), others.collect())
            }
        };
        Self {
            identity,
            explanation,
            keys,
            keys_in,
            outcome,
            profiles,
        }
    }
}

impl UnidentifiedMail {
    fn new(error: &IdentityError, policy: &SigningPolicy, origins: &Origins) -> Self {
        Self {
            identity: IdentityLacking {
                error: Chain(error).to_string(),
            },
            mode: policy.mode(),
            mode_origin: policy.mode_origin().cloned(),
            outcome: ExplainedOutcome::without_identity(policy, origins),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mail {
            Some(ExplainedMail::From(mail)) => write!(f, "{mail}")?,
            Some(ExplainedMail::Unidentified(mail)) => write!(f, "{mail}")?,
            None => {}
        }
        for route in &self.to {
            write!(f, "{route}")?;
        }
        match &self.client {
            Some(client) => write!(f, "{client}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for MailFromDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Identity { domain, field }) = &self.identity {
            let why = match field {
                IdentityField::From => "by its From field",
                IdentityField::Sender => {
                    "by its Sender field, which names one of the several authors in From"
                }
            };
            writeln!(f, "The message is from {domain}, {why}.")?;
        }
        write!(f, "{}", self.explanation)?;
        if !self.keys.is_empty() {
            writeln!(f, "{}", self.keys_in)?;
        }
        for key in &self.keys {
            writeln!(f, "  {key}")?;
        }
        write!(f, "{}", self.outcome)?;
        for profile in &self.profiles {
            write!(f, "{profile}")?;
        }
        Ok(())
    }
}

impl fmt::Display for UnidentifiedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The message cannot be signed: {}.", self.identity.error)?;
        let mode = ModeLine(self.mode, self.mode_origin.as_ref());
        write!(f, "{mode}{}", self.outcome)
    }
}

/// As the heading of the keys.
impl fmt::Display for KeyHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "In the credential store:",
            Self::Keyring => "In the running server's keyring:",
        })
    }
}
