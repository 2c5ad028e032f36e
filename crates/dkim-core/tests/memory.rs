//! What the crate allocates: never more than a multiple of what it was given, and for a body nothing that grows with it.
//!
//! A counting allocator measures the peak above the level before a call. It sees what Rust code allocates; the state of
//! aws-lc's hashes and keys, which C code allocates, is of fixed size.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

use std::hint::black_box;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dkim_core::{
    Canonicalization, HeaderBlock, KeyRecord, Limits, LookupError, SignatureParams, Signer,
    SigningKey, VerifyResult, sign, verify,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// For each octet of the input. The worst seen are signatures that are an empty field, since each gets its report (65),
/// and a list of colons alone, which is read as as many empty words before it is refused (49).
const MULTIPLE: usize = 80;
/// What small inputs may take beyond that.
const BASE: usize = 64 * 1024;

#[test]
fn parsing_a_header_takes_a_multiple_of_it() {
    let _alone = alone();
    for header in [
        "A:\r\n".repeat(2_000),
        "A:\r\n".repeat(100_000),
        format!("A: {}\r\n", "\r\n ".repeat(300_000)),
        format!("A: {}\r\n", "x".repeat(2_000_000)),
        "\r\n".repeat(100_000),
        "no field ".repeat(100_000),
    ] {
        check(&header, "header", || {
            HeaderBlock::parse(header.as_bytes()).is_ok()
        });
    }
}

#[test]
fn parsing_a_record_takes_a_multiple_of_it() {
    let _alone = alone();
    for record in lists() {
        let record = format!("v=DKIM1; p=; {record}");
        check(&record, "record", || KeyRecord::parse(&record).is_ok());
    }
    for value in [
        "a:".repeat(50_000),
        ":".repeat(100_000),
        "\u{fc}".repeat(50_000),
    ] {
        for tag in ["h", "s", "t", "n", "k", "x"] {
            let record = format!("p=; {tag}={value}a");
            check(&record, tag, || KeyRecord::parse(&record).is_ok());
        }
    }
    let record = format!("p={}", "AAAA".repeat(50_000));
    check(&record, "p", || KeyRecord::parse(&record).is_ok());
}

#[test]
fn verifying_takes_a_multiple_of_the_message() {
    let _alone = alone();
    let names = format!(
        "{SIGNATURE} h=from:{}a; bh=AAAA; b=AAAA\r\n",
        "a:".repeat(150_000)
    );
    let values = format!(
        "{SIGNATURE} h=from; bh=AAAA; b={}\r\n",
        "AAAA".repeat(100_000)
    );
    let domain = format!(
        "DKIM-Signature: v=1; a=rsa-sha256; s=sel; h=from; bh=AAAA; b=AAAA; d={}\r\n",
        "a.".repeat(200_000)
    );
    let mut messages = vec![names, values, domain, "DKIM-Signature:\r\n".repeat(2_000)];
    messages.extend(lists().map(|list| format!("{SIGNATURE} {list}\r\n")));
    messages.extend(signed_messages());
    for message in messages {
        check(&message, "message", || {
            verify(
                message.as_bytes(),
                |_| Err(LookupError::NoRecord),
                0,
                &Limits::default(),
            )
            .iter()
            .any(|report| report.result.is_pass())
        });
    }
}

#[test]
fn verifying_a_long_body_takes_what_the_header_takes() {
    let _alone = alone();
    let [signed, _] = signed_messages();
    let record = key().record().to_value();
    let message = format!("{signed}{}", "more\r\n".repeat(2_000_000)).into_bytes();
    let (taken, results) = peak(|| {
        verify(
            &message,
            |_| Ok(vec![record.clone()]),
            0,
            &Limits::default(),
        )
    });
    assert_eq!(results[0].result, VerifyResult::BodyAltered);
    assert!(
        taken <= BASE + MULTIPLE * signed.len(),
        "{taken} octets for a body of {}",
        message.len()
    );
}

#[test]
fn a_signer_holds_nothing_of_the_body() {
    let _alone = alone();
    let header = format!(
        "From: joe@example.com\r\n{}\r\n",
        "X-Other: y\r\n".repeat(100)
    );
    let (block, _) = HeaderBlock::parse(header.as_bytes()).unwrap();
    // Text, then what may all still be dropped: blanks at the end of lines, and lines at the end of the body.
    for (line, mebibytes) in [
        ("plain text of a body, line after line after line\r\n", 50),
        ("a \t \r\n", 5),
        ("\r\n", 5),
        (" \r\n", 5),
    ] {
        let chunk = line.repeat(64 * 1024 / line.len());
        let chunks = mebibytes * 1024 * 1024 / chunk.len() + 1;
        let (taken, signatures) = peak(|| {
            let signatures = [Canonicalization::Simple, Canonicalization::Relaxed]
                .map(|kind| (params().canonicalization(kind, kind), key()));
            let mut signer = Signer::new(&block, signatures.into()).unwrap();
            for _ in 0..chunks {
                signer.update(chunk.as_bytes()).unwrap();
            }
            signer.finish().unwrap()
        });
        assert_eq!(signatures.len(), 2);
        assert!(
            taken <= BASE + 2 * header.len(),
            "{taken} octets for {line:?}"
        );
    }
}

const SIGNATURE: &str = "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=sel;";

/// Tag lists with as many tags as fit: short ones, empty ones, the same ones, none at all.
fn lists() -> impl Iterator<Item = String> {
    let many = (0..20_000).map(|number| format!("a{number:x}=;")).collect();
    [
        many,
        ";".repeat(200_000),
        "a=;".repeat(50_000),
        "a".repeat(200_000),
        " ".repeat(200_000),
    ]
    .into_iter()
}

/// A short message and one with a long header, both signed.
fn signed_messages() -> [String; 2] {
    let short = "From: joe@example.com\r\n\r\nHi.\r\n".to_owned();
    let long = format!("Subject: {}\r\n{short}", "dinner\r\n ".repeat(50_000));
    [short, long].map(|message| {
        let fields = sign(message.as_bytes(), &[(params(), key())]).unwrap();
        String::from_utf8(fields[0].text.clone()).unwrap() + &message
    })
}

fn params() -> SignatureParams {
    SignatureParams::new("example.com".parse().unwrap(), "sel".parse().unwrap())
}

fn key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[5; 32]).unwrap()
}

#[track_caller]
fn check<T>(input: &str, what: &str, parse: impl FnOnce() -> T) {
    let (taken, _) = peak(parse);
    let begin: String = input.chars().take(80).collect();
    assert!(
        taken <= BASE + MULTIPLE * input.len(),
        "{what}: {taken} octets for {} octets: {begin:?}…",
        input.len()
    );
}

/// The most that a call held at one time beyond what was held before.
fn peak<T>(call: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let answer = black_box(call());
    (ALLOCATOR.peak_usage() - before, answer)
}

/// Tests run side by side, and the allocator counts for all of them.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}
