//! What verification says about one signature.

use std::fmt;

use common_config::name::{DomainName, KeyName};

use crate::algorithm::{Algorithm, KeyType};
use crate::error::{HeaderError, RecordError, SignatureError};

/// The outcome for one signature. The list is closed: whoever matches on it sees every case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyResult {
    /// The signature holds.
    Pass,
    /// The body is not the one that was signed.
    BodyAltered,
    /// `l=` covers more octets than the body has.
    BodyTooShort,
    /// The signed header fields, or the signature itself, were altered, or another key signed.
    SignatureMismatch,
    /// `x=` is past.
    Expired {
        /// `x=`, in seconds since 1970 UTC.
        at: u64,
    },
    /// `t=` is in the future, beyond the skew allowed.
    FromTheFuture {
        /// `t=`, in seconds since 1970 UTC.
        at: u64,
    },
    /// The field does not follow RFC 6376.
    Malformed(SignatureError),
    /// `rsa-sha1`, which RFC 8301 §3.1 retired.
    AlgorithmRetired,
    /// An algorithm that is not known here.
    AlgorithmUnknown {
        /// What `a=` says.
        stated: String,
    },
    /// No key record is published.
    NoKey,
    /// The key record could not be asked for now; later it may be there.
    KeyUnavailable {
        /// What kept it.
        detail: String,
    },
    /// The key record cannot be read.
    KeyMalformed(RecordError),
    /// The key was revoked, an empty `p=`.
    KeyRevoked,
    /// The key is of another type than `a=` needs.
    KeyOfOtherType {
        /// The type of the published key.
        published: KeyType,
    },
    /// The record does not allow this hash, `h=`.
    HashNotAllowed,
    /// The record is not for mail, `s=`.
    NotForEmail,
    /// The record wants `i=` to be `d=` itself, `t=s`.
    IdentityNotDomain,
    /// The key is too short to prove anything (RFC 8301 §3.2).
    KeyTooShort {
        /// The size of its modulus.
        bits: u32,
    },
    /// The key is longer than is verified here.
    KeyTooLong {
        /// The size of its modulus.
        bits: u32,
    },
    /// More signatures than are looked at; this one was not.
    TooManySignatures,
    /// The message's header is beyond the limits; no signature was looked at.
    HeaderUnreadable(HeaderError),
}

impl VerifyResult {
    /// The word for an `Authentication-Results` field (RFC 8601 §2.7.1).
    pub fn status(&self) -> Status {
        match self {
            VerifyResult::Pass => Status::Pass,
            VerifyResult::BodyAltered
            | VerifyResult::BodyTooShort
            | VerifyResult::SignatureMismatch => Status::Fail,
            VerifyResult::KeyUnavailable { .. } => Status::TempError,
            VerifyResult::KeyTooShort { .. }
            | VerifyResult::KeyTooLong { .. }
            | VerifyResult::TooManySignatures => Status::Policy,
            VerifyResult::Expired { .. }
            | VerifyResult::FromTheFuture { .. }
            | VerifyResult::Malformed(_)
            | VerifyResult::AlgorithmRetired
            | VerifyResult::AlgorithmUnknown { .. }
            | VerifyResult::NoKey
            | VerifyResult::KeyMalformed(_)
            | VerifyResult::KeyRevoked
            | VerifyResult::KeyOfOtherType { .. }
            | VerifyResult::HashNotAllowed
            | VerifyResult::NotForEmail
            | VerifyResult::IdentityNotDomain
            | VerifyResult::HeaderUnreadable(_) => Status::PermError,
        }
    }

    /// Whether the signature holds.
    pub fn is_pass(&self) -> bool {
        self.status() == Status::Pass
    }
}

