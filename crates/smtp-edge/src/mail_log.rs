//! The mail log: a closed set of events, one line each, every one with the queue id it is about. It is where events are
//! counted, too, so that the log and the metrics say the same.
//!
//! It is an interface: administrators' tools read the names and fields below. Remote text reaches it only through
//! [`Fault`], whose text is printable already.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

pub use common_config::chain::Chain;
use common_config::name::{DomainName, KeyName};
use common_config::user_name::UserName;
use dkim_core::Algorithm;
use router_config::ProfileName;

use crate::admin::metrics::counters;
use crate::clock::unix_seconds;
use crate::deliver::route::Hop;
use crate::envelope::{Envelope, Mailbox, ReversePath, Source};
use crate::ids::QueueId;
use crate::intake::normalize::Mending;
use crate::net::turned_away::TurnedAway;
use crate::queue::order::{Draining, Instruction, Order};
use crate::signing::quiet::Quiet;
use crate::signing::replay::Occasion;
use crate::signing::state::{FaultClass, SigningFault, UsedKey};
use crate::signing::unsigned::Unsigned;
use crate::smtp::sasl::Mechanism;
use crate::smtp::server::Client;
use crate::spool::message::Fault;

/// A message is on stable storage and has been answered 250.
pub fn accepted(id: QueueId, envelope: &Envelope, message_id: &str, size: usize) {
    counters().accepted(&envelope.source);
    let (client, identity) = match &envelope.source {
        Source::Client { client, .. } => (client.address.to_string(), client.identity.as_ref()),
        Source::Ourselves => ("ourselves".to_owned(), None),
    };
    tracing::info!(
        queue_id = %id,
        client,
        identity = identity.map(UserName::as_str).unwrap_or_default(),
        from = %envelope.reverse_path,
        recipients = envelope.recipients.len(),
        message_id,
        size,
        "accepted"
    );
}

/// The message was not well-formed when it came; `what` names the changes that made it so. Nothing when there were none.
pub fn mended(id: QueueId, mendings: &[Mending]) {
    if mendings.is_empty() {
        return;
    }
    counters().mended(mendings);
    let labels: Vec<&str> = mendings.iter().map(|mending| mending.label()).collect();
    tracing::info!(queue_id = %id, what = labels.join(","), "mended");
}

/// A client's message, or its whole session, was refused; `reply` is what it was told.
pub fn rejected(client: IpAddr, from: Option<&ReversePath>, reply: &str, why: &dyn Error) {
    counters().rejected(reply);
    let from = from.map(ToString::to_string).unwrap_or_default();
    tracing::warn!(%client, from, reply, why = %Chain(why), "rejected");
}

/// A connection has ended before there was a session, or before SMTP was spoken in it.
pub fn turned_away(client: IpAddr, reason: TurnedAway, why: Option<&dyn Error>) {
    counters().turned_away(reason);
    let reason = reason.label();
    match why {
        Some(why) => tracing::warn!(%client, reason, why = %Chain(why), "turned_away"),
        None => tracing::warn!(%client, reason, "turned_away"),
    }
}

/// The files of the certificate have changed, and what they hold now is shown to clients.
pub fn certificate_swapped(file: &Path) {
    tracing::info!(certificate = %file.display(), "certificate_swapped");
}

/// The files of the certificate have changed and cannot be used; what was in force stays. Said once for each change.
pub fn certificate_unusable(file: &Path, why: &dyn Error) {
    tracing::error!(certificate = %file.display(), why = %Chain(why), "certificate_unusable");
}

/// A client has proved who it is.
pub fn authenticated(client: &Client, mechanism: Mechanism) {
    let identity = client.identity.as_ref().map(UserName::as_str);
    tracing::info!(
        client = %client.address,
        identity = identity.unwrap_or_default(),
        %mechanism,
        tls = client.tls.is_some(),
        "authenticated"
    );
}

/// The users of the store are in force, so many, since they were read first or have changed.
pub fn users_swapped(users: usize) {
    tracing::info!(users, "users_swapped");
}

/// A user of the store cannot authenticate.
pub fn user_unusable(user: &str, why: &dyn Error) {
    tracing::error!(user = user.escape_debug().to_string(), why = %Chain(why), "user_unusable");
}

/// The copies of that profile carry signatures by these keys, each with a signing domain and an algorithm.
pub fn signed(
    id: QueueId,
    profile: &ProfileName,
    domain: &str,
    keys: &[UsedKey],
    signatures: &[(DomainName, Algorithm)],
) {
    counters().signed(signatures);
    let keys = joined(keys.iter().map(|used| &used.name));
    tracing::info!(queue_id = %id, domain, keys, %profile, "signed");
}

