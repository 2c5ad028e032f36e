//! Why a running server does not answer.

use std::io;

use common_config::admin_address::AdminAddress;
use thiserror::Error;

/// Why a running server does not answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AdminError {
    /// Nobody knows where it could be asked.
    #[error(
        "the settings name no admin.listen, so that a running server cannot be asked; set admin.listen = \"127.0.0.1:9925\" in [admin] and restart it, or name its address with --admin"
    )]
    NoAddress,
    /// Nobody listens there.
    #[error(
        "nobody answers at {address}; check that smtp-edge runs (systemctl status smtp-edge) and that this is its admin.listen, or name its address with --admin"
    )]
    Absent {
        /// Where.
        address: AdminAddress,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The socket file is another user's.
    #[error("{address} is for the server's own user; run the command as that user or as root")]
    Forbidden {
        /// Where.
        address: AdminAddress,
    },
    /// Something listens, and says nothing.
    #[error(
        "what listens at {address} does not answer; ask again, and see the server's log if that fails"
    )]
    Silent {
        /// Where.
        address: AdminAddress,
    },
    /// The connection was lost.
    #[error(
        "the conversation with {address} broke off; ask again, and see the server's log if that fails"
    )]
    Lost {
        /// Where.
        address: AdminAddress,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The question does not fit into a request.
    #[error("the question is too long for one request; ask about fewer recipients at a time")]
    TooLong,
    /// The server says that the question is wrong, or asks for what there is not.
    #[error("the server does not take the question: {answer}")]
    Refused {
        /// What it said.
        answer: String,
    },
    /// There is none of what was asked for.
    #[error("{answer}")]
    NotFound {
        /// What the server said.
        answer: String,
    },
    /// The server answers this on a Unix socket alone, or not to this user.
    #[error("the server does not do that here: {answer}")]
    NotAllowed {
        /// What it said.
        answer: String,
    },
    /// The server cannot answer now.
    #[error("the server cannot answer now: {answer}")]
    Unready {
        /// What it said.
        answer: String,
    },
    /// It is something else that listens there.
    #[error(
        "what answers at {address} is no smtp-edge of this version; restart the server after an update, or name its address with --admin"
    )]
    Foreign {
        /// Where.
        address: AdminAddress,
    },
}
