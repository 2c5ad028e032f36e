//! Makes a metric as it is declared, and has it served.

use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use super::NONE;
use super::declared::Declared;

/// A counter that shows a zero for each of `values`, or for itself when it has no labels.
#[expect(clippy::expect_used, reason = "declared above; a test builds them all")]
pub(super) fn counter(registry: &Registry, metric: Declared, values: &[&str]) -> IntCounterVec {
    let options = Opts::new(metric.name, metric.help);
    let counter = IntCounterVec::new(options, metric.labels).expect("names are well-formed");
    for value in values {
        counter.with_label_values(&[value]);
    }
    if metric.labels.is_empty() {
        counter.with_label_values(NONE);
    }
    let shared = Box::new(counter.clone());
    registry.register(shared).expect("names are unique");
    counter
}

#[expect(clippy::expect_used, reason = "declared above; a test builds them all")]
pub(super) fn gauge(registry: &Registry, metric: Declared) -> GaugeVec {
    let options = Opts::new(metric.name, metric.help);
    let gauge = GaugeVec::new(options, metric.labels).expect("names are well-formed");
    let shared = Box::new(gauge.clone());
    registry.register(shared).expect("names are unique");
    gauge
}

#[expect(clippy::expect_used, reason = "declared above; a test builds them all")]
pub(super) fn histogram(registry: &Registry, metric: Declared) -> HistogramVec {
    let options = HistogramOpts::new(metric.name, metric.help).buckets(SECONDS.to_vec());
    let histogram = HistogramVec::new(options, metric.labels).expect("names are well-formed");
    histogram.with_label_values(NONE);
    let shared = Box::new(histogram.clone());
    registry.register(shared).expect("names are unique");
    histogram
}

/// From a tenth of a millisecond, an Ed25519 signature over a short message, to a second, which something is wrong at.
const SECONDS: [f64; 11] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0,
];
