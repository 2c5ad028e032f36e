//! What is counted and measured: the counters behind the events of the mail log, and what is read when somebody asks.
//!
//! [`declared`] names every metric. Every label has a bounded set of values: closed enums, and the signing domains of the
//! policy up to a limit. There is one set of counters for the process, as there is one log; it counts whether or not
//! somebody listens.

pub mod declared;
mod registered;

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use common_config::name::DomainName;
use dkim_core::Algorithm;
use prometheus::{GaugeVec, HistogramVec, IntCounterVec, Registry, TextEncoder};
use router_config::Fate;

use self::declared::{
    ACCEPTED, BOUNCED, BUILD_INFO, CONNECTIONS, DEFERRED, DELAY_NOTICES, DELIVERED,
    DESTINATIONS_DIED, KEYRING_AGE, KEYS_UNUSABLE, MENDED, QUEUE_DELIVERIES, QUEUE_DESTINATIONS,
    QUEUE_HELD, QUEUE_IN_LINE, QUEUE_MESSAGES, QUEUE_OLDEST, QUEUE_ORDERS, QUIET, RECEIVING,
    REJECTED, REPORTED, ROUND_FAILURES, SELF_CHECK_SECONDS, SELF_CHECKS, SIGNATURES,
    SIGNING_DEFERRED, SIGNING_FAILURES, SIGNING_REPLAYS, SIGNING_SECONDS, SPOOL_CONDITION,
    SPOOL_DAMAGED, TLS_FAILURES, TURNED_AWAY, UNSIGNED,
};
use self::registered::{counter, gauge, histogram};
use crate::envelope::Source;
use crate::intake::normalize::Mending;
use crate::net::turned_away::TurnedAway;
use crate::queue::order::Order;
use crate::queue::schedule::Level;
use crate::signing::replay::Occasion;
use crate::signing::self_check::Found;
use crate::signing::state::FaultClass;
use crate::signing::unsigned::Unsigned;
use crate::spool::log::Condition;

/// The process's own counters.
#[must_use]
pub fn counters() -> &'static Metrics {
    static COUNTERS: LazyLock<Metrics> = LazyLock::new(Metrics::default);
    &COUNTERS
}

/// What is measured at the moment somebody asks.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The queue.
    pub queue: Level,
    /// How long the oldest of them has been there.
    pub oldest: Duration,
    /// How long ago the keys were read.
    pub keyring_age: Duration,
    /// The fault of each key that cannot sign.
    pub unusable: Vec<FaultClass>,
    /// Whether the spool takes mail.
    pub spool: Condition,
}

/// A set of counters and gauges.
pub struct Metrics {
    registry: Registry,
    accepted: IntCounterVec,
    rejected: IntCounterVec,
    mended: IntCounterVec,
    turned_away: IntCounterVec,
    connections: GaugeVec,
    receiving: GaugeVec,
    signatures: IntCounterVec,
    domains: Mutex<HashSet<DomainName>>,
    unsigned: IntCounterVec,
    quiet: IntCounterVec,
    signing_failures: IntCounterVec,
    signing_deferred: IntCounterVec,
    signing_replays: IntCounterVec,
    self_checks: IntCounterVec,
    self_check_seconds: HistogramVec,
    delivered: IntCounterVec,
    deferred: IntCounterVec,
    bounced: IntCounterVec,
    reported: IntCounterVec,
    delay_notices: IntCounterVec,
    destinations_died: IntCounterVec,
    tls_failures: IntCounterVec,
    round_failures: IntCounterVec,
    orders: IntCounterVec,
    signing_seconds: HistogramVec,
    queue_messages: GaugeVec,
    queue_held: GaugeVec,
    queue_oldest: GaugeVec,
    queue_deliveries: GaugeVec,
    queue_in_line: GaugeVec,
    queue_destinations: GaugeVec,
    keyring_age: GaugeVec,
    keys_unusable: GaugeVec,
    spool_damaged: IntCounterVec,
    spool_condition: GaugeVec,
}

impl Metrics {
    /// A message was accepted.
    pub fn accepted(&self, source: &Source) {
        let source = match source {
            Source::Client { .. } => CLIENT,
            Source::Ourselves => OURSELVES,
        };
        self.accepted.with_label_values(&[source]).inc();
    }

    /// A client was refused with this reply.
    pub fn rejected(&self, reply: &str) {
        let severity = if reply.starts_with('4') {
            TRANSIENT
        } else {
            PERMANENT
        };
        self.rejected.with_label_values(&[severity]).inc();
    }

    /// A message was changed in these ways.
    pub fn mended(&self, mendings: &[Mending]) {
        for mending in mendings {
            self.mended.with_label_values(&[mending.label()]).inc();
        }
    }

