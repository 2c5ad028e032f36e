//! What a session asks of its driver, and what it is answered.

use std::net::IpAddr;

use common_config::user_name::UserName;
use credstore::Secret;

use super::client::Client;
use super::limits::Limit;
use super::transaction::Recipient;
use crate::envelope::{Mailbox, ReversePath};
use crate::ids::QueueId;
use crate::smtp::command::CommandError;
use crate::smtp::data::DataNotes;
use crate::smtp::params::MailParams;
use crate::smtp::reply::Reply;
use crate::smtp::sasl::{Fault, Mechanism};
use crate::spool::Durable;

/// What a session has for its driver.
#[derive(Debug)]
pub enum Event {
    /// A message has come in whole. Nothing more is obeyed until [`super::Session::handle_verdict`].
    Message(Box<Received>),
    /// The client said STARTTLS and nothing behind it. The driver sends what is in the output, does the handshake with
    /// the octets that it reads from then on, and calls [`super::Session::handle_tls_started`]. Octets in clear that come
    /// to [`super::Session::handle_input`] before that close the session. When the handshake fails, the driver closes the
    /// connection and says nothing more.
    StartTls,
    /// What does SCRAM check this user's proof against? Answered by [`super::Session::handle_verifier`].
    Verifier {
        /// The user.
        name: UserName,
    },
    /// Is this the user's password? Answered by [`super::Session::handle_password_checked`].
    CheckPassword {
        /// The user.
        name: UserName,
        /// What the client says the password is.
        password: Secret,
    },
    /// The client has proved who it is; for the log.
    Authenticated {
        /// The client, as it was then: what it sends next may change it.
        client: Box<Client>,
        /// How it did.
        mechanism: Mechanism,
    },
    /// The client was refused something; for the log.
    Rejected {
        /// Where the client was said to be then.
        client: IpAddr,
        /// The sender of the transaction, when there is one.
        from: Option<ReversePath>,
        /// What the client was told.
        reply: Reply,
        /// Why.
        why: Rejection,
    },
}

/// Why a client was refused something before its message was looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// A recipient for which this client may not send.
    #[error(
        "the client is in none of the networks that may relay (router.relay_networks), and {recipient} is not our postmaster"
    )]
    Relay {
        /// The recipient.
        recipient: Mailbox,
    },
    /// A line that is no command.
    #[error("the client sent a line that is no command")]
    Command(#[source] CommandError),
    /// The message is over the limit.
    #[error("the message is larger than smtp.max_message_size")]
    TooBig,
    /// The client sends messages faster than it may.
    #[error("the client sends messages faster than smtp.message_rate")]
    TooFast,
    /// No mail is taken for now.
    #[error("the queue is being drained: `smtp-edge queue drain --off` ends that")]
    Draining,
    /// There was no memory for the message.
    #[error("the messages under way hold all of the memory that they may have")]
    Shortage,
    /// A limit of the session.
    #[error("the client went past {}", .0.setting())]
    Limit(Limit),
    /// Octets in clear behind STARTTLS, which somebody on the way may have put there (CVE-2011-0411).
    #[error(
        "octets in clear stood behind STARTTLS: the client, or somebody between, mixes them into the session"
    )]
    BehindStartTls,
    /// AUTH in clear, from another machine.
    #[error("the client wanted to send a password without TLS; set it to use STARTTLS")]
    AuthInClear,
    /// AUTH that failed.
    #[error("{mechanism} for {} failed", .name.as_ref().map_or("a user without a name", UserName::as_str))]
    Authentication {
        /// How it was tried.
        mechanism: Mechanism,
        /// For whom, when that was said.
        name: Option<UserName>,
        /// Why.
        #[source]
        why: Fault,
    },
    /// XCLIENT from a machine that may not speak for others.
    #[error("the client sent XCLIENT, and is in none of the networks of listen.xclient_from")]
    Xclient,
}

/// A message as a client handed it over.
#[derive(Debug)]
pub struct Received {
    /// Who the client is, and how its connection is encrypted.
    pub client: Client,
    /// The name the client gave in EHLO or HELO.
    pub helo: Box<str>,
    /// Whether it said EHLO.
    pub extended: bool,
    /// Where reports go.
    pub reverse_path: ReversePath,
    /// What MAIL said besides: SMTPUTF8, BODY, and what DSN and REQUIRETLS ask for, which we do not offer and only keep.
    pub params: MailParams,
    /// Who is to have it: at least one.
    pub recipients: Vec<Recipient>,
    /// The message, unstuffed.
    pub content: Vec<u8>,
    /// What was noticed in it.
    pub notes: DataNotes,
}

/// What became of a message.
#[derive(Debug)]
pub enum Verdict {
    /// It is ours, on stable storage.
    Accepted(Durable<QueueId>),
    /// It is not taken; the reply says so.
    Refused(Reply),
}
