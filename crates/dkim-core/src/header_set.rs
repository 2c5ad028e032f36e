//! Which header fields a signature covers, as data that is checked when it is made.
//!
//! Oversigning lists a field once more than it occurs, so that another one cannot be added unseen (RFC 6376 §8.15).
//! The lists are opinions learnt the hard way: a mailing list adds List-* and Sender, so their absence must not be signed;
//! a hop may add Received and Return-Path at any time, so those are never signed.

use crate::error::HeaderSetError;
use crate::field::{Field, HeaderBlock};

/// The four lists of a header set, as someone wrote them. [`HeaderSet::new`] checks them.
///
/// Names are compared in any case. A name ending in `*` stands for all that begin so, except where a list says otherwise.
#[derive(Debug, Clone, Default)]
pub struct HeaderLists<'a> {
    /// Signed as often as present. Patterns are allowed.
    pub signed: &'a [&'a str],
    /// Signed as often as present and once more, so that none can be added.
    pub oversigned: &'a [&'a str],
    /// The same, but only where at least one is present.
    pub oversigned_where_present: &'a [&'a str],
    /// Never signed, even when a pattern of `signed` covers them. Patterns are allowed.
    pub never: &'a [&'a str],
}

/// The header fields that a signature covers.
///
/// The default signs what a reader sees and what the structure of the message rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderSet {
    signed: Vec<Pattern>,
    oversigned: Vec<Pattern>,
    oversigned_where_present: Vec<Pattern>,
    never: Vec<Pattern>,
}

impl HeaderSet {
    /// Checks four lists.
    ///
    /// # Errors
    /// When From is left out (RFC 6376 §5.4), a name is none, a pattern is oversigned, or two lists contradict each other.
    pub fn new(lists: &HeaderLists<'_>) -> Result<HeaderSet, HeaderSetError> {
        let set = HeaderSet {
            signed: patterns(lists.signed)?,
            oversigned: patterns(lists.oversigned)?,
            oversigned_where_present: patterns(lists.oversigned_where_present)?,
            never: patterns(lists.never)?,
        };
        let oversigned = || set.oversigned.iter().chain(&set.oversigned_where_present);
        if let Some(pattern) = oversigned().find(|pattern| pattern.open) {
            return Err(HeaderSetError::OversignedPattern {
                pattern: pattern.text(),
            });
        }
        if let Some(pattern) = oversigned()
            .chain(&set.signed)
            .find(|pattern| set.never.iter().any(|never| never.is_same(pattern)))
        {
            return Err(HeaderSetError::Contradiction {
                pattern: pattern.text(),
            });
        }
        if set.coverage("from") == Coverage::None {
            return Err(HeaderSetError::FromLeftOut);
        }
        Ok(set)
    }

    /// The names for `h=`: each present field as often as it stands, oversigned ones once more.
    pub(crate) fn select<'a>(&'a self, header: &HeaderBlock<'a>) -> Vec<&'a str> {
        let mut present: Vec<(&'a str, usize)> = Vec::new();
        let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
        for field in header.fields().iter().filter(|field| may_be_listed(field)) {
            let name = field.name();
            let place = *seen.entry(name.to_ascii_lowercase()).or_insert_with(|| {
                present.push((name, 0));
                present.len() - 1
            });
            if let Some((_, count)) = present.get_mut(place) {
                *count += 1;
            }
        }
        let mut names = Vec::new();
        for (name, count) in &present {
            let times = match self.coverage(&name.to_ascii_lowercase()) {
                Coverage::None => 0,
                Coverage::Signed => *count,
                Coverage::Oversigned => count + 1,
            };
            names.extend(std::iter::repeat_n(*name, times));
        }
        let absent = self
            .oversigned
            .iter()
            .filter(|pattern| !seen.contains_key(&pattern.name));
        names.extend(absent.map(|pattern| pattern.shown.as_str()));
        names
    }

    /// What is done about a field of that lower-case name: a name listed in full beats a pattern, and "never" beats the rest.
    fn coverage(&self, name: &str) -> Coverage {
        let full = |list: &[Pattern]| {
            list.iter()
                .any(|pattern| !pattern.open && pattern.name == name)
        };
        let open = |list: &[Pattern]| {
            list.iter()
                .any(|pattern| pattern.open && name.starts_with(&pattern.name))
        };
        if full(&self.never) {
            Coverage::None
        } else if full(&self.oversigned) || full(&self.oversigned_where_present) {
            Coverage::Oversigned
        } else if full(&self.signed) {
            Coverage::Signed
        } else if open(&self.never) || !open(&self.signed) {
            Coverage::None
        } else {
            Coverage::Signed
        }
    }
}

impl Default for HeaderSet {
    fn default() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "the lists are constants of this file, and a test makes the default set"
        )]
        HeaderSet::new(&DEFAULT).expect("the default lists are sound")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    None,
    Signed,
    Oversigned,
}

