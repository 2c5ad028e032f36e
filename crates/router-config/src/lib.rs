//! What the routing and DKIM settings mean: who is internal, who may send through us, which keys sign for whom, which
//! next hop mail has.
//!
//! Settings come in as [`RouterSettings`], [`SigningSettings`] and the lines of notes.ini; [`RouterConfig::load`]
//! checks them against each other and refuses what contradicts itself or is open to everyone. Then it answers: the
//! same question has the same answer, and [`RouterConfig::explain`] says why. The crate names keys and never loads one;
//! it reads no file, asks no DNS and knows no time.
//!
//! ```
//! use std::path::Path;
//!
//! use common_config::notes_ini::NotesIni;
//! use router_config::{Client, NextHop, RouterConfig, RouterSettings, SigningDecision, SigningSettings};
//!
//! let router = RouterSettings {
//!     internal_domains: vec!["acme.com".parse()?],
//!     internal_next_hop: Some("mail.acme.com:25".parse()?),
//!     postmaster: Some("postmaster@acme.com".parse()?),
//!     ..RouterSettings::default()
//! };
//! let notes = b"RouterDKIMSigning=2\nDKIM_KEY_acme.com=12345\nDKIM_KEY_alias.net=acme.com;12345\n";
//! let notes = NotesIni::parse(Path::new("notes.ini"), notes)?;
//! let config = RouterConfig::load(&router, &SigningSettings::default(), notes.entries())?;
//!
//! // Who is the message from? The author's domain, whatever the display name says.
//! let from = router_config::identity::signing_identity(&[b" \"x@evil.com\" <alice@eu.acme.com>"], &[])?;
//! let SigningDecision::Sign(rule) = config.resolve(&from) else { panic!("acme.com is signed") };
//! assert_eq!(rule.keys[0].key.record_name(), "12345._domainkey.acme.com");
//! assert_eq!(config.next_hop(&"example.org".parse()?), NextHop::Mx);
//! assert!(!config.may_relay(&Client::at("192.0.2.1".parse()?)));
//! println!("{}", config.explain(&"alias.net".parse()?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod certificate;
mod client;
mod config;
mod domains;
mod error;
mod explain;
mod failure;
mod fate;
pub mod identity;
mod key_entry;
mod mailbox;
mod network;
mod next_hops;
mod relay;
mod route;
mod senders;
mod settings;
mod signing_mode;
mod signing_policy;
mod signing_profile;
mod signing_table;
mod warning;

pub use certificate::{CertificateFingerprint, CertificateFingerprintError};
pub use client::{Client, ClientCertificate, Issuer};
pub use config::RouterConfig;
pub use domains::DomainPattern;
pub use error::{OpenNetwork, Required, RouterConfigError, SenderPlace};
pub use explain::{
    Answer, Author, ClientMail, ClientSender, DecidingFault, ExplainedClient, ExplainedEntry,
    ExplainedKey, ExplainedMail, ExplainedOutcome, ExplainedRoute, ExplainedSignature, Explanation,
    KeyCondition, KeyHolder, MailFromDomain, Parameters, PlacedPattern, PlacedProfile,
    PlacedSenderRule, ProfileOutcome, Question, QuestionError, Relaying, UnidentifiedMail,
    Unsigned, address_domain,
};
pub use failure::{FailureAction, FailureRule, FaultClass, OnFailure, SigningException};
pub use fate::Fate;
pub use key_entry::{KeyEntry, KeyEntryError};
pub use mailbox::{LocalMailbox, LocalMailboxError};
pub use network::{Network, NetworkError};
pub use next_hops::NextHops;
pub use relay::{RelayGrant, open_networks};
pub use route::NextHop;
pub use senders::{
    ExplainedSender, ExplainedSenderRule, NamedBy, Otherwise, SenderDecision, SenderRule,
};
pub use settings::{Enforce, RouterSettings, SelfCheck, SigningSettings};
pub use signing_mode::{SigningMode, SigningModeError};
pub use signing_policy::{SigningDecision, SigningPolicy};
pub use signing_profile::{
    HeaderNames, ProfileName, ProfileNameError, ProfileSettings, SignatureAlgorithm, SigningProfile,
};
pub use signing_table::{
    Alignment, SigningInstruction, SigningRule, SigningTable, SigningTableError,
};
pub use warning::Warning;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
