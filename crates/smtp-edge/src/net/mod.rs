//! Sockets: the only room of the receiving half that knows tokio.

mod authentication;
pub mod connection;
#[cfg(test)]
mod dialog_tests;
pub mod listener;
