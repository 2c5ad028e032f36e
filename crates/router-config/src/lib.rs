//! What the routing and DKIM settings mean: who is internal, which keys sign for whom, which next hop.

mod config;
mod domains;
mod error;
mod explain;
pub mod identity;
mod key_entry;
mod mailbox;
mod network;
mod next_hops;
mod relay;
mod route;
mod settings;
mod signing_mode;
mod signing_table;
mod warning;

pub use config::{RouterConfig, SigningDecision};
pub use domains::DomainPattern;
pub use error::{Required, RouterConfigError};
pub use explain::{ExplainedEntry, ExplainedSignature, Explanation, Unsigned, explain};
pub use key_entry::{KeyEntry, KeyEntryError};
pub use mailbox::{LocalMailbox, LocalMailboxError};
pub use network::{Network, NetworkError};
pub use next_hops::NextHops;
pub use route::NextHop;
pub use settings::{Enforce, RouterSettings, SigningSettings};
pub use signing_mode::{SigningMode, SigningModeError};
pub use signing_table::{
    Alignment, SigningInstruction, SigningRule, SigningTable, SigningTableError,
};
pub use warning::Warning;
