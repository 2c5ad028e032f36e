//! The document and the code agree, and no label grows without bound.

use super::declared::{DECLARED, Kind};
use super::*;

fn reading() -> Reading {
    Reading {
        queue: Level {
            messages: 3,
            held: 1,
            under_way: 4,
            in_line: 5,
            destinations: 6,
            dead: 2,
            ..Level::default()
        },
        oldest: Duration::from_millis(1500),
        keyring_age: Duration::from_secs(7),
        unusable: vec![FaultClass::KeyMissing, FaultClass::KeyMissing],
        spool: Condition::Full,
    }
}

/// The rows of the manual's table: name, kind, labels.
fn manual() -> Vec<(String, String, Vec<String>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/manual.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `smtp_edge_"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(" | ").collect();
        let ticked = |cell: &str| -> Vec<String> {
            let parts = cell.split('`').skip(1).step_by(2);
            parts.map(str::to_owned).collect()
        };
        (
            ticked(cells[0]).concat(),
            cells[1].trim().to_owned(),
            ticked(cells[2]),
        )
    };
    rows.map(row).collect()
}

#[test]
fn the_manual_has_a_row_for_each_metric_and_for_no_other() {
    let declared: Vec<_> = DECLARED
        .iter()
        .map(|metric| {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let labels: Vec<String> = metric.labels.iter().map(ToString::to_string).collect();
            (metric.name.to_owned(), kind.to_owned(), labels)
        })
        .collect();
    assert_eq!(manual(), declared);
}

#[test]
fn every_metric_that_is_declared_is_served_and_no_other() {
    let metrics = Metrics::default();
    metrics.signed(&[("example.com".parse().unwrap(), Algorithm::RsaSha256)]);
    let text = metrics.render(&reading()).unwrap();
    let mut served: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect();
    let mut declared: Vec<(&str, &str)> = DECLARED
        .iter()
        .map(|metric| match metric.kind {
            Kind::Counter => (metric.name, "counter"),
            Kind::Gauge => (metric.name, "gauge"),
            Kind::Histogram => (metric.name, "histogram"),
        })
        .collect();
    served.sort_unstable();
    declared.sort_unstable();
    assert_eq!(served, declared);
}

#[test]
fn events_are_counted_where_they_belong() {
    let metrics = Metrics::default();
    let domain: DomainName = "example.com".parse().unwrap();
    metrics.accepted(&Source::Ourselves);
    metrics.rejected("451 4.3.0 later");
    metrics.rejected("554 5.6.0 no");
    metrics.rejected("554 5.6.0 no");
    metrics.signed(&[
        (domain.clone(), Algorithm::RsaSha256),
        (domain, Algorithm::Ed25519Sha256),
    ]);
    metrics.signing_took(Duration::from_micros(700));
    metrics.unsigned(Unsigned::NoEntry);
    metrics.quieted(Fate::SignPartly);
    metrics.signing_deferred(FaultClass::NekAway);
    metrics.signing_failed(FaultClass::KeyRevoked);
    metrics.signing_replayed(Occasion::Stale);
    metrics.self_checked(Found::PublishedMismatch);
    metrics.self_check_took(Duration::from_millis(2));
    metrics.delivered();
    metrics.deferred();
    metrics.bounced();
    metrics.reported();
    metrics.tls_failed();
    metrics.round_failed();
    metrics.spool_damaged();
    let text = metrics.render(&reading()).unwrap();
    for line in [
        "smtp_edge_accepted_total{source=\"client\"} 0",
        "smtp_edge_accepted_total{source=\"ourselves\"} 1",
        "smtp_edge_rejected_total{reply=\"4xx\"} 1",
        "smtp_edge_rejected_total{reply=\"5xx\"} 2",
        "smtp_edge_signatures_total{algorithm=\"rsa-sha256\",domain=\"example.com\"} 1",
        "smtp_edge_signatures_total{algorithm=\"ed25519-sha256\",domain=\"example.com\"} 1",
        "smtp_edge_signing_seconds_bucket{le=\"0.0005\"} 0",
        "smtp_edge_signing_seconds_bucket{le=\"0.001\"} 1",
        "smtp_edge_unsigned_total{reason=\"no_entry\"} 1",
        "smtp_edge_unsigned_total{reason=\"signing_off\"} 0",
        "smtp_edge_quiet_total{would=\"sign_partly\"} 1",
        "smtp_edge_quiet_total{would=\"leave_unsigned\"} 0",
        "smtp_edge_signing_deferred_total{class=\"nek_away\"} 1",
        "smtp_edge_signing_failures_total{class=\"key_revoked\"} 1",
        "smtp_edge_signing_replays_total{occasion=\"stale\"} 1",
        "smtp_edge_signing_replays_total{occasion=\"new_copy\"} 0",
        "smtp_edge_self_checks_total{result=\"published_mismatch\"} 1",
        "smtp_edge_self_checks_total{result=\"passed\"} 0",
        "smtp_edge_self_check_seconds_count 1",
        "smtp_edge_delivered_total 1",
        "smtp_edge_deferred_total 1",
        "smtp_edge_bounced_total 1",
        "smtp_edge_reported_total 1",
        "smtp_edge_tls_failures_total 1",
        "smtp_edge_round_failures_total 1",
        "smtp_edge_queue_messages 3",
        "smtp_edge_queue_oldest_age_seconds 1.5",
        "smtp_edge_keyring_age_seconds 7",
        "smtp_edge_keys_unusable{class=\"key_missing\"} 2",
        "smtp_edge_keys_unusable{class=\"store_away\"} 0",
        "smtp_edge_spool_damaged_records_total 1",
        "smtp_edge_spool_condition{condition=\"full\"} 1",
        "smtp_edge_spool_condition{condition=\"works\"} 0",
    ] {
        assert!(text.lines().any(|served| served == line), "{line}\n{text}");
    }
}

#[test]
fn domains_beyond_the_limit_are_counted_together() {
    let metrics = Metrics::default();
    let sign = |number: usize| {
        let domain = format!("d{number}.example").parse().unwrap();
        metrics.signed(&[(domain, Algorithm::RsaSha256)]);
    };
    (0..DOMAINS + 5).for_each(sign);
    sign(0);
    let text = metrics.render(&reading()).unwrap();
    let series = text
        .lines()
        .filter(|line| line.starts_with("smtp_edge_signatures_total{"));
    assert_eq!(series.count(), DOMAINS + 1);
    assert!(text.contains("domain=\"other\"} 5"));
    assert!(text.contains("domain=\"d0.example\"} 2"));
}
