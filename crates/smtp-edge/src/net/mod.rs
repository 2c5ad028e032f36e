//! Sockets: the only room of the receiving half that knows tokio.

pub mod connection;
pub mod listener;
