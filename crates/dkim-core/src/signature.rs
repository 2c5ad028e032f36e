//! A `DKIM-Signature` field as it is read (RFC 6376 §3.5, with the checks of §6.1.1 that need no key).

use std::ops::Range;

use common_config::name::{DomainName, KeyName, Selector};

use crate::algorithm::Algorithm;
use crate::canon::Canonicalization;
use crate::error::SignatureError;
use crate::tag_list::{TagList, base64_value, number_value, text_value};

/// A signature whose tags were understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) algorithm: StatedAlgorithm,
    pub(crate) key: KeyName,
    /// The domain of `i=`, which is `d=` when the tag is left out.
    pub(crate) identity: DomainName,
    pub(crate) header_canonicalization: Canonicalization,
    pub(crate) body_canonicalization: Canonicalization,
    /// `h=`, as written.
    pub(crate) names: Vec<String>,
    pub(crate) body_hash: Vec<u8>,
    pub(crate) value: Vec<u8>,
    /// `l=`.
    pub(crate) length: Option<u64>,
    pub(crate) timestamp: Option<u64>,
    pub(crate) expires: Option<u64>,
    /// Where the value of `b=` stands in the field's body.
    pub(crate) value_span: Range<usize>,
}

/// What `a=` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatedAlgorithm {
    Known(Algorithm),
    /// `rsa-sha1`, which RFC 8301 §3.1 forbids to verify.
    Retired,
    Unknown(String),
}

impl Signature {
    /// Reads the body of a field: what follows the colon.
    pub(crate) fn parse(body: &[u8]) -> Result<Signature, SignatureError> {
        let tags = TagList::parse(body)?;
        if required(&tags, "v")? != "1" {
            return Err(SignatureError::Version);
        }
        let algorithm = stated_algorithm(required(&tags, "a")?);
        let value = octets(&tags, "b")?;
        let body_hash = octets(&tags, "bh")?;
        let domain: DomainName = required(&tags, "d")?
            .parse()
            .map_err(|_| SignatureError::Value { tag: "d" })?;
        let selector: Selector = required(&tags, "s")?
            .parse()
            .map_err(|_| SignatureError::Value { tag: "s" })?;
        let names = signed_names(&required(&tags, "h")?)?;
        let identity = identity(&tags, &domain)?;
        let (header_canonicalization, body_canonicalization) = canonicalizations(&tags)?;
        check_query(&tags)?;
        let timestamp = number(&tags, "t")?;
        let expires = number(&tags, "x")?;
        if let (Some(timestamp), Some(expires)) = (timestamp, expires)
            && expires <= timestamp
        {
            return Err(SignatureError::ExpiresBeforeMade);
        }
        Ok(Signature {
            algorithm,
            key: KeyName::new(selector, domain),
            identity,
            header_canonicalization,
            body_canonicalization,
            names,
            body_hash,
            value,
            length: number(&tags, "l")?,
            timestamp,
            expires,
            value_span: tags.span("b").unwrap_or_default(),
        })
    }
}

/// Domain and selector of a signature that may be malformed elsewhere, for the report about it.
pub(crate) fn key_of(body: &[u8]) -> Option<KeyName> {
    let tags = TagList::parse(body).ok()?;
    let domain = required(&tags, "d").ok()?.parse().ok()?;
    let selector = required(&tags, "s").ok()?.parse().ok()?;
    Some(KeyName::new(selector, domain))
}

fn required(tags: &TagList<'_>, tag: &'static str) -> Result<String, SignatureError> {
    let value = tags.value(tag).ok_or(SignatureError::Missing { tag })?;
    match text_value(value) {
        Some(text) if !text.is_empty() => Ok(text),
        Some(_) | None => Err(SignatureError::Value { tag }),
    }
}

fn octets(tags: &TagList<'_>, tag: &'static str) -> Result<Vec<u8>, SignatureError> {
    let value = tags.value(tag).ok_or(SignatureError::Missing { tag })?;
    match base64_value(value) {
        Some(octets) if !octets.is_empty() => Ok(octets),
        Some(_) | None => Err(SignatureError::Value { tag }),
    }
}

fn number(tags: &TagList<'_>, tag: &'static str) -> Result<Option<u64>, SignatureError> {
    tags.value(tag)
        .map(|value| number_value(value).ok_or(SignatureError::Value { tag }))
        .transpose()
}

fn stated_algorithm(text: String) -> StatedAlgorithm {
    match Algorithm::from_tag(&text) {
        Some(known) => StatedAlgorithm::Known(known),
        None if text.eq_ignore_ascii_case("rsa-sha1") => StatedAlgorithm::Retired,
        None => StatedAlgorithm::Unknown(text),
    }
}

fn signed_names(list: &str) -> Result<Vec<String>, SignatureError> {
    let names: Vec<String> = list.split(':').map(str::to_owned).collect();
    if names.iter().any(String::is_empty) {
        return Err(SignatureError::Value { tag: "h" });
    }
    if !names.iter().any(|name| name.eq_ignore_ascii_case("from")) {
        return Err(SignatureError::FromNotSigned);
    }
    Ok(names)
}

