//! What `sign` and `explain` share: the server's policy on a message, and the keys that it names.
//!
//! The identity and the decision are router-config's, as in the server. A server's `[router]` section is checked when it
//! is there; without one the `DKIM_KEY_` lines decide all the same.

use std::fmt;

use common_config::name::{DomainName, KeyName};
use credstore::CredStore;
use dkim_core::{Algorithm, HeaderBlock, HeaderError, KeyError, SignError, SigningKey};
use router_config::identity::{IdentityError, signing_identity};
use router_config::{
    RouterConfig, RouterConfigError, SigningDecision, SigningMode, SigningSettings, SigningTable,
};
use thiserror::Error;

use crate::context::Context;
use crate::exit::Failure;

/// Who signs for whom.
#[derive(Debug)]
pub(crate) struct SigningPolicy {
    router: Option<RouterConfig>,
    pub(crate) mode: SigningMode,
    pub(crate) table: SigningTable,
    pub(crate) settings: SigningSettings,
}

impl SigningPolicy {
    /// Reads it from the settings and the notes.ini.
    pub(crate) fn load(context: &Context) -> Result<Self, Failure> {
        let loaded = context.policy()?;
        let (router, settings) = (loaded.settings.router, loaded.settings.signing);
        let router = match RouterConfig::load(&router, &settings, &loaded.notes) {
            Ok(router) => Some(router),
            // The file serves keymgmt alone, or is still being written.
            Err(RouterConfigError::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mode = SigningMode::load(&loaded.notes).map_err(RouterConfigError::from)?;
        let table = SigningTable::load(&loaded.notes, settings.aligned_aliases);
        Ok(Self {
            router,
            mode,
            table: table.map_err(RouterConfigError::from)?,
            settings,
        })
    }

    /// What the server does with mail from `domain`.
    pub(crate) fn resolve(&self, domain: &DomainName) -> SigningDecision {
        match (&self.router, self.mode) {
            (Some(router), _) => router.resolve(domain),
            (None, SigningMode::Off) => SigningDecision::Off,
            (None, SigningMode::BestEffort | SigningMode::Enforce) => self
                .table
                .rule(domain)
                .map_or(SigningDecision::NoEntry, SigningDecision::Sign),
        }
    }
}

/// The domain that a message is from.
pub(crate) fn identity(message: &[u8]) -> Result<DomainName, SigningError> {
    let (header, _) = HeaderBlock::parse(message).map_err(SigningError::Header)?;
    let bodies = |name| {
        header
            .named(name)
            .map(|field| field.body())
            .collect::<Vec<_>>()
    };
    signing_identity(&bodies("From"), &bodies("Sender")).map_err(SigningError::Identity)
}

/// The signing key called `name`, out of the store, when it may sign.
pub(crate) async fn key(
    store: &CredStore,
    name: &KeyName,
    rsa_minimum_bits: u32,
) -> Result<SigningKey, Failure> {
    let stored = store.key(name).await?;
    let secret = store.unseal(&stored)?;
    let key = SigningKey::from_pkcs8_der(secret.expose()).map_err(|source| {
        SigningError::KeyUnreadable {
            name: name.clone(),
            source,
        }
    })?;
    if key.algorithm() == Algorithm::RsaSha256 && key.bits() < rsa_minimum_bits {
        return Err(Failure::Signing(SigningError::KeyTooShort {
            name: name.clone(),
            bits: key.bits(),
            minimum: rsa_minimum_bits,
        }));
    }
    Ok(key)
}

/// Why a message is not signed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum SigningError {
    #[error("the message's header cannot be read; check that the file is a mail message")]
    Header(#[source] HeaderError),
    #[error("the message cannot be signed: it does not say which domain it is from")]
    Identity(#[source] IdentityError),
    #[error(
        "RouterDKIMSigning is off, so the server sends mail from {domain} unsigned; set it to 1 or 2, or name a key with --key"
    )]
    Off { domain: DomainName },
    #[error(
        "no DKIM_KEY_ line covers {domain}, so the server sends its mail unsigned; add one, or name a key with --key"
    )]
    NoEntry { domain: DomainName },
    #[error(
        "the key {name} has {bits} bits, and signing.rsa_minimum_bits asks for {minimum}; create a longer one"
    )]
    KeyTooShort {
        name: KeyName,
        bits: u32,
        minimum: u32,
    },
    #[error("the private key of {name} in the store cannot be read; create the key anew")]
    KeyUnreadable {
        name: KeyName,
        #[source]
        source: KeyError,
    },
    #[error("none of the keys of {domain} can sign: {}", Reasons(failures))]
    NoKey {
        domain: DomainName,
        failures: Vec<Failure>,
    },
    #[error("the message cannot be signed")]
    Sign(#[source] SignError),
}

/// Why each of several keys cannot sign, one after the other.
struct Reasons<'a>(&'a [Failure]);

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, failure) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{}", failure.line())?;
        }
        Ok(())
    }
}