impl fmt::Display for VerifyResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerifyResult::Pass => f.write_str("the signature holds"),
            VerifyResult::BodyAltered => f.write_str("the body was altered after it was signed"),
            VerifyResult::BodyTooShort => f.write_str("the body is shorter than the signature says (l=)"),
            VerifyResult::SignatureMismatch => {
                f.write_str("a signed header field was altered, or the published key is not the one that signed")
            }
            VerifyResult::Expired { at } => write!(f, "the signature expired at {at} (x=)"),
            VerifyResult::FromTheFuture { at } => write!(f, "the signature is dated in the future, {at} (t=)"),
            VerifyResult::Malformed(error) => write_chain(f, "the signature field is malformed", error),
            VerifyResult::AlgorithmRetired => f.write_str("rsa-sha1 is retired (RFC 8301)"),
            VerifyResult::AlgorithmUnknown { stated } => write!(f, "the algorithm {stated:?} is not known"),
            VerifyResult::NoKey => f.write_str("no key record is published"),
            VerifyResult::KeyUnavailable { detail } => write!(f, "the key record could not be fetched: {detail}"),
            VerifyResult::KeyMalformed(error) => write_chain(f, "the key record is malformed", error),
            VerifyResult::KeyRevoked => f.write_str("the key was revoked (empty p=)"),
            VerifyResult::KeyOfOtherType { published } => write!(f, "the published key is of type {published}"),
            VerifyResult::HashNotAllowed => f.write_str("the key record does not allow sha256 (h=)"),
            VerifyResult::NotForEmail => f.write_str("the key record is not for email (s=)"),
            VerifyResult::IdentityNotDomain => {
                f.write_str("the key record demands that i= be the domain d= itself (t=s)")
            }
            VerifyResult::KeyTooShort { bits } => write!(f, "the published key has only {bits} bits"),
            VerifyResult::KeyTooLong { bits } => write!(f, "the published key has {bits} bits, too many to verify"),
            VerifyResult::TooManySignatures => f.write_str("not looked at: the message has too many signatures"),
            VerifyResult::HeaderUnreadable(error) => write_chain(f, "the header cannot be read", error),
        }
    }
}

/// The result in the words of RFC 8601 §2.7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// `pass`
    Pass,
    /// `fail`
    Fail,
    /// `policy`: it may hold, but is not acceptable here.
    Policy,
    /// `temperror`
    TempError,
    /// `permerror`
    PermError,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Pass => "pass",
            Status::Fail => "fail",
            Status::Policy => "policy",
            Status::TempError => "temperror",
            Status::PermError => "permerror",
        })
    }
}

/// How much of a body `l=` covers. What lies beyond anyone may have added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLength {
    /// `l=`: canonical octets that are signed.
    pub signed: u64,
    /// Canonical octets that there are.
    pub total: u64,
}

/// One signature of a message, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// The outcome.
    pub result: VerifyResult,
    /// Where the key is published, when domain and selector could be read.
    pub key: Option<KeyName>,
    /// The algorithm, when it is a known one.
    pub algorithm: Option<Algorithm>,
    /// The domain of `i=`.
    pub identity: Option<DomainName>,
    /// The names of `h=`.
    pub headers: Vec<String>,
    /// `t=`, in seconds since 1970 UTC.
    pub timestamp: Option<u64>,
    /// `x=`, in seconds since 1970 UTC.
    pub expires: Option<u64>,
    /// What `l=` covers, where the signature has one.
    pub body_length: Option<BodyLength>,
    /// The size of the published key, when it was read.
    pub key_bits: Option<u32>,
    /// Whether the key record says that the domain is testing, `t=y`.
    pub testing: bool,
}

impl Verification {
    pub(super) fn new(result: VerifyResult) -> Verification {
        Verification {
            result,
            key: None,
            algorithm: None,
            identity: None,
            headers: Vec::new(),
            timestamp: None,
            expires: None,
            body_length: None,
            key_bits: None,
            testing: false,
        }
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.result.status())?;
        if let Some(key) = &self.key {
            write!(f, " {key}")?;
        }
        if let Some(algorithm) = self.algorithm {
            write!(f, " {algorithm}")?;
        }
        write!(f, ": {}", self.result)?;
        if let Some(BodyLength { signed, total }) = self
            .body_length
            .filter(|length| length.signed < length.total)
        {
            write!(
                f,
                "; only {signed} of {total} octets of the body are signed (l=)"
            )?;
        }
        if self.testing {
            f.write_str("; the domain says it is testing (t=y)")?;
        }
        Ok(())
    }
}

fn write_chain(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    error: &dyn std::error::Error,
) -> fmt::Result {
    write!(f, "{what}: {error}")?;
    let mut source = error.source();
    while let Some(cause) = source {
        write!(f, ": {cause}")?;
        source = cause.source();
    }
    Ok(())
}
