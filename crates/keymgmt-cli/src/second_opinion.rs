//! The second opinion of `verify`: the same message and the same records, judged by mail-auth.
//!
//! dkim-core decides; this is shown beside it, so that a fault of ours can be seen. It asks no DNS: it gets the records
//! that dkim-core was given.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Instant;

use common_config::name::KeyName;
use mail_auth::common::parse::TxtRecordParser as _;
use mail_auth::common::verify::DomainKey;
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::{
    AuthenticatedMessage, DnsError, Error, MessageAuthenticator, Parameters, ResolverCache, Txt,
};

/// The records that were found, by key.
pub(crate) type Found = HashMap<KeyName, Vec<String>>;

/// What mail-auth says of each signature, by selector and domain as the signature writes them.
pub(crate) async fn ask(message: &[u8], found: &Found) -> Vec<(String, String)> {
    // Without servers: a record that is not among those found is an answer that never comes.
    let judge = MessageAuthenticator::new(ResolverConfig::default(), ResolverOpts::default());
    let (Ok(judge), Some(message)) = (
        judge,
        AuthenticatedMessage::parse_with_opts(message, None, true),
    ) else {
        return Vec::new();
    };
    let records = Records(
        found
            .iter()
            .map(|(key, texts)| (format!("{key}.").into(), txt(texts)))
            .collect(),
    );
    let outputs = judge
        .verify_dkim(Parameters::new(&message).with_txt_cache(&records))
        .await;
    let opinions = outputs.iter().map(|output| {
        let key = output
            .signature()
            .map(|signature| format!("{}._domainkey.{}", signature.s, signature.d));
        (
            key.unwrap_or_default().to_lowercase(),
            output.result().to_string(),
        )
    });
    opinions.collect()
}

/// The first record that mail-auth can read, as its own resolver picks it.
fn txt(texts: &[String]) -> Txt {
    let mut result = Err(Error::Dns(DnsError::InvalidRecordType));
    for text in texts {
        result = DomainKey::parse(text.as_bytes());
        if result.is_ok() {
            break;
        }
    }
    result.into()
}

struct Records(HashMap<Box<str>, Txt>);

impl ResolverCache<Box<str>, Txt> for Records {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(name).cloned()
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}
