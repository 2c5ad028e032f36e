//! The session under a driver in memory, by scripts that are cut at every octet, by files and by chance.

mod authentication;
mod chunks;
mod commands;
pub(crate) mod dialogs;
mod driver;
mod limits;
mod model;
mod proxies;
mod smuggling;
mod starttls;
