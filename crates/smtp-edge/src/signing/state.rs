//! What signing came to for one message, as its record keeps it so that the step can be replayed.

use std::fmt;

use common_config::name::{DomainName, KeyName};

use crate::spool::message::Fault;

/// The outcome of the signing step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signing {
    /// No recipient is external, signing is off, or no entry covers the domain: the message leaves as it came.
    NotNeeded,
    /// The message carries these signatures on every copy that leaves for an external domain. Empty `keys` means that
    /// best effort let it go unsigned.
    Done {
        /// `DKIM-Signature` header fields, each ended by CRLF, to stand before everything else.
        header: Vec<u8>,
        /// The keys that signed, in the order of the fields.
        keys: Vec<KeyName>,
    },
    /// A key could not be had for now; nothing leaves for external domains until a replay succeeds.
    Deferred(SigningFault),
    /// The message will not be signed; external recipients have failed with this.
    Refused(SigningFault),
}

/// Why a message could not be signed, for the log and the report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SigningFault {
    /// What class of fault it is.
    pub class: FaultClass,
    /// The domain that was to be signed for, when one was found.
    pub domain: Option<DomainName>,
    /// The key that failed, when it was a key.
    pub key: Option<KeyName>,
}

impl SigningFault {
    /// The fault of a recipient who does not get the message because it could not be signed. No host answered.
    #[must_use]
    pub fn recipient_fault(&self) -> Fault {
        Fault {
            status: self.class.status().into(),
            remote: None,
            text: self.to_string().into(),
        }
    }
}

impl fmt::Display for SigningFault {
    /// A sentence for people, with the domain and the key (which names the selector) where they are known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message could not be signed with DKIM")?;
        if let Some(domain) = &self.domain {
            write!(f, " for the domain {domain}")?;
        }
        write!(f, ": {}", self.class.explanation())?;
        if let Some(key) = &self.key {
            write!(f, " (selector {}, key {key})", key.selector())?;
        }
        Ok(())
    }
}

/// The classes of signing faults: the closed set that settings, counters, logs and reports speak of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum FaultClass {
    /// The credential store cannot be reached or read for now.
    StoreAway,
    /// The named encryption key that opens the store is not there.
    NekAway,
    /// The store has no key of that name.
    KeyMissing,
    /// The key is revoked.
    KeyRevoked,
    /// The key's row was altered, or was sealed under another NEK.
    KeyUnreadable,
    /// The RSA key is shorter than the settings allow.
    KeyTooShort,
    /// The message cannot be signed: no usable From, or a form that DKIM cannot cover.
    CannotSign,
}

impl FaultClass {
    /// All of them, for counters that are to show a zero.
    pub const ALL: [Self; 7] = [
        Self::StoreAway,
        Self::NekAway,
        Self::KeyMissing,
        Self::KeyRevoked,
        Self::KeyUnreadable,
        Self::KeyTooShort,
        Self::CannotSign,
    ];

    /// Whether the same message may well be signed later, without anybody changing the message or its key.
    #[must_use]
    pub fn is_transient(self) -> bool {
        match self {
            Self::StoreAway | Self::NekAway => true,
            Self::KeyMissing
            | Self::KeyRevoked
            | Self::KeyUnreadable
            | Self::KeyTooShort
            | Self::CannotSign => false,
        }
    }

    /// The enhanced status code (RFC 3463) of a report about this fault: 5.3.5 is the system's configuration, 5.6.0
    /// the message itself.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::CannotSign => "5.6.0",
            Self::StoreAway
            | Self::NekAway
            | Self::KeyMissing
            | Self::KeyRevoked
            | Self::KeyUnreadable
            | Self::KeyTooShort => "5.3.5",
        }
    }

    /// The class as logs and counters write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::StoreAway => "store_away",
            Self::NekAway => "nek_away",
            Self::KeyMissing => "key_missing",
            Self::KeyRevoked => "key_revoked",
            Self::KeyUnreadable => "key_unreadable",
            Self::KeyTooShort => "key_too_short",
            Self::CannotSign => "cannot_sign",
        }
    }

    /// The class as a sentence's end, for reports that people read.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::StoreAway => "the store of signing keys could not be reached",
            Self::NekAway => "the encryption key of the key store was not available",
            Self::KeyMissing => "the signing key does not exist",
            Self::KeyRevoked => "the signing key is revoked",
            Self::KeyUnreadable => "the signing key could not be read",
            Self::KeyTooShort => "the signing key is too short",
            Self::CannotSign => "the message cannot be signed as it is",
        }
    }
}
