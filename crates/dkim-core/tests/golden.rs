//! Runs the golden cases of `testdata/`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use dkim_core::{
    Canonicalization, Limits, LookupError, SignatureParams, SigningKey, crlf, sign, verify,
};

/// When RFC 8463's message was signed.
const NOW: u64 = 1_528_637_909;

#[test]
fn every_case_comes_out_as_written() {
    let mut cases: Vec<PathBuf> = fs::read_dir(testdata())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 10, "the cases are there");
    for case in cases {
        let message = crlf(&fs::read(case.join("message.eml")).unwrap()).into_owned();
        let mut ran = false;
        if let Ok(expected) = fs::read_to_string(case.join("expected")) {
            assert_eq!(verdicts(&case, &message), expected, "{}", case.display());
            ran = true;
        }
        if let Ok(wanted) = fs::read_to_string(case.join("sign")) {
            check_signed(&case, &message, &wanted);
            ran = true;
        }
        assert!(ran, "{} has nothing to run", case.display());
    }
}

fn verdicts(case: &Path, message: &[u8]) -> String {
    let text = fs::read_to_string(case.join("records")).unwrap();
    let records: HashMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let lookup = |key: &dkim_core::name::KeyName| {
        let record = records
            .get(key.record_name().as_str())
            .ok_or(LookupError::NoRecord)?;
        Ok(vec![(*record).to_owned()])
    };
    verify(message, lookup, NOW, &Limits::default())
        .iter()
        .map(|verification| format!("{verification}\n"))
        .collect()
}

fn check_signed(case: &Path, message: &[u8], wanted: &str) {
    let signatures: Vec<(SignatureParams, SigningKey)> = wanted.lines().map(signature).collect();
    let fields: Vec<u8> = sign(message, &signatures)
        .unwrap()
        .into_iter()
        .flat_map(|header| header.text)
        .collect();
    let text = String::from_utf8(fields.clone())
        .unwrap()
        .replace("\r\n", "\n");
    let path = case.join("signed");
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == expected,
        "{}: expected\n{expected}\ngot\n{text}",
        path.display()
    );
    let signed = [fields.as_slice(), message].concat();
    let keys: HashMap<String, String> = signatures
        .iter()
        .map(|(params, key)| (params.key_name().record_name(), key.record().to_value()))
        .collect();
    let lookup = |key: &dkim_core::name::KeyName| Ok(vec![keys[&key.record_name()].clone()]);
    for verification in verify(&signed, lookup, NOW, &Limits::default()) {
        assert!(
            verification.result.is_pass(),
            "{}: {verification}",
            case.display()
        );
    }
}

/// One line of a `sign` file: tags with spaces between them.
fn signature(line: &str) -> (SignatureParams, SigningKey) {
    let tags: HashMap<&str, &str> = line
        .split(' ')
        .filter_map(|tag| tag.split_once('='))
        .collect();
    let kind = |name| match name {
        "simple" => Canonicalization::Simple,
        "relaxed" => Canonicalization::Relaxed,
        other => panic!("{other} is no canonicalization"),
    };
    let (header, body) = tags["c"].split_once('/').unwrap();
    let mut params = SignatureParams::new(tags["d"].parse().unwrap(), tags["s"].parse().unwrap())
        .canonicalization(kind(header), kind(body))
        .timestamp(tags["t"].parse().unwrap());
    if let Some(expires) = tags.get("x") {
        params = params.expires(expires.parse().unwrap());
    }
    if let Some(identity) = tags.get("i") {
        params = params.identity(identity.parse().unwrap());
    }
    let pem = testdata()
        .join("02-rfc8463-a")
        .join(format!("{}.pem", tags["s"]));
    (
        params,
        SigningKey::from_pem(&fs::read_to_string(pem).unwrap()).unwrap(),
    )
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}
