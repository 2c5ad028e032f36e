//! The replies of AUTH (RFC 4954 §6).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::smtp::reply::Reply;
use crate::smtp::sasl::Fault;

/// `334`: a challenge of AUTH, in base64.
#[must_use]
pub fn challenge(challenge: &[u8]) -> Reply {
    Reply::new(334, "", STANDARD.encode(challenge))
}

/// `235`: AUTH has succeeded.
#[must_use]
pub fn authenticated() -> Reply {
    Reply::new(235, "2.7.0", "authenticated")
}

/// AUTH has failed. A wrong password and a user that does not exist are told alike.
#[must_use]
pub fn auth_failed(fault: Fault) -> Reply {
    match fault {
        Fault::Malformed => Reply::new(501, "5.5.2", "authentication response malformed"),
        Fault::OtherIdentity | Fault::ChannelBinding | Fault::Wrong => {
            Reply::new(535, "5.7.8", "authentication failed")
        }
        Fault::Unavailable => Reply::new(454, "4.7.0", "cannot authenticate now, try again"),
    }
}

/// `501`: the client has broken AUTH off.
#[must_use]
pub fn auth_cancelled() -> Reply {
    Reply::new(501, "5.7.0", "authentication cancelled")
}

/// `501`: a response of AUTH is not base64.
#[must_use]
pub fn not_base64() -> Reply {
    Reply::new(501, "5.5.2", "the response is not base64")
}

/// `500`: a response of AUTH is too long (RFC 4954 §6).
#[must_use]
pub fn response_too_long() -> Reply {
    Reply::new(500, "5.5.6", "authentication response too long")
}

/// `504`: AUTH with a mechanism that is not offered.
#[must_use]
pub fn unknown_mechanism() -> Reply {
    Reply::new(504, "5.5.4", "mechanism not offered")
}

/// `538`: AUTH in clear (RFC 5248 §2.4 X.7.11).
#[must_use]
pub fn encryption_required() -> Reply {
    Reply::new(538, "5.7.11", "say STARTTLS first")
}
