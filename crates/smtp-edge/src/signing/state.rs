//! What signing came to for one message, as its record keeps it so that the step can be replayed.

use std::fmt;

use common_config::name::{DomainName, KeyName};

use crate::spool::message::Fault;

pub use router_config::FaultClass;

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
