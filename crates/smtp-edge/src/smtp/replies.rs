//! Every reply that we send, in one place. Texts are fixed: a client learns nothing of our insides from them.

mod auth;

use std::borrow::Cow;

use super::command::CommandError;
use super::extensions::{self, Offer};
use super::params::ParamError;
use super::reply::Reply;
use super::server::Limit;
use crate::ids::QueueId;
use crate::spool::Durable;

pub use auth::{
    auth_cancelled, auth_failed, authenticated, challenge, encryption_required, not_base64,
    response_too_long, unknown_mechanism,
};

/// `220`: the greeting.
#[must_use]
pub fn greeting(hostname: &str) -> Reply {
    Reply::new(220, "", format!("{hostname} ESMTP"))
}

/// `250` to EHLO: our name and what we offer.
#[must_use]
pub fn ehlo(hostname: &str, offer: &Offer) -> Reply {
    let mut lines: Vec<Cow<'static, str>> = vec![hostname.to_owned().into()];
    lines.extend(extensions::announced(offer).into_iter().map(Cow::from));
    Reply::lines(250, lines)
}

/// `250` to HELO.
#[must_use]
pub fn helo(hostname: &str) -> Reply {
    Reply::new(250, "", hostname.to_owned())
}

/// `250`: the message is ours. The only way to it is a record on stable storage.
#[must_use]
pub fn accepted(id: Durable<QueueId>) -> Reply {
    Reply::new(250, "2.0.0", id.get().to_string())
}

/// `250`: done, for NOOP and RSET.
#[must_use]
pub fn ok() -> Reply {
    Reply::new(250, "2.0.0", "OK")
}

/// `250` to MAIL.
#[must_use]
pub fn sender_ok() -> Reply {
    Reply::new(250, "2.1.0", "sender OK")
}

/// `250` to RCPT.
#[must_use]
pub fn recipient_ok() -> Reply {
    Reply::new(250, "2.1.5", "recipient OK")
}

/// `354`: the message may come.
#[must_use]
pub fn go_ahead() -> Reply {
    Reply::new(354, "", "end the message with a line of a single dot")
}

/// `252`: VRFY tells nothing, and that is allowed (RFC 5321 §3.5.3).
#[must_use]
pub fn cannot_verify() -> Reply {
    Reply::new(
        252,
        "2.5.0",
        "cannot verify, but will take mail for it and try",
    )
}

/// `214`: HELP.
#[must_use]
pub fn help() -> Reply {
    Reply::new(214, "2.0.0", "see RFC 5321")
}

/// `221`: goodbye.
#[must_use]
pub fn bye(hostname: &str) -> Reply {
    Reply::new(221, "2.0.0", format!("{hostname} closes the connection"))
}

/// `421`: the server stops.
#[must_use]
pub fn shutting_down(hostname: &str) -> Reply {
    Reply::new(
        421,
        "4.3.2",
        format!("{hostname} is shutting down, try again"),
    )
}

/// `421`: too many clients at once.
#[must_use]
pub fn too_many_connections(hostname: &str) -> Reply {
    Reply::new(
        421,
        "4.3.2",
        format!("{hostname} has too many connections, try again"),
    )
}

/// `421`: too many connections of one client at once.
#[must_use]
pub fn too_many_from_client(hostname: &str) -> Reply {
    Reply::new(
        421,
        "4.7.0",
        format!("{hostname} has too many connections from you, try again"),
    )
}

/// `421`: the client opens connections too fast.
#[must_use]
pub fn too_fast(hostname: &str) -> Reply {
    Reply::new(
        421,
        "4.7.0",
        format!("{hostname} has too many new connections from you, try again later"),
    )
}

/// `421`: the client was silent too long.
#[must_use]
pub fn timed_out(hostname: &str) -> Reply {
    Reply::new(421, "4.4.2", format!("{hostname} waited too long"))
}

/// `451`: the client sends messages too fast.
#[must_use]
pub fn too_many_messages() -> Reply {
    Reply::new(451, "4.7.0", "too many messages from you, try again later")
}

/// `451`: an administrator drains the queue (RFC 3463 §3.4: the system is not accepting network messages).
#[must_use]
pub fn draining() -> Reply {
    Reply::new(451, "4.3.2", "no new mail is taken now, try again later")
}

/// `421`: the session has gone past a limit.
#[must_use]
pub fn limit_reached(hostname: &str, limit: Limit) -> Reply {
    let text = match limit {
        Limit::Messages => "takes no more messages on this connection, open another",
        Limit::Errors => "saw too many errors",
        Limit::IdleCommands => "saw too many commands without a message",
        Limit::Unrecognized => "saw too many unknown commands",
        Limit::AuthFailures => "saw too many failed authentications",
        Limit::Discarded => "was sent too much that it cannot take",
    };
    Reply::new(421, "4.7.0", format!("{hostname} {text}"))
}

/// `220`: the TLS handshake may begin.
#[must_use]
pub fn start_tls() -> Reply {
    Reply::new(220, "2.0.0", "ready to start TLS")
}

/// `421`: octets in clear stood behind STARTTLS.
#[must_use]
pub fn behind_starttls(hostname: &str) -> Reply {
    Reply::new(
        421,
        "4.7.0",
        format!("{hostname} takes nothing in clear behind STARTTLS"),
    )
}

/// `250` to BDAT that is not the last.
#[must_use]
pub fn chunk_ok(octets: usize) -> Reply {
    Reply::new(250, "2.0.0", format!("{octets} octets so far"))
}

/// `554`: BDAT without a recipient that was taken.
#[must_use]
pub fn no_recipients() -> Reply {
    Reply::new(554, "5.5.1", "no valid recipients")
}

