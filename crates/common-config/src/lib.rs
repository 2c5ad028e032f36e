//! The vocabulary and the settings that the DKIM Edge crates share.
//!
//! [`name`] holds the names of DKIM (domains, selectors, keys) and needs no more than `idna`. Everything else is
//! behind the default feature `load`: how settings are found, read and layered, and the types that they are made of.
//!
//! What a setting means is not decided here, no secret is read, and no DNS is asked.
//!
//! ```
//! use common_config::name::{DomainName, KeyName};
//!
//! let key = KeyName::new("12345".parse()?, "Renovations.COM.".parse()?);
//! assert_eq!(key.record_name(), "12345._domainkey.renovations.com");
//!
//! let domain: DomainName = "Bücher.example".parse()?;
//! assert_eq!(domain.as_str(), "xn--bcher-kva.example");
//! assert!("mail.xn--bcher-kva.example".parse::<DomainName>()?.is_same_or_below(&domain));
//! # Ok::<(), common_config::name::NameError>(())
//! ```
//!
//! Settings are read into a type of the caller's, from the lowest layer to the highest:
//!
#![cfg_attr(feature = "load", doc = "```")]
#![cfg_attr(not(feature = "load"), doc = "```ignore")]
//! use common_config::layers::{Layers, Loaded};
//! use common_config::units::Duration;
//!
//! #[derive(serde::Deserialize, Default)]
//! #[serde(default, deny_unknown_fields)]
//! struct Settings {
//!     timeout: Option<Duration>,
//! }
//!
//! let loaded: Loaded<Settings> = Layers::new()
//!     .toml_optional("/etc/example/example.toml")
//!     .environment("EXAMPLE_")
//!     .set("timeout", "5m")
//!     .set("notes.RouterDKIMSigning", "2")
//!     .extract()?;
//! assert_eq!(loaded.settings.timeout, Some(Duration::from_secs(300)));
//! assert_eq!(loaded.notes[0].value, "2");
//!
//! let error = Layers::new().set("timeuot", "5m").extract::<Settings>().map(|_| ()).unwrap_err();
//! assert_eq!(error.to_string(), "command line: unknown key timeuot: did you mean timeout?");
//! # Ok::<(), common_config::error::SettingsError>(())
//! ```

pub mod name;

#[cfg(feature = "load")]
pub mod chain;
#[cfg(feature = "load")]
pub mod error;
#[cfg(feature = "load")]
pub mod layers;
#[cfg(feature = "load")]
pub mod notes_ini;
#[cfg(feature = "load")]
pub mod origin;

#[cfg(feature = "load")]
pub mod admin_address;
#[cfg(feature = "load")]
pub mod logging;
#[cfg(feature = "load")]
pub mod net;
#[cfg(feature = "load")]
pub mod paths;
#[cfg(feature = "load")]
pub mod secret_ref;
#[cfg(feature = "load")]
pub mod units;
#[cfg(feature = "load")]
pub mod user_name;

#[cfg(all(doctest, feature = "load"))]
#[doc = include_str!("../README.md")]
struct Readme;
