//! What a signature shall say: domain, selector, canonicalizations, dates and the header set.

use common_config::name::{DomainName, KeyName, Selector};

use crate::canon::Canonicalization;
use crate::error::SignError;
use crate::header_set::HeaderSet;

/// What one signature shall say.
///
/// The defaults are relaxed/relaxed, [`HeaderSet::default`], no `t=`, no `x=` and no `i=`. The tags `l=` and `z=` are never
/// written: the one leaves room for additions, the other repeats the header.
#[derive(Debug, Clone)]
pub struct SignatureParams {
    pub(crate) domain: DomainName,
    pub(crate) selector: Selector,
    pub(crate) header_canonicalization: Canonicalization,
    pub(crate) body_canonicalization: Canonicalization,
    pub(crate) headers: HeaderSet,
    pub(crate) identity: Option<DomainName>,
    pub(crate) timestamp: Option<u64>,
    pub(crate) expires: Option<u64>,
    pub(crate) reports: bool,
}

impl SignatureParams {
    /// A signature of `domain` (`d=`) with the key at `selector` (`s=`).
    pub fn new(domain: DomainName, selector: Selector) -> SignatureParams {
        SignatureParams {
            domain,
            selector,
            header_canonicalization: Canonicalization::Relaxed,
            body_canonicalization: Canonicalization::Relaxed,
            headers: HeaderSet::default(),
            identity: None,
            timestamp: None,
            expires: None,
            reports: false,
        }
    }

    /// Other canonicalizations of header and body, `c=`.
    #[must_use]
    pub fn canonicalization(
        mut self,
        header: Canonicalization,
        body: Canonicalization,
    ) -> SignatureParams {
        self.header_canonicalization = header;
        self.body_canonicalization = body;
        self
    }

    /// Another choice of header fields, `h=`.
    #[must_use]
    pub fn headers(mut self, headers: HeaderSet) -> SignatureParams {
        self.headers = headers;
        self
    }

    /// When the signature is made, `t=`, in seconds since 1970 UTC.
    #[must_use]
    pub fn timestamp(mut self, seconds: u64) -> SignatureParams {
        self.timestamp = Some(seconds);
        self
    }

    /// When the signature ceases to hold, `x=`, in seconds since 1970 UTC. It must be after `t=`.
    #[must_use]
    pub fn expires(mut self, seconds: u64) -> SignatureParams {
        self.expires = Some(seconds);
        self
    }

    /// The domain for which the mail is, `i=@…`: the signing domain or one below it. A local part is never written.
    #[must_use]
    pub fn identity(mut self, domain: DomainName) -> SignatureParams {
        self.identity = Some(domain);
        self
    }

    /// Asks verifiers for reports about failures, `r=y` (RFC 6651 §3.1).
    #[must_use]
    pub fn request_reports(mut self) -> SignatureParams {
        self.reports = true;
        self
    }

    /// Where the key of this signature is published.
    pub fn key_name(&self) -> KeyName {
        KeyName::new(self.selector.clone(), self.domain.clone())
    }

    /// The canonicalization of the body: which hash of it the signature needs.
    pub fn body_canonicalization(&self) -> Canonicalization {
        self.body_canonicalization
    }

    pub(crate) fn check(&self) -> Result<(), SignError> {
        if let Some(identity) = &self.identity
            && !identity.is_same_or_below(&self.domain)
        {
            return Err(SignError::IdentityOutsideDomain {
                identity: identity.to_string(),
                domain: self.domain.to_string(),
            });
        }
        match (self.timestamp, self.expires) {
            (Some(timestamp), Some(expires)) if expires <= timestamp => {
                Err(SignError::ExpiresBeforeMade { timestamp, expires })
            }
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }
}
