//! Whose message it is, as far as turns are concerned. Pure.

use std::net::IpAddr;

use common_config::user_name::UserName;

use crate::envelope::Source;

/// A client that takes turns with the others: its messages wait for each other, and not for theirs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A user, from wherever.
    User(UserName),
    /// Whoever sends from an address.
    Address(IpAddr),
    /// This server: reports.
    Ourselves,
    /// Not known yet: the message was there when the server started.
    Unknown,
}

impl From<&Source> for Origin {
    fn from(source: &Source) -> Self {
        match source {
            Source::Client { client, .. } => match &client.identity {
                Some(user) => Self::User(user.clone()),
                None => Self::Address(client.address),
            },
            Source::Ourselves => Self::Ourselves,
        }
    }
}
