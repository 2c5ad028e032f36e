//! Tag lists, by way of the key records that are written in them: a plain reading of RFC 6376 §3.2 agrees about what a
//! list is and what its tags say.

use std::collections::BTreeMap;

use dkim_core::{KeyRecord, RecordError};

pub(crate) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match (KeyRecord::parse(&text), tags(&text)) {
        (Err(RecordError::Tags(_)), found) => {
            assert!(found.is_none(), "refused as no list: {found:?}");
        }
        (_, None) => panic!("{text:?} is no list of tags"),
        (Err(RecordError::NoPublicKey), Some(tags)) => assert!(!tags.contains_key("p")),
        (Err(RecordError::Version), Some(tags)) => {
            assert!(tags.contains_key("v"));
        }
        (Err(_), Some(_)) => {}
        (Ok(record), Some(tags)) => {
            assert_eq!(record.notes(), tags.get("n").map(String::as_str));
            assert_eq!(record.is_revoked(), tags.get("p").is_some_and(is_blank));
            let flag = |flag| tags.get("t").is_some_and(|list| has(list, flag));
            assert_eq!(record.is_testing(), flag("y"));
            assert_eq!(record.has_strict_identity(), flag("s"));
        }
    }
}

/// The tags of a list by name, or nothing if it is no list.
fn tags(text: &str) -> Option<BTreeMap<&str, String>> {
    let mut tags = BTreeMap::new();
    for part in text.split(';').filter(|part| !is_blank(part)) {
        let (name, value) = part.split_once('=')?;
        let name = name.trim_matches(WHITE_SPACE);
        let value = value.trim_matches(WHITE_SPACE);
        let is_name = name.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let is_value = !value
            .chars()
            .any(|letter| letter.is_ascii_control() && !WHITE_SPACE.contains(&letter));
        if !is_name || !is_value || tags.insert(name, value.to_owned()).is_some() {
            return None;
        }
    }
    Some(tags)
}

fn has(list: &str, word: &str) -> bool {
    list.split(':')
        .any(|entry| entry.replace(WHITE_SPACE, "") == word)
}

fn is_blank(part: impl AsRef<str>) -> bool {
    part.as_ref().trim_matches(WHITE_SPACE).is_empty()
}

const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
