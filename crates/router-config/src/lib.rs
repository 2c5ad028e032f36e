//! What the routing and DKIM settings mean: who is internal, which keys sign for whom, which next hop.

mod domains;
mod mailbox;
mod network;
mod next_hops;
mod settings;

pub use domains::DomainPattern;
pub use mailbox::{LocalMailbox, LocalMailboxError};
pub use network::{Network, NetworkError};
pub use next_hops::NextHops;
pub use settings::{Enforce, RouterSettings, SigningSettings};
