//! Tag lists, `a=b; c=d` (RFC 6376 §3.2): the syntax that signatures and key records share.
//!
//! Values keep the white space inside them; what it means is each tag's business. Duplicates make the whole list invalid.

use std::collections::HashSet;
use std::ops::Range;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::error::TagListError;

/// One tag of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    name: &'a str,
    value: &'a [u8],
    /// All octets between `=` and `;`, white space included: what RFC 6376 §3.7 empties in `b=`.
    span: Range<usize>,
}

/// A list of tags in the order in which they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TagList<'a> {
    tags: Vec<Tag<'a>>,
}

impl<'a> TagList<'a> {
    pub(crate) fn parse(text: &'a [u8]) -> Result<TagList<'a>, TagListError> {
        let mut tags: Vec<Tag<'a>> = Vec::new();
        // Not a search among `tags`: a list as long as a header may be would keep that busy for minutes.
        let mut names: HashSet<&str> = HashSet::new();
        let mut at = 0;
        for part in text.split(|&octet| octet == b';') {
            let offset = at;
            at += part.len() + 1;
            if trim(part).is_empty() {
                // RFC 6376 §3.2 allows one empty part, after the last `;`. Empty ones elsewhere are harmless.
                continue;
            }
            let equals = part.iter().position(|&octet| octet == b'=');
            let (name, value) = equals
                .and_then(|equals| Some((part.get(..equals)?, part.get(equals + 1..)?)))
                .ok_or(TagListError::NoEquals { offset })?;
            let span = offset + name.len() + 1..offset + part.len();
            let name = tag_name(name).ok_or(TagListError::Name { offset })?;
            if !names.insert(name) {
                return Err(TagListError::Duplicate {
                    tag: name.to_owned(),
                });
            }
            if let Some(bad) = value.iter().position(|&octet| is_control(octet)) {
                return Err(TagListError::Value {
                    tag: name.to_owned(),
                    offset: span.start + bad,
                });
            }
            tags.push(Tag {
                name,
                value: trim(value),
                span,
            });
        }
        Ok(TagList { tags })
    }

    /// The value of a tag, without the white space around it. Tag names are case-sensitive.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.tag(name).map(|tag| tag.value)
    }

    /// Where the value of a tag stands, with the white space around it.
    pub(crate) fn span(&self, name: &str) -> Option<Range<usize>> {
        self.tag(name).map(|tag| tag.span.clone())
    }

    pub(crate) fn first_name(&self) -> Option<&'a str> {
        self.tags.first().map(|tag| tag.name)
    }

    fn tag(&self, name: &str) -> Option<&Tag<'a>> {
        self.tags.iter().find(|tag| tag.name == name)
    }
}

/// The octets without any white space, folding included.
pub(crate) fn without_white_space(value: &[u8]) -> Vec<u8> {
    value
        .iter()
        .copied()
        .filter(|octet| !is_white_space(*octet))
        .collect()
}

/// The octets without the white space around them.
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let Some((first, rest)) = value
        .split_first()
        .filter(|(first, _)| is_white_space(**first))
    {
        let _ = first;
        value = rest;
    }
    while let Some((last, rest)) = value
        .split_last()
        .filter(|(last, _)| is_white_space(**last))
    {
        let _ = last;
        value = rest;
    }
    value
}

/// The octets of a base64 value, white space anywhere in it (RFC 6376 §2.10). Padding may be missing, as it is in the field.
pub(crate) fn base64_value(value: &[u8]) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    LENIENT.decode(without_white_space(value)).ok()
}

/// A value as text without any white space, if it is UTF-8.
pub(crate) fn text_value(value: &[u8]) -> Option<String> {
    String::from_utf8(without_white_space(value)).ok()
}

/// A decimal number; one too large to hold is the largest (RFC 6376 §3.5 allows many digits in `l=`, `t=` and `x=`).
pub(crate) fn number_value(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 76 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |number: u64, digit: &u8| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    };
    Some(value.iter().fold(0, add))
}

fn tag_name(part: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(trim(part)).ok()?;
    let mut octets = name.bytes();
    let starts = octets
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic());
    (starts && octets.all(|octet| octet.is_ascii_alphanumeric() || octet == b'_')).then_some(name)
}

fn is_white_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_control(octet: u8) -> bool {
    octet.is_ascii_control() && !is_white_space(octet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_tags() {
        let list =
            TagList::parse(b" v=1; a = rsa-sha256 ;\r\n b=ab\r\n cd ; p=; x_1=\xc3\xbc;").unwrap();
        assert_eq!(list.first_name(), Some("v"));
        assert_eq!(list.value("a"), Some(b"rsa-sha256".as_slice()));
        assert_eq!(list.value("b"), Some(b"ab\r\n cd".as_slice()));
        assert_eq!(list.value("p"), Some(b"".as_slice()));
        assert_eq!(list.value("x_1"), Some("\u{fc}".as_bytes()));
        assert_eq!(list.value("A"), None);
        assert_eq!(list.span("b"), Some(27..35));
    }

    #[test]
    fn refuses_by_name() {
        let check = |input: &[u8], expected: TagListError| {
            assert_eq!(TagList::parse(input).unwrap_err(), expected);
        };
        check(b"v=1; oops", TagListError::NoEquals { offset: 4 });
        check(b"1v=1", TagListError::Name { offset: 0 });
        check(b"v=1; =x", TagListError::Name { offset: 4 });
        check(
            b"v=1; v=2",
            TagListError::Duplicate {
                tag: "v".to_owned(),
            },
        );
        check(
            b"v=\x01",
            TagListError::Value {
                tag: "v".to_owned(),
                offset: 2,
            },
        );
    }

    #[test]
    fn a_long_list_is_read() {
        let list: String = (0..200_000).map(|number| format!("a{number}=;")).collect();
        let tags = TagList::parse(list.as_bytes()).unwrap().tags;
        assert_eq!(tags.len(), 200_000);
        let twice = TagList::parse(format!("{list}a7=").as_bytes()).unwrap_err();
        assert_eq!(
            twice,
            TagListError::Duplicate {
                tag: "a7".to_owned()
            }
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_spans_hold_the_values(input in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(list) = TagList::parse(&input) {
                for tag in &list.tags {
                    prop_assert_eq!(trim(&input[tag.span.clone()]), tag.value);
                }
            }
        }
    }
}