/// RFC 6376 §6.1.1: the domain of `i=` MUST be `d=` or below it.
fn identity(tags: &TagList<'_>, domain: &DomainName) -> Result<DomainName, SignatureError> {
    let malformed = SignatureError::Value { tag: "i" };
    let Some(value) = tags.value("i") else {
        return Ok(domain.clone());
    };
    let text = text_value(value).ok_or_else(|| malformed.clone())?;
    let (_, host) = text.rsplit_once('@').ok_or_else(|| malformed.clone())?;
    let identity: DomainName = host.parse().map_err(|_| malformed)?;
    if !identity.is_same_or_below(domain) {
        return Err(SignatureError::IdentityOutsideDomain);
    }
    Ok(identity)
}

fn canonicalizations(
    tags: &TagList<'_>,
) -> Result<(Canonicalization, Canonicalization), SignatureError> {
    let malformed = SignatureError::Value { tag: "c" };
    let Some(value) = tags.value("c") else {
        return Ok((Canonicalization::Simple, Canonicalization::Simple));
    };
    let text = text_value(value).ok_or_else(|| malformed.clone())?;
    // RFC 6376 §3.5: if only one is named, it is the header's, and the body's is simple.
    let (header, body) = text.split_once('/').unwrap_or((&text, "simple"));
    let read = |name| Canonicalization::from_tag(name).ok_or_else(|| malformed.clone());
    Ok((read(header)?, read(body)?))
}

/// RFC 6376 §3.5: the one way of asking for keys is `dns/txt`; unknown ones are ignored.
fn check_query(tags: &TagList<'_>) -> Result<(), SignatureError> {
    let Some(value) = tags.value("q") else {
        return Ok(());
    };
    let text = text_value(value).unwrap_or_default();
    if text
        .split(':')
        .any(|method| method.eq_ignore_ascii_case("dns/txt"))
    {
        Ok(())
    } else {
        Err(SignatureError::Value { tag: "q" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "v=1; a=rsa-sha256; d=example.com; s=sel; h=From : To; bh=AAAA; b=BBBB";

    #[test]
    fn reads_defaults() {
        let signature = Signature::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(
            signature.algorithm,
            StatedAlgorithm::Known(Algorithm::RsaSha256)
        );
        assert_eq!(signature.key.record_name(), "sel._domainkey.example.com");
        assert_eq!(signature.identity.as_str(), "example.com");
        assert_eq!(signature.names, ["From", "To"]);
        assert_eq!(signature.header_canonicalization, Canonicalization::Simple);
        assert_eq!(signature.body_canonicalization, Canonicalization::Simple);
        assert_eq!(
            (signature.length, signature.timestamp, signature.expires),
            (None, None, None)
        );
    }

    #[test]
    fn refuses_by_tag() {
        let check = |from: &str, to: &str, expected: SignatureError| {
            let text = GOOD.replace(from, to);
            assert_eq!(
                Signature::parse(text.as_bytes()).unwrap_err(),
                expected,
                "{text}"
            );
        };
        check("v=1; ", "", SignatureError::Missing { tag: "v" });
        check("v=1", "v=2", SignatureError::Version);
        check("h=From : To", "h=To", SignatureError::FromNotSigned);
        check(
            "h=From : To",
            "h=From::To",
            SignatureError::Value { tag: "h" },
        );
        check("b=BBBB", "b=", SignatureError::Value { tag: "b" });
        check("b=BBBB", "b=!", SignatureError::Value { tag: "b" });
        check("s=sel", "s=a b..c", SignatureError::Value { tag: "s" });
        check("v=1", "v=1; l=-1", SignatureError::Value { tag: "l" });
        check("v=1", "v=1; c=nofws", SignatureError::Value { tag: "c" });
        check("v=1", "v=1; q=http", SignatureError::Value { tag: "q" });
        check("v=1", "v=1; t=5; x=5", SignatureError::ExpiresBeforeMade);
        check("v=1", "v=1; i=joe", SignatureError::Value { tag: "i" });
        check(
            "v=1",
            "v=1; i=@example.org",
            SignatureError::IdentityOutsideDomain,
        );
        check(
            "v=1",
            "v=1; i=@notexample.com",
            SignatureError::IdentityOutsideDomain,
        );
    }

    #[test]
    fn algorithms_are_told_apart() {
        let of = |text: &str| {
            Signature::parse(GOOD.replace("rsa-sha256", text).as_bytes())
                .unwrap()
                .algorithm
        };
        assert_eq!(
            of("ed25519-sha256"),
            StatedAlgorithm::Known(Algorithm::Ed25519Sha256)
        );
        assert_eq!(of("rsa-sha1"), StatedAlgorithm::Retired);
        assert_eq!(
            of("rsa-md5"),
            StatedAlgorithm::Unknown("rsa-md5".to_owned())
        );
    }
}
