//! What becomes of mail that cannot be signed: by the class of the failure, and by the domain that the mail is from.

mod policy;

use common_config::name::DomainName;
use serde::{Deserialize, Serialize};

pub(crate) use self::policy::FailurePolicy;
pub use self::policy::FailureRule;
use crate::settings::Enforce;
use crate::signing_mode::SigningMode;

/// The ways in which signing can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// The credential store cannot be read for now.
    StoreAway,
    /// The NEK that opens the store is not there for now.
    NekAway,
    /// The store has no key of that name.
    KeyMissing,
    /// The key is revoked.
    KeyRevoked,
    /// The key's row was altered, or is sealed under another NEK.
    KeyUnreadable,
    /// The RSA key is shorter than `signing.rsa_minimum_bits`.
    KeyTooShort,
    /// Of the keys none has an algorithm that the destination takes (`algorithms` of its profile).
    NoSuitableKey,
    /// The message has no usable From, or a form that DKIM cannot cover.
    CannotSign,
    /// A signature did not verify by its key's own record before it was sent.
    SelfCheckFailed,
    /// A signature does not verify by the record that is published.
    PublishedKeyMismatch,
    /// The client may not sign for the domain that the message is from, and a rule of `router.senders` refuses it.
    SenderRule,
}

impl FaultClass {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::StoreAway,
        Self::NekAway,
        Self::KeyMissing,
        Self::KeyRevoked,
        Self::KeyUnreadable,
        Self::KeyTooShort,
        Self::NoSuitableKey,
        Self::CannotSign,
        Self::SelfCheckFailed,
        Self::PublishedKeyMismatch,
        Self::SenderRule,
    ];

    /// Whether waiting may help.
    #[must_use]
    pub fn is_transient(self) -> bool {
        match self {
            Self::StoreAway | Self::NekAway | Self::PublishedKeyMismatch => true,
            Self::KeyMissing
            | Self::KeyRevoked
            | Self::KeyUnreadable
            | Self::KeyTooShort
            | Self::NoSuitableKey
            | Self::CannotSign
            | Self::SelfCheckFailed
            | Self::SenderRule => false,
        }
    }

    /// Its name in settings, logs and metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::StoreAway => "store_away",
            Self::NekAway => "nek_away",
            Self::KeyMissing => "key_missing",
            Self::KeyRevoked => "key_revoked",
            Self::KeyUnreadable => "key_unreadable",
            Self::KeyTooShort => "key_too_short",
            Self::NoSuitableKey => "no_suitable_key",
            Self::CannotSign => "cannot_sign",
            Self::SelfCheckFailed => "self_check_failed",
            Self::PublishedKeyMismatch => "published_key_mismatch",
            Self::SenderRule => "sender_rule",
        }
    }

    /// The enhanced status code (RFC 3463) of a report about this fault: 5.3.5 is the system's configuration, 5.6.0
    /// the message itself, 5.7.1 who may send what.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::CannotSign => "5.6.0",
            Self::SenderRule => "5.7.1",
            Self::StoreAway
            | Self::NekAway
            | Self::KeyMissing
            | Self::KeyRevoked
            | Self::KeyUnreadable
            | Self::KeyTooShort
            | Self::NoSuitableKey
            | Self::SelfCheckFailed
            | Self::PublishedKeyMismatch => "5.3.5",
        }
    }

    /// What a key is called that has it, in a few words.
    #[must_use]
    pub fn condition(self) -> &'static str {
        match self {
            Self::StoreAway | Self::NekAway => "out of reach",
            Self::KeyMissing => "missing",
            Self::KeyRevoked => "revoked",
            Self::KeyUnreadable => "unreadable",
            Self::KeyTooShort => "too short",
            Self::NoSuitableKey => "not suitable",
            Self::CannotSign => "of no use for the message",
            Self::SelfCheckFailed => "not verified by its own record",
            Self::PublishedKeyMismatch => "published otherwise",
            Self::SenderRule => "not for its sender",
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
            Self::NoSuitableKey => "no signing key has an algorithm that the destination takes",
            Self::CannotSign => "the message cannot be signed as it is",
            Self::SelfCheckFailed => "the signature did not verify",
            Self::PublishedKeyMismatch => "the signature does not verify with the published key",
            Self::SenderRule => "its sender may not use the domain",
        }
    }
}

