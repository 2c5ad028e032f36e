//! What signing came to for one message, as its record keeps it so that the step can be replayed.

use std::fmt;

use common_config::name::{DomainName, KeyName};
use router_config::ProfileName;

use crate::spool::message::Fault;

pub use router_config::FaultClass;

/// The outcome of the signing step for the copies of one profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signing {
    /// Signing is off, no entry covers the domain, or nothing may come of signing: the copies leave as the message came.
    NotNeeded,
    /// The copies carry these signatures. None means that best effort let the message go unsigned.
    Done(Signatures),
    /// A key could not be had for now; nothing leaves until a replay succeeds.
    Deferred(SigningFault),
    /// The message will not be signed; the recipients of these copies fail with this.
    Refused(SigningFault),
}

/// The signatures of a message, one after the other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Signatures {
    /// `DKIM-Signature` header fields, each ended by CRLF, to stand before everything else.
    pub header: Vec<u8>,
    /// The keys that signed, in the order of the fields.
    pub keys: Vec<UsedKey>,
    /// The `t=`: seconds since 1970.
    pub made: u64,
    /// The `x=`, when there is one.
    pub expires: Option<u64>,
}

/// A key that has signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsedKey {
    /// Its name in the store.
    pub name: KeyName,
    /// The SHA-256 of its public half, by which it is told from another key of its name.
    pub fingerprint: [u8; 32],
}

/// A digest of all that the policy says of a message's copies: when it is another, the outcome is out of date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms(pub [u8; 16]);

/// The outcome for one profile, and what it rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileSigning {
    /// Whose copies.
    pub profile: ProfileName,
    /// What the policy said.
    pub terms: Terms,
    /// What came of it.
    pub signing: Signing,
}

/// The outcomes for all profiles that a message's external recipients have; none while no recipient is external.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Signings(Vec<ProfileSigning>);

impl Signings {
    /// The outcome for a profile, if the step has been run for it.
    #[must_use]
    pub fn of(&self, profile: &ProfileName) -> Option<&ProfileSigning> {
        self.0.iter().find(|one| one.profile == *profile)
    }

    /// Takes an outcome in the place of an earlier one for the same profile.
    pub fn put(&mut self, new: ProfileSigning) {
        match self.0.iter_mut().find(|one| one.profile == new.profile) {
            Some(one) => *one = new,
            None => self.0.push(new),
        }
    }

    /// All outcomes, in the order in which they were first made.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ProfileSigning> {
        self.0.iter()
    }

    /// The faults for which copies wait.
    pub fn deferred(&self) -> impl Iterator<Item = &SigningFault> {
        self.iter().filter_map(|one| match &one.signing {
            Signing::Deferred(fault) => Some(fault),
            Signing::NotNeeded | Signing::Done(_) | Signing::Refused(_) => None,
        })
    }
}

impl FromIterator<ProfileSigning> for Signings {
    fn from_iter<I: IntoIterator<Item = ProfileSigning>>(outcomes: I) -> Self {
        let mut signings = Self::default();
        for outcome in outcomes {
            signings.put(outcome);
        }
        signings
    }
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
