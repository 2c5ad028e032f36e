//! Sockets: the only room of the receiving half that knows tokio.

mod authentication;
pub mod connection;
pub mod listener;
