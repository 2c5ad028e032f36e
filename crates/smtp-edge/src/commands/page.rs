//! What a command says: lines for the standard output, and a bar on a terminal while it takes long.

use std::io::{self, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

pub(crate) use common_config::chain::printable;

use super::Failure;

/// Writes a text and a line end.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    octets(format!("{text}\n").as_bytes())
}

/// Writes octets as they are.
pub(crate) fn octets(octets: &[u8]) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let written = output.write_all(octets).and_then(|()| output.flush());
    written.map_err(Failure::Output)
}

/// Writes a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value);
    line(&text.map_err(|error| Failure::Output(error.into()))?)
}

/// A bar on the standard error, if that is a terminal, for work of so many steps.
pub(crate) fn bar(what: &'static str, steps: u64) -> ProgressBar {
    let bar = ProgressBar::new(steps).with_message(what);
    // One of the library's own if it did not take ours.
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// An age as people say it: its two largest units.
pub(crate) fn age(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let first = units.iter().position(|(_, unit)| seconds >= *unit);
    let shown = units.iter().skip(first.unwrap_or(3)).take(2);
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (name, unit) in shown {
        parts.push(format!("{}{name}", rest / unit));
        rest %= unit;
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_two_units() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m 0s"),
            (7_980, "2h 13m"),
            (90_000, "1d 1h"),
            (8_640_000, "100d 0h"),
        ] {
            assert_eq!(age(seconds), expected, "{seconds}");
        }
    }
}
