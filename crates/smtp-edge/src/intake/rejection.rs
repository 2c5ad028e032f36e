//! Why a message is not taken at the end of its data, and what its client is told.

use super::normalize::Malformed;
use crate::signing::state::SigningFault;
use crate::smtp::replies;
use crate::smtp::reply::Reply;
use crate::spool::SpoolError;

/// Why a message was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// It cannot be made well-formed, or is not to be.
    #[error("the message is malformed")]
    Malformed(#[from] Malformed),
    /// Its header is larger than the settings allow.
    #[error("the header has {octets} octets, more than smtp.max_header_size")]
    HeaderTooBig {
        /// How large it is.
        octets: usize,
    },
    /// It has passed too many hops.
    #[error("the message has {received} Received fields, more than smtp.max_received: it loops")]
    Loop {
        /// How many it has.
        received: usize,
    },
    /// It cannot be signed, the policy sends nothing unsigned, and nobody could be sent a report.
    #[error("{0}")]
    SigningRefused(SigningFault),
    /// It cannot be signed for now, and nobody could be sent a report later.
    #[error("{0}")]
    SigningUnavailable(SigningFault),
    /// Its client may not send from the domain that it is from.
    #[error("{0}")]
    SenderRule(SigningFault),
    /// Its sender wants every hop to use TLS (RFC 8689), which we did not offer and cannot promise.
    #[error("the message asks for REQUIRETLS, which is not offered")]
    RequireTls,
    /// It could not be put on stable storage.
    #[error("the message could not be stored")]
    Spool(#[from] SpoolError),
}

impl Rejection {
    /// What the client is told.
    #[must_use]
    pub fn reply(&self) -> Reply {
        match self {
            Self::Malformed(malformed) => match malformed {
                Malformed::Nul => replies::malformed_message(),
                Malformed::BareLineEnds => replies::bare_line_ends(),
                Malformed::TooManyFields { .. } => replies::header_too_big(),
                Malformed::Missing(field) => replies::missing_field(field),
                Malformed::Repeated(field) => replies::repeated_field(field),
                Malformed::LongHeaderLine => replies::long_header_line(),
                Malformed::LongLine => replies::long_line(),
            },
            Self::HeaderTooBig { .. } => replies::header_too_big(),
            Self::Loop { .. } => replies::loop_detected(),
            Self::SigningRefused(_) => replies::signing_refused(),
            Self::SigningUnavailable(_) => replies::signing_unavailable(),
            Self::SenderRule(_) => replies::sender_refused(),
            Self::RequireTls => replies::require_tls_not_offered(),
            Self::Spool(_) => replies::storage_unavailable(),
        }
    }
}