/// A field name, or the beginning of field names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// Lower case, without the `*`.
    name: String,
    /// As written, for `h=`.
    shown: String,
    open: bool,
}

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, HeaderSetError> {
        let (shown, open) = text
            .strip_suffix('*')
            .map_or((text, false), |start| (start, true));
        if shown.is_empty() || shown.len() > LONGEST_NAME || !shown.bytes().all(is_plain) {
            return Err(HeaderSetError::Name {
                pattern: text.to_owned(),
            });
        }
        Ok(Pattern {
            name: shown.to_ascii_lowercase(),
            shown: shown.to_owned(),
            open,
        })
    }

    fn is_same(&self, other: &Pattern) -> bool {
        self.name == other.name && self.open == other.open
    }

    fn text(&self) -> String {
        format!("{}{}", self.shown, if self.open { "*" } else { "" })
    }
}

fn patterns(names: &[&str]) -> Result<Vec<Pattern>, HeaderSetError> {
    names.iter().map(|name| Pattern::parse(name)).collect()
}

/// A name with `;` or the like would be read as another tag by whoever verifies, so it is never listed.
fn may_be_listed(field: &Field<'_>) -> bool {
    let name = field.name_octets();
    !name.is_empty() && name.len() <= LONGEST_NAME && name.iter().copied().all(is_plain)
}

fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_')
}

/// Longer names would not fit a folded line of the signature, and none exist.
const LONGEST_NAME: usize = 64;

const DEFAULT: HeaderLists<'static> = HeaderLists {
    signed: &[
        "From",
        "Sender",
        "Reply-To",
        "To",
        "Cc",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "MIME-Version",
        "Content-*",
        "Resent-*",
        "List-*",
    ],
    oversigned: &[
        "From",
        "To",
        "Cc",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ],
    oversigned_where_present: &["Reply-To"],
    never: &[
        "Return-Path",
        "Received",
        "Bcc",
        "Resent-Bcc",
        "Comments",
        "Keywords",
        "DKIM-Signature",
        "Authentication-Results",
        "ARC-*",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(set: &HeaderSet, header: &str, expected: &str) {
        let (block, _) = HeaderBlock::parse(header.as_bytes()).unwrap();
        assert_eq!(set.select(&block).join(":"), expected);
    }

    #[test]
    fn the_default_oversigns_what_must_not_be_added() {
        check(
            &HeaderSet::default(),
            "Received: x\r\nFROM: a\r\nsubject: b\r\nX-Other: c\r\nBcc: d\r\n",
            "FROM:FROM:subject:subject:To:Cc:Date:Message-ID:MIME-Version:Content-Type:Content-Transfer-Encoding",
        );
    }

    #[test]
    fn lists_may_add_their_own_fields() {
        let set = HeaderSet::default();
        let (block, _) = HeaderBlock::parse(b"From: a\r\n").unwrap();
        for name in ["List-Id", "Sender", "Reply-To"] {
            assert!(!set.select(&block).contains(&name), "{name}");
        }
    }

    #[test]
    fn one_click_unsubscribe_is_covered() {
        let (block, _) =
            HeaderBlock::parse(b"From: a\r\nList-Unsubscribe: <x>\r\nList-Unsubscribe-Post: y\r\n")
                .unwrap();
        let set = HeaderSet::default();
        let names = set.select(&block);
        assert!(names.contains(&"List-Unsubscribe") && names.contains(&"List-Unsubscribe-Post")); // RFC 8058 §4
    }

    #[test]
    fn repeated_fields_are_listed_as_often_as_they_stand() {
        let lists = HeaderLists {
            signed: &["From", "X-*"],
            never: &["X-Spam"],
            ..HeaderLists::default()
        };
        check(
            &HeaderSet::new(&lists).unwrap(),
            "X-A: 1\r\nFrom: a\r\nx-a: 2\r\nX-Spam: 3\r\nX-b;t=1: 4\r\n",
            "X-A:X-A:From",
        );
    }

    #[test]
    fn contradictions_are_refused() {
        let check = |lists: HeaderLists<'_>, expected: HeaderSetError| {
            assert_eq!(HeaderSet::new(&lists).unwrap_err(), expected);
        };
        let base = HeaderLists {
            signed: &["From"],
            ..HeaderLists::default()
        };
        check(
            HeaderLists {
                signed: &["To"],
                ..base.clone()
            },
            HeaderSetError::FromLeftOut,
        );
        check(
            HeaderLists {
                signed: &["From", "a b"],
                ..base.clone()
            },
            HeaderSetError::Name {
                pattern: "a b".to_owned(),
            },
        );
        check(
            HeaderLists {
                oversigned: &["List-*"],
                ..base.clone()
            },
            HeaderSetError::OversignedPattern {
                pattern: "List-*".to_owned(),
            },
        );
        check(
            HeaderLists {
                never: &["from"],
                ..base
            },
            HeaderSetError::Contradiction {
                pattern: "From".to_owned(),
            },
        );
    }
}