/// `550`: this client may not speak for others.
#[must_use]
pub fn xclient_denied() -> Reply {
    Reply::new(550, "5.7.0", "XCLIENT denied")
}

/// `502`: a command that is known and not offered.
#[must_use]
pub fn not_offered() -> Reply {
    Reply::new(502, "5.5.1", "command not offered")
}

/// `521`: another protocol was spoken at us (ALPACA).
#[must_use]
pub fn other_protocol() -> Reply {
    Reply::new(521, "5.5.1", "this is an SMTP server")
}

/// `500`: the line was too long.
#[must_use]
pub fn line_too_long() -> Reply {
    Reply::new(500, "5.5.2", "line too long")
}

/// `500`: the line was not ended by CRLF.
#[must_use]
pub fn malformed_line() -> Reply {
    Reply::new(500, "5.5.2", "lines must end in CRLF")
}

/// `503`: not now.
#[must_use]
pub fn bad_sequence(what_first: &'static str) -> Reply {
    Reply::new(503, "5.5.1", what_first)
}

/// `452`: no more recipients for this message (RFC 5321 §4.5.3.1.10).
#[must_use]
pub fn too_many_recipients() -> Reply {
    Reply::new(
        452,
        "4.5.3",
        "too many recipients, send the rest in another message",
    )
}

/// `550`: this client may not relay.
#[must_use]
pub fn relay_denied() -> Reply {
    Reply::new(550, "5.7.1", "relaying denied")
}

/// `552`: the message is larger than SIZE allows.
#[must_use]
pub fn message_too_big() -> Reply {
    Reply::new(552, "5.3.4", "message too big")
}

/// `554`: the message loops (RFC 5321 §6.3).
#[must_use]
pub fn loop_detected() -> Reply {
    Reply::new(554, "5.4.6", "too many hops, the message loops")
}

/// `554`: the message's form is not one that can be sent on.
#[must_use]
pub fn malformed_message() -> Reply {
    Reply::new(554, "5.6.0", "the message is malformed")
}

/// `554`: the message's lines are not ended by CRLF, and are not to be mended.
#[must_use]
pub fn bare_line_ends() -> Reply {
    Reply::new(554, "5.6.0", "the message holds bare CR or LF")
}

/// `554`: a line of the header is too long, and cannot be folded.
#[must_use]
pub fn long_header_line() -> Reply {
    Reply::new(
        554,
        "5.6.0",
        "a header line is over 998 octets and cannot be folded",
    )
}

/// `554`: a line of the body is too long, and stands where nothing may be re-encoded (RFC 3463 §3.7, X.6.5).
#[must_use]
pub fn long_line() -> Reply {
    Reply::new(
        554,
        "5.6.5",
        "a line is over 998 octets and cannot be re-encoded",
    )
}

/// `550`: a field that the message must have is not there.
#[must_use]
pub fn missing_field(field: &'static str) -> Reply {
    Reply::new(550, "5.6.0", format!("the message has no {field} field"))
}

/// `550`: a field that a message may have once is there more often (RFC 5322 §3.6).
#[must_use]
pub fn repeated_field(field: &'static str) -> Reply {
    Reply::new(
        550,
        "5.6.0",
        format!("the message has more than one {field} field"),
    )
}

/// `552`: the header is larger than we take.
#[must_use]
pub fn header_too_big() -> Reply {
    Reply::new(552, "5.3.4", "message header too big")
}

/// `452`: the message cannot be stored for now.
#[must_use]
pub fn storage_unavailable() -> Reply {
    Reply::new(452, "4.3.1", "the message cannot be stored now, try again")
}

/// `550`: the policy wants a signature, and the message or its key allows none.
#[must_use]
pub fn signing_refused() -> Reply {
    Reply::new(
        550,
        "5.7.0",
        "the message cannot be signed, and unsigned mail is not sent",
    )
}

/// `550`: this client may not send from the domain of the message.
#[must_use]
pub fn sender_refused() -> Reply {
    Reply::new(550, "5.7.1", "this client may not send from that domain")
}

/// `550`: the message must go under TLS alone, and that is not promised here (RFC 8689 §5).
#[must_use]
pub fn require_tls_not_offered() -> Reply {
    Reply::new(550, "5.7.30", "REQUIRETLS is not offered")
}

/// `451`: the policy wants a signature that cannot be made for now.
#[must_use]
pub fn signing_unavailable() -> Reply {
    Reply::new(451, "4.3.5", "the message cannot be signed now, try again")
}

/// The reply to a line that is no command we obey.
#[must_use]
pub fn command_error(error: &CommandError) -> Reply {
    match error {
        CommandError::Unrecognized => Reply::new(500, "5.5.2", "command not recognized"),
        CommandError::NotOffered => not_offered(),
        CommandError::OtherProtocol => other_protocol(),
        CommandError::Argument => Reply::new(501, "5.5.4", "argument malformed"),
        CommandError::ChunkSize => {
            Reply::new(501, "5.5.4", "chunk size malformed, closing the connection")
        }
        CommandError::ChunkPosition { .. } => {
            Reply::new(501, "5.5.4", "say BDAT size or BDAT size LAST")
        }
        CommandError::Forward(_) => Reply::new(501, "5.5.4", "attribute malformed"),
        CommandError::Path(_) => Reply::new(501, "5.1.3", "address malformed"),
        CommandError::Param(ParamError::Unknown) => {
            Reply::new(555, "5.5.4", "parameter not offered")
        }
        CommandError::Param(_) => Reply::new(501, "5.5.4", "parameter malformed"),
        CommandError::NeedsSmtpUtf8 => Reply::new(553, "5.6.7", "the address needs SMTPUTF8"),
    }
}