    /// A connection ended before there was a session.
    pub fn turned_away(&self, reason: TurnedAway) {
        self.turned_away.with_label_values(&[reason.label()]).inc();
    }

    /// A client's connection was taken.
    pub fn connection_opened(&self) {
        self.connections.with_label_values(NONE).inc();
    }

    /// It ended.
    pub fn connection_closed(&self) {
        self.connections.with_label_values(NONE).dec();
    }

    /// A message that is being received held `before` octets, and holds `after` now.
    pub fn receiving_changed(&self, before: u64, after: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a message is shorter than 2^52")]
        let change = after as f64 - before as f64;
        self.receiving.with_label_values(NONE).add(change);
    }

    /// A message was given these signatures.
    pub fn signed(&self, signatures: &[(DomainName, Algorithm)]) {
        for (domain, algorithm) in signatures {
            let domain = self.bounded(domain);
            self.signatures
                .with_label_values(&[domain, algorithm.as_str()])
                .inc();
        }
    }

    /// Signing a message took so long.
    pub fn signing_took(&self, time: Duration) {
        self.signing_seconds
            .with_label_values(NONE)
            .observe(time.as_secs_f64());
    }

    /// A message goes unsigned.
    pub fn unsigned(&self, reason: Unsigned) {
        self.unsigned.with_label_values(&[reason.label()]).inc();
    }

    /// In quiet mode: this would have become of a message.
    pub fn quieted(&self, would: Fate) {
        self.quiet.with_label_values(&[would.label()]).inc();
    }

    /// A message waits for its signatures.
    pub fn signing_deferred(&self, class: FaultClass) {
        self.signing_deferred
            .with_label_values(&[class.label()])
            .inc();
    }

    /// A key or a message was at fault.
    pub fn signing_failed(&self, class: FaultClass) {
        self.signing_failures
            .with_label_values(&[class.label()])
            .inc();
    }

    /// The step was run again.
    pub fn signing_replayed(&self, occasion: Occasion) {
        self.signing_replays
            .with_label_values(&[occasion.label()])
            .inc();
    }

    /// A signature was verified before it was sent.
    pub fn self_checked(&self, found: Found) {
        self.self_checks.with_label_values(&[found.label()]).inc();
    }

    /// Verifying a message took so long.
    pub fn self_check_took(&self, time: Duration) {
        self.self_check_seconds
            .with_label_values(NONE)
            .observe(time.as_secs_f64());
    }

    /// A recipient's copy was taken.
    pub fn delivered(&self) {
        self.delivered.with_label_values(NONE).inc();
    }

    /// A recipient's copy waits.
    pub fn deferred(&self) {
        self.deferred.with_label_values(NONE).inc();
    }

    /// A recipient will not have it.
    pub fn bounced(&self) {
        self.bounced.with_label_values(NONE).inc();
    }

    /// A sender was told.
    pub fn reported(&self) {
        self.reported.with_label_values(NONE).inc();
    }

    /// A sender was told of a delay.
    pub fn delay_told(&self) {
        self.delay_notices.with_label_values(NONE).inc();
    }

    /// A destination is left alone for a time.
    pub fn destination_died(&self) {
        self.destinations_died.with_label_values(NONE).inc();
    }

    /// A handshake failed.
    pub fn tls_failed(&self) {
        self.tls_failures.with_label_values(NONE).inc();
    }

    /// A step of the queue failed.
    pub fn round_failed(&self) {
        self.round_failures.with_label_values(NONE).inc();
    }

    /// An administrator's order was carried out.
    pub fn ordered(&self, order: &Order) {
        self.orders.with_label_values(&[order.label()]).inc();
    }

    /// A start found a record or a file of the spool damaged.
    pub fn spool_damaged(&self) {
        self.spool_damaged.with_label_values(NONE).inc();
    }