fn joined<'a>(keys: impl Iterator<Item = &'a KeyName>) -> String {
    let keys: Vec<String> = keys.map(ToString::to_string).collect();
    keys.join(",")
}

/// The signing step is run again for the copies of that profile, before they leave; what comes of it follows.
pub fn signing_replayed(id: QueueId, profile: &ProfileName, occasion: Occasion) {
    counters().signing_replayed(occasion);
    tracing::info!(queue_id = %id, %profile, occasion = occasion.label(), "signing_replayed");
}

/// The message goes to external recipients without a signature, and `why`.
pub fn unsigned(id: QueueId, domain: &str, why: Unsigned) {
    counters().unsigned(why);
    tracing::info!(queue_id = %id, domain, why = why.explanation(), "unsigned");
}

/// In quiet mode: what would have become of the message. `failures` are `<class>` or `<class>:<key>`, joined by commas.
pub fn quiet(id: QueueId, domain: Option<&DomainName>, quiet: &Quiet, faults: &[&SigningFault]) {
    let failure = |fault: &&SigningFault| match &fault.key {
        Some(key) => format!("{}:{key}", fault.class.label()),
        None => fault.class.label().to_owned(),
    };
    let failures: Vec<String> = faults.iter().map(failure).collect();
    counters().quieted(quiet.would);
    tracing::info!(
        queue_id = %id,
        domain = domain.map(ToString::to_string).unwrap_or_default(),
        would = quiet.would.label(),
        keys = joined(quiet.keys.iter()),
        failures = failures.join(","),
        "quiet"
    );
}

/// A key or the message was at fault; `consequence` is what becomes of the message.
pub fn signing_failed(
    id: QueueId,
    fault: &SigningFault,
    consequence: &str,
    why: &dyn fmt::Display,
) {
    counters().signing_failed(fault.class);
    tracing::error!(
        queue_id = %id,
        class = fault.class.label(),
        domain = fault.domain.as_ref().map(ToString::to_string).unwrap_or_default(),
        key = fault.key.as_ref().map(ToString::to_string).unwrap_or_default(),
        consequence,
        %why,
        "signing_failed"
    );
}

/// A key that the policy names cannot sign; said at start, after each reload, and when a change of the store brings it about.
pub fn key_unusable(key: &KeyName, class: FaultClass, why: &str) {
    tracing::error!(%key, class = class.label(), why, "key_unusable");
}

/// Keys of the store have changed, and what they are now is in force: `changed` names them, `usable` keys sign.
pub fn keyring_swapped(changed: &BTreeSet<KeyName>, usable: usize, unusable: usize) {
    let mut names = changed.iter().map(ToString::to_string);
    let mut list: Vec<String> = names.by_ref().take(NAMED).collect();
    let more = names.count();
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    tracing::info!(
        changed = list.join(","),
        usable,
        unusable,
        "keyring_swapped"
    );
}

/// The credential store cannot be read, or is not believed; the keys in force stay. Said once, until it is back.
pub fn store_away(path: &Path, why: &dyn Error) {
    tracing::warn!(store = %path.display(), why = %Chain(why), "store_away");
}

/// The credential store can be read again.
pub fn store_back(path: &Path) {
    tracing::info!(store = %path.display(), "store_back");
}

/// Signing will be tried again.
pub fn signing_deferred(id: QueueId, fault: &SigningFault, next_attempt: SystemTime) {
    counters().signing_deferred(fault.class);
    tracing::warn!(
        queue_id = %id,
        class = fault.class.label(),
        domain = fault.domain.as_ref().map(ToString::to_string).unwrap_or_default(),
        key = fault.key.as_ref().map(ToString::to_string).unwrap_or_default(),
        next_attempt = unix_seconds(next_attempt),
        "signing_deferred"
    );
}

/// A next hop has taken the message for this recipient.
pub fn delivered(
    id: QueueId,
    recipient: &Mailbox,
    remote: &str,
    reply: &str,
    tls: bool,
    took: Duration,
) {
    counters().delivered();
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(queue_id = %id, to = %recipient, remote, reply, tls, milliseconds, "delivered");
}

/// The attempt for this recipient failed and will be repeated.
pub fn deferred(id: QueueId, recipient: &Mailbox, fault: &Fault, next_attempt: SystemTime) {
    counters().deferred();
    let remote = fault.remote.as_deref().unwrap_or_default();
    tracing::warn!(
        queue_id = %id,
        to = %recipient,
        status = %fault.status,
        remote,
        reply = %fault.text,
        next_attempt = unix_seconds(next_attempt),
        "deferred"
    );
}

/// A destination was not reached so often in a row that it is left alone until then.
pub fn destination_dead(hop: &Hop, until: SystemTime, why: Option<&Fault>) {
    counters().destination_died();
    tracing::warn!(
        destination = %hop,
        until = unix_seconds(until),
        why = why.map(|fault| &*fault.text).unwrap_or_default(),
        "destination_dead"
    );
}

