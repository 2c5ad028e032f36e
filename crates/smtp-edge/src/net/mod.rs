//! Sockets: the only room of the receiving half that knows tokio.

pub mod admission;
mod authentication;
mod budget;
pub mod connection;
pub mod descriptors;
#[cfg(test)]
mod dialog_tests;
pub mod door;
pub mod listener;
pub mod proxy_protocol;
pub mod stream;
pub mod tls;
pub mod turned_away;
