//! The key records that are published: what receivers will verify by.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use common_config::name::KeyName;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

/// The TXT records at a key's name, the strings of each joined: none when there are none, nothing at all when the DNS has not
/// answered.
pub type Published = Option<Vec<String>>;

/// Asks the DNS for key records.
pub trait PublishedRecords: Send + Sync + 'static {
    /// What is published at each of `names`, as far as the DNS answers `within` the time for all of them.
    fn all_in_time<'a>(
        &'a self,
        names: &'a [KeyName],
        within: Duration,
    ) -> Pin<Box<dyn Future<Output = Vec<Published>> + Send + 'a>>;
}

impl PublishedRecords for TokioResolver {
    fn all_in_time<'a>(
        &'a self,
        names: &'a [KeyName],
        within: Duration,
    ) -> Pin<Box<dyn Future<Output = Vec<Published>> + Send + 'a>> {
        Box::pin(async move {
            let mut answers = vec![None; names.len()];
            let ask = async {
                for (name, answer) in names.iter().zip(&mut answers) {
                    *answer = records(self, name).await;
                }
            };
            // What was answered before the time ran out is kept.
            let _ = tokio::time::timeout(within, ask).await;
            answers
        })
    }
}

async fn records(dns: &TokioResolver, name: &KeyName) -> Published {
    let mut owner = Name::from_ascii(name.record_name()).ok()?;
    owner.set_fqdn(true); // no search list
    match dns.lookup(owner, RecordType::TXT).await {
        Ok(lookup) => {
            let records = lookup
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::TXT(text) => Some(joined(&text.txt_data)),
                    _ => None,
                });
            Some(records.collect())
        }
        Err(error) if error.is_nx_domain() || error.is_no_records_found() => Some(Vec::new()),
        Err(_) => None,
    }
}

/// RFC 6376 §3.6.2.2: the strings of one record are put together without anything between them.
fn joined(strings: &[Box<[u8]>]) -> String {
    String::from_utf8_lossy(&strings.concat()).into_owned()
}
