//! Every metric by name, kind, labels and meaning. The names and labels are an interface: a test holds the manual's table
//! to them.

/// What sort of thing a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, from 0 at the start.
    Counter,
    /// It is as it is when it is asked for.
    Gauge,
    /// How often each span of values occurred.
    Histogram,
}

/// A metric as the manual has it.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    /// Its name.
    pub name: &'static str,
    /// Its sort.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it counts, in half a sentence.
    pub help: &'static str,
}

const fn declared(
    kind: Kind,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Declared {
    Declared {
        name,
        kind,
        labels,
        help,
    }
}

pub(super) const ACCEPTED: Declared = declared(
    Kind::Counter,
    "smtp_edge_accepted_total",
    &["source"],
    "Messages on stable storage and answered 250",
);
pub(super) const REJECTED: Declared = declared(
    Kind::Counter,
    "smtp_edge_rejected_total",
    &["reply"],
    "Messages and sessions of clients that were refused",
);
pub(super) const MENDED: Declared = declared(
    Kind::Counter,
    "smtp_edge_mended_total",
    &["what"],
    "Changes to messages that were not well-formed when they came",
);
pub(super) const TURNED_AWAY: Declared = declared(
    Kind::Counter,
    "smtp_edge_turned_away_total",
    &["reason"],
    "Connections that ended before there was an SMTP session",
);
pub(super) const RECEIVING: Declared = declared(
    Kind::Gauge,
    "smtp_edge_receiving_bytes",
    &[],
    "Memory that messages hold while they are received",
);
pub(super) const CONNECTIONS: Declared = declared(
    Kind::Gauge,
    "smtp_edge_connections",
    &[],
    "Connections of clients that are open",
);
pub(super) const SIGNATURES: Declared = declared(
    Kind::Counter,
    "smtp_edge_signatures_total",
    &["domain", "algorithm"],
    "Signatures made, by signing domain",
);
pub(super) const UNSIGNED: Declared = declared(
    Kind::Counter,
    "smtp_edge_unsigned_total",
    &["reason"],
    "Messages for external recipients that go without a signature",
);
pub(super) const QUIET: Declared = declared(
    Kind::Counter,
    "smtp_edge_quiet_total",
    &["would"],
    "In quiet mode: messages by what would have become of them",
);
pub(super) const SIGNING_FAILURES: Declared = declared(
    Kind::Counter,
    "smtp_edge_signing_failures_total",
    &["class"],
    "Times that a key or a message was at fault, repeated attempts included",
);
pub(super) const SIGNING_DEFERRED: Declared = declared(
    Kind::Counter,
    "smtp_edge_signing_deferred_total",
    &["class"],
    "Rounds of the queue in which a message waited for its signatures",
);
pub(super) const SIGNING_REPLAYS: Declared = declared(
    Kind::Counter,
    "smtp_edge_signing_replays_total",
    &["occasion"],
    "Times that the signing step was run again before a message left",
);
pub(super) const SELF_CHECKS: Declared = declared(
    Kind::Counter,
    "smtp_edge_self_checks_total",
    &["result"],
    "Signatures that were verified before they were sent",
);
pub(super) const SELF_CHECK_SECONDS: Declared = declared(
    Kind::Histogram,
    "smtp_edge_self_check_seconds",
    &[],
    "Time that verifying a message before it was sent took, the DNS included",
);
pub(super) const DELIVERED: Declared = declared(
    Kind::Counter,
    "smtp_edge_delivered_total",
    &[],
    "Recipients whose copy a next hop has taken",
);
pub(super) const DEFERRED: Declared = declared(
    Kind::Counter,
    "smtp_edge_deferred_total",
    &[],
    "Attempts for a recipient that failed and will be repeated",
);
pub(super) const BOUNCED: Declared = declared(
    Kind::Counter,
    "smtp_edge_bounced_total",
    &[],
    "Recipients who will not have the message",
);
pub(super) const REPORTED: Declared = declared(
    Kind::Counter,
    "smtp_edge_reported_total",
    &[],
    "Messages whose sender was told of a failure, or has no address to be told at",
);
pub(super) const DELAY_NOTICES: Declared = declared(
    Kind::Counter,
    "smtp_edge_delay_notices_total",
    &[],
    "Messages whose sender was told that they are delayed",
);
pub(super) const DESTINATIONS_DIED: Declared = declared(
    Kind::Counter,
    "smtp_edge_destinations_died_total",
    &[],
    "Times that a destination was not reached so often that it was left alone for a time",
);
pub(super) const TLS_FAILURES: Declared = declared(
    Kind::Counter,
    "smtp_edge_tls_failures_total",
    &[],
    "TLS handshakes with a next hop that failed",
);
pub(super) const ROUND_FAILURES: Declared = declared(
    Kind::Counter,
    "smtp_edge_round_failures_total",
    &[],
    "Steps of the queue that failed by a fault of ours or of the machine",
);
pub(super) const QUEUE_ORDERS: Declared = declared(
    Kind::Counter,
    "smtp_edge_queue_orders_total",
    &["order"],
    "Orders of administrators that were carried out, one for each message",
);
pub(super) const SIGNING_SECONDS: Declared = declared(
    Kind::Histogram,
    "smtp_edge_signing_seconds",
    &[],
    "Time that signing a message took, all its signatures together",
);
pub(super) const QUEUE_MESSAGES: Declared = declared(
    Kind::Gauge,
    "smtp_edge_queue_messages",
    &[],
    "Messages in the queue, those under way included",
);
pub(super) const QUEUE_HELD: Declared = declared(
    Kind::Gauge,
    "smtp_edge_queue_held_messages",
    &[],
    "Messages of the queue that are held, by an administrator or for damage to the spool",
);
pub(super) const QUEUE_OLDEST: Declared = declared(
    Kind::Gauge,
    "smtp_edge_queue_oldest_age_seconds",
    &[],
    "Time since the oldest message of the queue was accepted, 0 when it is empty",
);
pub(super) const QUEUE_DELIVERIES: Declared = declared(
    Kind::Gauge,
    "smtp_edge_queue_deliveries",
    &[],
    "Deliveries under way",
);
pub(super) const QUEUE_IN_LINE: Declared = declared(
    Kind::Gauge,
    "smtp_edge_queue_in_line",
    &[],
    "Copies whose time has come, and that wait for room at their destination or for their turn",
);
pub(super) const QUEUE_DESTINATIONS: Declared = declared(
    Kind::Gauge,
    "smtp_edge_queue_destinations",
    &["state"],
    "Destinations that messages of the queue are to go to, and those of them that are left alone",
);
pub(super) const KEYRING_AGE: Declared = declared(
    Kind::Gauge,
    "smtp_edge_keyring_age_seconds",
    &[],
    "Time since the signing keys in force were read from the store",
);
pub(super) const KEYS_UNUSABLE: Declared = declared(
    Kind::Gauge,
    "smtp_edge_keys_unusable",
    &["class"],
    "Keys that the settings name and that cannot sign",
);
pub(super) const SPOOL_DAMAGED: Declared = declared(
    Kind::Counter,
    "smtp_edge_spool_damaged_records_total",
    &[],
    "Records and files of the spool that a start could not read, each counted by the start that found it",
);
pub(super) const SPOOL_CONDITION: Declared = declared(
    Kind::Gauge,
    "smtp_edge_spool_condition",
    &["condition"],
    "1 for the condition that the spool is in, 0 for the others",
);
pub(super) const BUILD_INFO: Declared = declared(
    Kind::Gauge,
    "smtp_edge_build_info",
    &["version"],
    "Always 1",
);

/// Every metric, in the order of the manual.
pub const DECLARED: [Declared; 35] = [
    ACCEPTED,
    REJECTED,
    MENDED,
    TURNED_AWAY,
    CONNECTIONS,
    RECEIVING,
    SIGNATURES,
    UNSIGNED,
    QUIET,
    SIGNING_FAILURES,
    SIGNING_DEFERRED,
    SIGNING_REPLAYS,
    SELF_CHECKS,
    SELF_CHECK_SECONDS,
    DELIVERED,
    DEFERRED,
    BOUNCED,
    REPORTED,
    DELAY_NOTICES,
    DESTINATIONS_DIED,
    TLS_FAILURES,
    ROUND_FAILURES,
    QUEUE_ORDERS,
    SIGNING_SECONDS,
    QUEUE_MESSAGES,
    QUEUE_HELD,
    QUEUE_OLDEST,
    QUEUE_DELIVERIES,
    QUEUE_IN_LINE,
    QUEUE_DESTINATIONS,
    KEYRING_AGE,
    KEYS_UNUSABLE,
    SPOOL_DAMAGED,
    SPOOL_CONDITION,
    BUILD_INFO,
];
