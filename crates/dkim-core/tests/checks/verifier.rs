//! Verification of a stranger's message under a stranger's record: one result for each signature, within the limits,
//! and what passes does not pass once it was added to.
//!
//! The first line of the input, up to an LF, is the record for every key; the rest is the message.

use dkim_core::{Limits, Verification, verify};

pub(crate) fn check(input: &[u8]) {
    let line = input.iter().position(|octet| *octet == b'\n');
    let (record, message) = input.split_at(line.map_or(0, |at| at + 1));
    let record = String::from_utf8_lossy(record.trim_ascii_end()).into_owned();
    let (reports, lookups) = judge(message, &record);
    assert!(lookups <= Limits::default().signatures);
    assert!(lookups <= reports.len());
    if reports.iter().any(|report| report.result.is_pass()) {
        let added_to = [message, b"x".as_slice()].concat();
        for report in judge(&added_to, &record).0 {
            let partial = report.body_length.is_some();
            assert!(!report.result.is_pass() || partial, "{report}");
        }
        for report in judge(message, "v=DKIM1; p=").0 {
            assert!(!report.result.is_pass(), "{report}");
        }
    }
}

fn judge(message: &[u8], record: &str) -> (Vec<Verification>, usize) {
    let mut lookups = 0;
    let lookup = |_: &dkim_core::name::KeyName| {
        lookups += 1;
        Ok(vec![record.to_owned()])
    };
    let reports = verify(message, lookup, NOW, &Limits::default());
    for report in &reports {
        assert!(!report.to_string().is_empty());
    }
    (reports, lookups)
}

/// When RFC 8463's message was signed.
const NOW: u64 = 1_528_637_909;
