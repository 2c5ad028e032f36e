//! The self-check: before signatures are released, the octets that will leave are verified, by the record that each key
//! itself asks for, and by the published one where the DNS answers in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common_config::name::KeyName;
use dkim_core::{Limits, LookupError, VerifyResult, verify};
use router_config::{SelfCheck, SigningPolicy};

use super::published::{Published, PublishedRecords};
use super::sign::Attempt;
use super::state::FaultClass;
use crate::admin::metrics;
use crate::spool::message::Message;

/// Verifies what has been signed.
pub struct SelfChecks {
    published: Arc<dyn PublishedRecords>,
    /// Messages signed under `self_check = "sample"`.
    signed: AtomicUsize,
}

/// What a check found: a closed set, which the metrics count, a signature each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The signature verifies by both records.
    Passed,
    /// It verifies by the key's own record, and the DNS did not answer.
    Unanswered,
    /// It does not verify by the key's own record.
    Failed,
    /// It does not verify by the published record, or there is none.
    PublishedMismatch,
}

impl Found {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Passed,
        Self::Unanswered,
        Self::Failed,
        Self::PublishedMismatch,
    ];

    /// Its name in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Unanswered => "unanswered",
            Self::Failed => "failed",
            Self::PublishedMismatch => "published_mismatch",
        }
    }
}

impl SelfChecks {
    /// Checks against these published records.
    #[must_use]
    pub fn new(published: Arc<dyn PublishedRecords>) -> Self {
        Self {
            published,
            signed: AtomicUsize::new(0),
        }
    }

    /// Whether the message that was just signed is one to check. `must` says that it is so in any case but with checks off.
    pub(super) fn is_due(&self, policy: &SigningPolicy, must: impl FnOnce() -> bool) -> bool {
        let settings = policy.settings();
        match settings.self_check {
            SelfCheck::Off => false,
            SelfCheck::All => true,
            SelfCheck::Sample => {
                let number = self.signed.fetch_add(1, Ordering::Relaxed);
                let every = settings.self_check_one_in.get();
                must() || number % every == every - 1
            }
        }
    }

    /// Verifies the signatures of `attempt`, and notes in it those that do not hold at `now`.
    pub(super) async fn check(&self, attempt: &mut Attempt, message: &Message, now: u64) {
        let names: Vec<KeyName> = attempt
            .made
            .iter()
            .map(|made| made.published.clone())
            .collect();
        let own = attempt
            .made
            .iter()
            .map(|made| Some(vec![made.record.clone()]));
        let own: Vec<Published> = own.collect();
        let published = self.published.all_in_time(&names, IN_TIME).await;
        let fields = attempt.made.iter().flat_map(|made| &made.text);
        let whole = fields.chain(&message.trace).chain(&message.content);
        let whole: Vec<u8> = whole.copied().collect();
        let by_own = verified(&whole, &names, &own, now);
        let by_published = verified(&whole, &names, &published, now);
        for (place, (own, published)) in by_own.into_iter().zip(by_published).enumerate() {
            let found = match (own, published) {
                (Some(own), _) if !own.is_pass() => {
                    attempt.distrust(place, FaultClass::SelfCheckFailed, &own.to_string());
                    Found::Failed
                }
                (_, Some(published)) if !published.is_pass() => {
                    let why = published.to_string();
                    attempt.distrust(place, FaultClass::PublishedKeyMismatch, &why);
                    Found::PublishedMismatch
                }
                (_, Some(_)) => Found::Passed,
                (_, None) => Found::Unanswered,
            };
            metrics::counters().self_checked(found);
        }
    }
}

/// What becomes of each of the signatures that `message` begins with, one for each of `names`, by these records; nothing is
/// said where there are none.
fn verified(
    message: &[u8],
    names: &[KeyName],
    records: &[Published],
    now: u64,
) -> Vec<Option<VerifyResult>> {
    if records.iter().all(Option::is_none) {
        return vec![None; names.len()];
    }
    let lookup = |name: &KeyName| {
        let found = names.iter().zip(records).find(|(one, _)| *one == name);
        match found {
            Some((_, Some(records))) if !records.is_empty() => Ok(records.clone()),
            Some(_) | None => Err(LookupError::NoRecord),
        }
    };
    let mut limits = Limits::default();
    limits.signatures = limits.signatures.max(names.len());
    let results = verify(message, lookup, now, &limits).into_iter();
    // What an earlier hop signed stands behind ours.
    let ours = results.map(|one| Some(one.result)).zip(records);
    ours.map(|(result, records)| result.filter(|_| records.is_some()))
        .collect()
}

/// How long the DNS may take over all the records of a message: its sender waits.
const IN_TIME: Duration = Duration::from_secs(2);

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Mutex;

    use super::*;

    /// A DNS that answers for these names, and for no others: `None` is no answer in time.
    #[derive(Debug, Default)]
    pub(in crate::signing) struct Records(
        pub(in crate::signing) Mutex<HashMap<KeyName, Published>>,
    );

    impl PublishedRecords for Records {
        fn all_in_time<'a>(
            &'a self,
            names: &'a [KeyName],
            _: Duration,
        ) -> Pin<Box<dyn Future<Output = Vec<Published>> + Send + 'a>> {
            let records = self.0.lock().unwrap();
            let answers = names
                .iter()
                .map(|name| records.get(name).cloned().flatten());
            let answers = answers.collect();
            Box::pin(async move { answers })
        }
    }

    /// Checks in a world without a DNS.
    pub(crate) fn no_dns() -> SelfChecks {
        SelfChecks::new(Arc::new(Records::default()))
    }
}