/// This recipient will not have the message.
pub fn failed(id: QueueId, recipient: &Mailbox, fault: &Fault) {
    counters().bounced();
    let remote = fault.remote.as_deref().unwrap_or_default();
    tracing::error!(queue_id = %id, to = %recipient, status = %fault.status, remote, reply = %fault.text, "failed");
}

/// The sender is being told; `report` is the report's own queue id, empty when a null sender gets none.
pub fn reported(id: QueueId, report: Option<QueueId>, sender: &ReversePath) {
    counters().reported();
    let report = report.map(|report| report.to_string()).unwrap_or_default();
    tracing::info!(queue_id = %id, report, to = %sender, "reported");
}

/// The sender is being told that the message is delayed; `notice` is the notice's own queue id.
pub fn delay_told(id: QueueId, notice: QueueId, sender: &ReversePath) {
    counters().delay_told();
    tracing::info!(queue_id = %id, notice = %notice, to = %sender, "delay_told");
}

/// An administrator's order about the message was carried out, and is on record. Without an envelope the message could not be
/// read any more.
pub fn queue_order(id: QueueId, envelope: Option<&Envelope>, instruction: &Instruction) {
    let Instruction {
        order, by, reason, ..
    } = instruction;
    counters().ordered(order);
    let next_hop = match order {
        Order::Requeue(Some(next_hop)) => next_hop.to_string(),
        Order::Requeue(None) => "settings".to_owned(),
        Order::Hold | Order::Release | Order::Retry | Order::Expire | Order::Delete => {
            String::new()
        }
    };
    let from = envelope.map(|envelope| envelope.reverse_path.to_string());
    tracing::warn!(
        queue_id = %id,
        order = order.label(),
        next_hop,
        uid = by,
        reason = reason.escape_debug().to_string(),
        from = from.unwrap_or_default(),
        recipients = envelope.map_or(0, |envelope| envelope.recipients.len()),
        "queue_order"
    );
}

/// An administrator has begun, or ended, to let the queue run empty.
pub fn draining(draining: Draining, by: u32) {
    let state = match draining {
        Draining::On => "on",
        Draining::Off => "off",
    };
    tracing::warn!(state, uid = by, "draining");
}

/// Every recipient is settled and the message is gone from the spool.
pub fn removed(id: QueueId) {
    tracing::info!(queue_id = %id, "removed");
}

/// The TLS handshake with a next hop failed; the message goes there in clear.
pub fn tls_failed(id: QueueId, remote: &str, why: &dyn Error) {
    counters().tls_failed();
    tracing::warn!(queue_id = %id, remote, why = %Chain(why), "tls_failed");
}

/// A round of a message could not do `step`, by a fault of ours or of the machine's; it is tried again.
pub fn round_failed(id: QueueId, step: &str, why: &dyn Error) {
    counters().round_failed();
    tracing::error!(queue_id = %id, step, why = %Chain(why), "round_failed");
}

/// Writing to the spool or syncing it has failed: no mail is taken until it works again.
pub fn spool_failed(why: &dyn Error) {
    tracing::error!(why = %Chain(why), "spool_failed");
}

/// The spool has no room for another segment: new mail is refused, what is there is delivered.
pub fn spool_full(why: &dyn Error) {
    tracing::error!(why = %Chain(why), "spool_full");
}

/// The spool takes mail again.
pub fn spool_works() {
    tracing::info!("spool_works");
}

/// Space in the spool could not be given back; it is tried again.
pub fn spool_not_reclaimed(why: &dyn Error) {
    tracing::warn!(why = %Chain(why), "spool_not_reclaimed");
}

/// At the end of the log there is a batch that was not written to its end, and so was never answered.
pub fn spool_torn(segment: &Path, offset: u32) {
    tracing::warn!(segment = %segment.display(), offset, "spool_torn");
}

/// A start found something in the spool that it cannot read; this is where it is now.
pub fn spool_record_damaged(record: &Path) {
    counters().spool_damaged();
    tracing::error!(record = %record.display(), "spool_record_damaged");
}

/// What that record says of which message is not known. It may be an outcome, so that a recipient may get a second copy.
pub fn spool_outcomes_unknown(record: &Path) {
    tracing::error!(record = %record.display(), "spool_outcomes_unknown");
}

/// The latest record about a message could not be read: it is held until a person says whether it was delivered.
pub fn spool_held(id: QueueId) {
    tracing::error!(queue_id = %id, "spool_held");
}

/// Keys that one line of the log names; a store that is away touches all of them.
const NAMED: usize = 20;
