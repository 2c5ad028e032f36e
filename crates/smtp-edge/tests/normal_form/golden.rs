//! `testdata/normalize/NN-name/`: a message, `in.eml`, and what becomes of it, `out.eml`, or the reply that refuses it,
//! `refused.txt`.

use std::fs;
use std::path::{Path, PathBuf};

use smtp_edge::intake::Rejection;
use smtp_edge::intake::form::MessageSettings;

use crate::leaves::leaves;
use crate::normalized;

#[test]
fn every_message_becomes_what_its_file_says() {
    let cases = cases();
    assert!(cases.len() >= 40, "{}", cases.len());
    for case in cases {
        check(&case);
    }
}

fn check(case: &Path) {
    let name = case.display();
    let form = MessageSettings::default();
    let message = fs::read(case.join("in.eml")).unwrap();
    let message = match normalized(&form, &message) {
        Ok(normalized) => {
            let expected = fs::read(case.join("out.eml"));
            let expected = expected.unwrap_or_else(|_| panic!("{name} was not refused"));
            assert_same(&normalized.content, &expected, &name.to_string());
            assert_eq!(normalized.eight_bit, !expected.is_ascii(), "{name}");
            let same = leaves(&message) == leaves(&expected);
            let folder = case.file_name().and_then(|name| name.to_str());
            let excepted = folder.is_some_and(|name| READ_OTHERWISE.contains(&name));
            assert!(same || excepted, "{name} has other leaves");
            assert!(!same || !excepted, "{name} is no exception any more");
            normalized
        }
        Err(malformed) => {
            let reply = Rejection::Malformed(malformed).reply().to_string();
            let expected = fs::read_to_string(case.join("refused.txt"));
            let expected = expected.unwrap_or_else(|_| panic!("{name} was refused: {reply}"));
            assert_eq!(reply, expected.trim_end(), "{name}");
            return;
        }
    };
    let again = normalized(&form, &message.content).unwrap();
    assert_eq!(again.mendings, [], "{name}");
    assert_same(&again.content, &message.content, &name.to_string());
}

/// Compared as text, so that a difference can be read.
fn assert_same(found: &[u8], expected: &[u8], name: &str) {
    let text = |octets: &[u8]| octets.escape_ascii().to_string().replace("\\n", "\\n\n");
    assert!(
        found == expected,
        "{name}:\n{}\nand not\n{}",
        text(found),
        text(expected)
    );
}

/// What mail-parser reads otherwise before it is in normal form: bare line ends, text without any header, a multipart without
/// an end, and a header that goes on behind a line that is no field.
const READ_OTHERWISE: [&str; 4] = [
    "02-bare-line-ends",
    "07-no-header",
    "11-boundary-not-closed",
    "44-header-cut-short",
];

/// The folders, in their order.
fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/normalize");
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}