    /// Everything in Prometheus's text format 0.0.4.
    ///
    /// # Errors
    /// None is known; the encoder could only fail for want of a name or a value.
    pub fn render(&self, reading: &Reading) -> Result<String, prometheus::Error> {
        #[expect(clippy::cast_precision_loss, reason = "a queue is shorter than 2^52")]
        let count = |count: usize| count as f64;
        let set = |gauge: &GaugeVec, value| gauge.with_label_values(NONE).set(value);
        let level = &reading.queue;
        set(&self.queue_messages, count(level.messages));
        set(&self.queue_held, count(level.held));
        set(&self.queue_deliveries, count(level.under_way));
        set(&self.queue_in_line, count(level.in_line));
        let alive = level.destinations.saturating_sub(level.dead);
        for (state, destinations) in [("alive", alive), ("dead", level.dead)] {
            let gauge = self.queue_destinations.with_label_values(&[state]);
            gauge.set(count(destinations));
        }
        set(&self.queue_oldest, reading.oldest.as_secs_f64());
        set(&self.keyring_age, reading.keyring_age.as_secs_f64());
        for class in FaultClass::ALL {
            let keys = reading.unusable.iter().filter(|fault| **fault == class);
            self.keys_unusable
                .with_label_values(&[class.label()])
                .set(count(keys.count()));
        }
        for condition in Condition::ALL {
            let is_so = u8::from(condition == reading.spool);
            self.spool_condition
                .with_label_values(&[condition.label()])
                .set(f64::from(is_so));
        }
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// The domain, or [`OTHER`] once so many have been seen that more would burden whoever keeps the metrics.
    fn bounded<'a>(&self, domain: &'a DomainName) -> &'a str {
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        if domains.contains(domain) {
            return domain.as_str();
        }
        if domains.len() >= DOMAINS {
            return OTHER;
        }
        domains.insert(domain.clone());
        domain.as_str()
    }
}

impl Default for Metrics {
    /// All at 0. Labels with a closed set of values show their zeros, so that the first event is an increase.
    fn default() -> Self {
        let registry = Registry::new();
        let metrics = Self {
            accepted: counter(&registry, ACCEPTED, &[CLIENT, OURSELVES]),
            rejected: counter(&registry, REJECTED, &[TRANSIENT, PERMANENT]),
            mended: counter(&registry, MENDED, &Mending::ALL.map(Mending::label)),
            turned_away: counter(
                &registry,
                TURNED_AWAY,
                &TurnedAway::ALL.map(TurnedAway::label),
            ),
            connections: gauge(&registry, CONNECTIONS),
            receiving: gauge(&registry, RECEIVING),
            signatures: counter(&registry, SIGNATURES, &[]),
            domains: Mutex::default(),
            unsigned: counter(&registry, UNSIGNED, &Unsigned::ALL.map(Unsigned::label)),
            quiet: counter(&registry, QUIET, &Fate::ALL.map(Fate::label)),
            signing_deferred: counter(
                &registry,
                SIGNING_DEFERRED,
                &FaultClass::ALL.map(FaultClass::label),
            ),
            signing_failures: counter(
                &registry,
                SIGNING_FAILURES,
                &FaultClass::ALL.map(FaultClass::label),
            ),
            signing_replays: counter(
                &registry,
                SIGNING_REPLAYS,
                &Occasion::ALL.map(Occasion::label),
            ),
            self_checks: counter(&registry, SELF_CHECKS, &Found::ALL.map(Found::label)),
            self_check_seconds: histogram(&registry, SELF_CHECK_SECONDS),
            delivered: counter(&registry, DELIVERED, &[]),
            deferred: counter(&registry, DEFERRED, &[]),
            bounced: counter(&registry, BOUNCED, &[]),
            reported: counter(&registry, REPORTED, &[]),
            delay_notices: counter(&registry, DELAY_NOTICES, &[]),
            destinations_died: counter(&registry, DESTINATIONS_DIED, &[]),
            tls_failures: counter(&registry, TLS_FAILURES, &[]),
            round_failures: counter(&registry, ROUND_FAILURES, &[]),
            orders: counter(&registry, QUEUE_ORDERS, &Order::LABELS),
            signing_seconds: histogram(&registry, SIGNING_SECONDS),
            queue_messages: gauge(&registry, QUEUE_MESSAGES),
            queue_held: gauge(&registry, QUEUE_HELD),
            queue_oldest: gauge(&registry, QUEUE_OLDEST),
            queue_deliveries: gauge(&registry, QUEUE_DELIVERIES),
            queue_in_line: gauge(&registry, QUEUE_IN_LINE),
            queue_destinations: gauge(&registry, QUEUE_DESTINATIONS),
            keyring_age: gauge(&registry, KEYRING_AGE),
            keys_unusable: gauge(&registry, KEYS_UNUSABLE),
            spool_damaged: counter(&registry, SPOOL_DAMAGED, NONE),
            spool_condition: gauge(&registry, SPOOL_CONDITION),
            registry,
        };
        for gauge in [&metrics.connections, &metrics.receiving] {
            gauge.with_label_values(NONE);
        }
        gauge(&metrics.registry, BUILD_INFO)
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1.0);
        metrics
    }
}

/// Signing domains that are told apart; the policy of nearly every organisation names fewer.
const DOMAINS: usize = 1000;
/// The label of the domains beyond those.
const OTHER: &str = "other";
const CLIENT: &str = "client";
const OURSELVES: &str = "ourselves";
const TRANSIENT: &str = "4xx";
const PERMANENT: &str = "5xx";
/// The values of no labels.
const NONE: &[&str] = &[];
#[cfg(test)]
mod tests;
