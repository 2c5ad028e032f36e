//! The vocabulary and the settings that the DKIM Edge crates share.
//!
//! [`name`] holds the names of DKIM (domains, selectors, keys) and needs no more than `idna`. Everything else is
//! behind the default feature `load`: how settings are found, read and layered, and the types that they are made of.

#[cfg(feature = "load")]
pub mod error;
#[cfg(feature = "load")]
pub mod layers;
#[cfg(feature = "load")]
pub mod logging;
pub mod name;
#[cfg(feature = "load")]
pub mod net;
#[cfg(feature = "load")]
pub mod notes_ini;
#[cfg(feature = "load")]
pub mod origin;
#[cfg(feature = "load")]
pub mod paths;
#[cfg(feature = "load")]
pub mod secret_ref;
#[cfg(feature = "load")]
pub mod units;