/// What becomes of a message that cannot be signed. Later ones are stricter: of several failures the strictest decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureAction {
    /// It goes with the signatures that worked, or with none.
    Send,
    /// It is taken and waits, until it can be signed or its time has run out.
    Defer,
    /// It is taken, and its sender gets a non-delivery report.
    Report,
    /// It is refused at the end of its data. What was accepted before is reported.
    Reject,
}

impl FailureAction {
    /// Its name in the settings.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Defer => "defer",
            Self::Report => "report",
            Self::Reject => "reject",
        }
    }

    /// What happens where no setting says otherwise.
    #[must_use]
    pub fn usual(mode: SigningMode, enforce: Enforce, class: FaultClass) -> Self {
        if class == FaultClass::SenderRule {
            return Self::Reject; // the rule has decided, whatever the mode
        }
        match (mode, enforce) {
            (SigningMode::Off | SigningMode::BestEffort, _) => Self::Send,
            // The signature is right; what this machine sees of the DNS need not be what receivers see.
            (SigningMode::Enforce, _) if class == FaultClass::PublishedKeyMismatch => Self::Send,
            (SigningMode::Enforce, _) if class.is_transient() => Self::Defer,
            (SigningMode::Enforce, Enforce::Report) => Self::Report,
            (SigningMode::Enforce, Enforce::Reject) => Self::Reject,
        }
    }
}

/// `[signing.on_failure]`: what becomes of a message, for each class that a setting names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OnFailure {
    /// See [`FaultClass::StoreAway`].
    pub store_away: Option<FailureAction>,
    /// See [`FaultClass::NekAway`].
    pub nek_away: Option<FailureAction>,
    /// See [`FaultClass::KeyMissing`].
    pub key_missing: Option<FailureAction>,
    /// See [`FaultClass::KeyRevoked`].
    pub key_revoked: Option<FailureAction>,
    /// See [`FaultClass::KeyUnreadable`].
    pub key_unreadable: Option<FailureAction>,
    /// See [`FaultClass::KeyTooShort`].
    pub key_too_short: Option<FailureAction>,
    /// See [`FaultClass::NoSuitableKey`].
    pub no_suitable_key: Option<FailureAction>,
    /// See [`FaultClass::CannotSign`].
    pub cannot_sign: Option<FailureAction>,
    /// See [`FaultClass::SelfCheckFailed`].
    pub self_check_failed: Option<FailureAction>,
    /// See [`FaultClass::PublishedKeyMismatch`].
    pub published_key_mismatch: Option<FailureAction>,
}

impl OnFailure {
    fn get(&self, class: FaultClass) -> Option<FailureAction> {
        match class {
            FaultClass::StoreAway => self.store_away,
            FaultClass::NekAway => self.nek_away,
            FaultClass::KeyMissing => self.key_missing,
            FaultClass::KeyRevoked => self.key_revoked,
            FaultClass::KeyUnreadable => self.key_unreadable,
            FaultClass::KeyTooShort => self.key_too_short,
            FaultClass::NoSuitableKey => self.no_suitable_key,
            FaultClass::CannotSign => self.cannot_sign,
            FaultClass::SelfCheckFailed => self.self_check_failed,
            FaultClass::PublishedKeyMismatch => self.published_key_mismatch,
            FaultClass::SenderRule => None,
        }
    }
}

/// An element of `[[signing.exceptions]]`: other rules for mail from some domains.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SigningException {
    /// The domains, each with all below it. The most specific one decides.
    pub domains: Vec<DomainName>,
    /// What becomes of a message; for other classes the rules of `[signing.on_failure]` hold.
    pub on_failure: OnFailure,
}
