//! What `sign` and `explain` share: the server's policy on a message, and the keys that it names.
//!
//! The identity and the decision are router-config's, as in the server. A server's `[router]` section is checked when it
//! is there; without one the `DKIM_KEY_` lines decide all the same, by the same code.

use std::fmt;
use std::path::PathBuf;

use common_config::layers::Origins;
use common_config::name::{DomainName, KeyName, Selector};
use credstore::CredStore;
use dkim_core::{
    Algorithm, HeaderBlock, HeaderError, HeaderSet, HeaderSetError, KeyError, SignError,
    SignatureError, SignatureParams, SigningKey,
};
use router_config::identity::IdentityError;
use router_config::{
    Author, HeaderNames, ProfileName, Required, RouterConfig, RouterConfigError,
    SignatureAlgorithm, SigningInstruction, SigningPolicy, SigningProfile,
};
use thiserror::Error;

use crate::clock;
use crate::context::Context;
use crate::exit::Failure;

/// What the server would decide by.
#[derive(Debug)]
pub(crate) struct ServerPolicy {
    /// Who signs for whom.
    pub(crate) signing: SigningPolicy,
    /// Where the settings stand.
    pub(crate) origins: Origins,
    router: Result<RouterConfig, Vec<Required>>,
}

impl ServerPolicy {
    /// Reads it from the settings and the notes.ini.
    pub(crate) fn load(context: &Context) -> Result<Self, Failure> {
        let loaded = context.policy()?;
        let (router_settings, settings) = (loaded.settings.router, loaded.settings.signing);
        let router = match RouterConfig::load(&router_settings, &settings, &loaded.notes) {
            Ok(router) => Ok(router.with_origins(loaded.origins.clone())),
            // The file serves keymgmt alone, or is still being written: who signs can be told all the same.
            Err(RouterConfigError::Missing { settings }) => Err(settings),
            Err(error) => return Err(error.located(&loaded.origins).into()),
        };
        let signing = match &router {
            Ok(router) => router.signing_policy().clone(),
            Err(_) => SigningPolicy::load(&settings, &loaded.notes)?,
        };
        Ok(Self {
            signing,
            origins: loaded.origins,
            router,
        })
    }

    /// The whole of it, for questions about routes and clients.
    pub(crate) fn router(&self) -> Result<&RouterConfig, Failure> {
        self.router.as_ref().map_err(|missing| {
            let settings = missing.clone();
            RouterConfigError::Missing { settings }.into()
        })
    }
}

/// The fields of a message that say which domain it is from.
pub(crate) fn author(message: &[u8]) -> Result<Author, SigningError> {
    let (header, _) = HeaderBlock::parse(message).map_err(SigningError::Header)?;
    let bodies = |name| {
        header
            .named(name)
            .map(|field| field.body().to_vec())
            .collect()
    };
    Ok(Author::Message {
        from: bodies("From"),
        sender: bodies("Sender"),
    })
}

/// The domain that a message is from.
pub(crate) fn identity(message: &[u8]) -> Result<DomainName, SigningError> {
    author(message)?.domain().map_err(SigningError::Identity)
}

/// What a signature says, as the server writes it.
pub(crate) fn params(
    instruction: &SigningInstruction,
    profile: &SigningProfile,
) -> Result<SignatureParams, SigningError> {
    let now = clock::unix_seconds(clock::now());
    let HeaderNames {
        signed,
        oversigned,
        never,
    } = &profile.headers;
    let headers = HeaderSet::with(signed.as_deref(), oversigned.as_deref(), never.as_deref());
    let headers = headers.map_err(|source| SigningError::Headers {
        profile: profile.name.clone(),
        source,
    })?;
    let selector = instruction.key.selector().clone();
    let params = SignatureParams::new(instruction.signing_domain.clone(), selector)
        .timestamp(now)
        .headers(headers);
    Ok(match profile.expire_after {
        Some(after) => params.expires(now.saturating_add(after.std().as_secs())),
        None => params,
    })
}

/// The name by which the settings know an algorithm.
pub(crate) fn setting(algorithm: Algorithm) -> SignatureAlgorithm {
    match algorithm {
        Algorithm::RsaSha256 => SignatureAlgorithm::RsaSha256,
        Algorithm::Ed25519Sha256 => SignatureAlgorithm::Ed25519Sha256,
    }
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
    #[error("the header fields of the signing profile {profile} cannot be used")]
    Headers {
        profile: ProfileName,
        #[source]
        source: HeaderSetError,
    },
    #[error("the message cannot be signed")]
    Sign(#[source] SignError),
    #[error("{} has no DKIM-Signature to compare by; name the message as it was sent first", path.display())]
    NoSignature { path: PathBuf },
    #[error("{} has no DKIM-Signature with s={selector}; leave --selector out for the first one", path.display())]
    NoSelector { path: PathBuf, selector: Selector },
    #[error("the DKIM-Signature of {} cannot be read", path.display())]
    Signature {
        path: PathBuf,
        #[source]
        source: SignatureError,
    },
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
