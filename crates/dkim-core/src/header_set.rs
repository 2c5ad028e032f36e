//! Which header fields a signature covers, as data that is checked when it is made.
//!
//! Oversigning lists a field once more than it occurs, so that another one cannot be added unseen (RFC 6376 §8.15).
//! The lists are opinions learnt the hard way: a mailing list adds List-* and Sender, so their absence must not be signed;
//! a hop may add Received and Return-Path at any time, so those are never signed.

use std::sync::{Arc, LazyLock};

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
/// The default signs what a reader sees and what the structure of the message rests on. Copies are cheap and share the lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderSet {
    /// The first that matches a name holds for it: a name listed in full beats a pattern, and among patterns "never" the rest.
    /// Each name stands once.
    rules: Arc<[Rule]>,
}

impl HeaderSet {
    /// Checks four lists. Where present, List-Unsubscribe and List-Unsubscribe-Post are signed whether or not a list names
    /// them, since receivers act on them only when they are (RFC 8058 §4).
    ///
    /// # Errors
    /// When From is left out (RFC 6376 §5.4), a name is none, a pattern is oversigned, two lists contradict each other, or
    /// the fields of one-click unsubscription are never to be signed.
    pub fn new(lists: &HeaderLists<'_>) -> Result<HeaderSet, HeaderSetError> {
        let mut signed = rules(lists.signed, Coverage::Signed)?;
        signed.extend(rules(&ONE_CLICK, Coverage::Signed)?);
        let mut oversigned = rules(lists.oversigned, Coverage::Oversigned)?;
        let where_present = lists.oversigned_where_present;
        oversigned.extend(rules(where_present, Coverage::OversignedWherePresent)?);
        let never = rules(lists.never, Coverage::None)?;
        if let Some(rule) = oversigned.iter().find(|rule| rule.open) {
            return Err(HeaderSetError::OversignedPattern {
                pattern: rule.text(),
            });
        }
        if let Some(rule) = oversigned
            .iter()
            .chain(&signed)
            .find(|rule| never.iter().any(|never| never.is_same(rule)))
        {
            return Err(HeaderSetError::Contradiction {
                pattern: rule.text(),
            });
        }
        let (never_open, never) = open_and_full(never);
        let (signed_open, signed) = open_and_full(signed);
        let in_order = [oversigned, signed, never, never_open, signed_open];
        let mut rules: Vec<Rule> = Vec::new();
        for rule in in_order.into_iter().flatten() {
            if !rules.iter().any(|earlier| earlier.is_same(&rule)) {
                rules.push(rule);
            }
        }
        let set = HeaderSet {
            rules: rules.into(),
        };
        match set.rule(b"From") {
            Some(rule) if rule.coverage != Coverage::None => Ok(set),
            Some(_) | None => Err(HeaderSetError::FromLeftOut),
        }
    }

    /// The default lists, each with another in its place where one is given.
    ///
    /// # Errors
    /// As [`HeaderSet::new`].
    pub fn with(
        signed: Option<&[String]>,
        oversigned: Option<&[String]>,
        never: Option<&[String]>,
    ) -> Result<HeaderSet, HeaderSetError> {
        fn list<'a>(own: Option<&'a [String]>, usual: &[&'a str]) -> Vec<&'a str> {
            own.map_or_else(
                || usual.to_vec(),
                |own| own.iter().map(String::as_str).collect(),
            )
        }
        HeaderSet::new(&HeaderLists {
            signed: &list(signed, DEFAULT.signed),
            oversigned: &list(oversigned, DEFAULT.oversigned),
            oversigned_where_present: DEFAULT.oversigned_where_present,
            never: &list(never, DEFAULT.never),
        })
    }

    /// What to sign of this header.
    pub(crate) fn select<'a>(&'a self, header: &'a HeaderBlock<'_>) -> Selection<'a> {
        // Groups are searched one by one: a header has some twenty, and at the most as many as its limits let in.
        let mut groups: Vec<Group<'a>> = Vec::with_capacity(header.fields().len());
        let mut members: Vec<(usize, &Field<'_>)> = Vec::with_capacity(header.fields().len());
        for field in header.fields() {
            let Some(rule) = self.rule(field.name_octets()) else {
                continue;
            };
            if rule.coverage == Coverage::None || (rule.open && !may_be_listed(field)) {
                continue;
            }
            let known = groups.iter().position(|group| group.takes(rule, field));
            let place = known.unwrap_or(groups.len());
            members.push((place, field));
            match groups.get_mut(place) {
                Some(group) => group.count += 1,
                None => groups.push(Group {
                    rule,
                    name: field.name(),
                    count: 1,
                }),
            }
        }
        let mut names = Vec::with_capacity(members.len() + self.rules.len());
        for group in &groups {
            let times = group.count + usize::from(group.rule.coverage != Coverage::Signed);
            names.extend(std::iter::repeat_n(group.name, times));
        }
        let is_absent = |rule: &&Rule| !groups.iter().any(|group| std::ptr::eq(group.rule, *rule));
        let oversigned = self
            .rules
            .iter()
            .filter(|rule| rule.coverage == Coverage::Oversigned);
        names.extend(oversigned.filter(is_absent).map(|rule| rule.name.as_str()));
        members.sort_by_key(|(place, _)| *place);
        for group in members.chunk_by_mut(|(one, _), (other, _)| one == other) {
            group.reverse();
        }
        Selection {
            names,
            fields: members.into_iter().map(|(_, field)| field).collect(),
        }
    }

    /// The rule that holds for fields of that name.
    fn rule(&self, name: &[u8]) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.matches(name))
    }
}

impl Default for HeaderSet {
    fn default() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "the lists are constants of this file, and a test makes the default set"
        )]
        static SET: LazyLock<HeaderSet> =
            LazyLock::new(|| HeaderSet::new(&DEFAULT).expect("the default lists are sound"));
        SET.clone()
    }
}

/// What is to be signed of one header.
pub(crate) struct Selection<'a> {
    /// For `h=`: each present field as often as it stands, oversigned ones once more.
    pub(crate) names: Vec<&'a str>,
    /// The fields that are hashed, in the order of `names`: of several with one name the last first (RFC 6376 §5.4.2).
    pub(crate) fields: Vec<&'a Field<'a>>,
}

/// The fields of one name.
struct Group<'a> {
    rule: &'a Rule,
    name: &'a str,
    count: usize,
}

impl Group<'_> {
    /// Whether a field for which that rule holds is one of the group. Two groups share a rule only when it is a pattern.
    fn takes(&self, rule: &Rule, field: &Field<'_>) -> bool {
        std::ptr::eq(self.rule, rule) && (!rule.open || field.is(self.name))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    None,
    Signed,
    Oversigned,
    OversignedWherePresent,
}

/// What is done about a field name, or about all that begin so.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// As written, for `h=`, without the `*`.
    name: String,
    open: bool,
    coverage: Coverage,
}

impl Rule {
    fn parse(text: &str, coverage: Coverage) -> Result<Rule, HeaderSetError> {
        let (name, open) = text
            .strip_suffix('*')
            .map_or((text, false), |start| (start, true));
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_plain) {
            return Err(HeaderSetError::Name {
                pattern: text.to_owned(),
            });
        }
        Ok(Rule {
            name: name.to_owned(),
            open,
            coverage,
        })
    }

    fn matches(&self, name: &[u8]) -> bool {
        let own = self.name.as_bytes();
        let start = if self.open {
            name.get(..own.len()).unwrap_or_default()
        } else {
            name
        };
        // Most rules fall by the length or by the last letter, and cost no call.
        let last = |name: &[u8]| name.last().map(u8::to_ascii_lowercase);
        start.len() == own.len() && last(start) == last(own) && start.eq_ignore_ascii_case(own)
    }

    fn is_same(&self, other: &Rule) -> bool {
        self.name.eq_ignore_ascii_case(&other.name) && self.open == other.open
    }

    fn text(&self) -> String {
        format!("{}{}", self.name, if self.open { "*" } else { "" })
    }
}

fn rules(names: &[&str], coverage: Coverage) -> Result<Vec<Rule>, HeaderSetError> {
    names
        .iter()
        .map(|name| Rule::parse(name, coverage))
        .collect()
}

fn open_and_full(rules: Vec<Rule>) -> (Vec<Rule>, Vec<Rule>) {
    rules.into_iter().partition(|rule| rule.open)
}

/// A name with `;` or the like would be read as another tag by whoever verifies, so it is never listed. A pattern may match
/// such a name, a name in full cannot.
fn may_be_listed(field: &Field<'_>) -> bool {
    let name = field.name_octets();
    !name.is_empty() && name.len() <= LONGEST_NAME && name.iter().copied().all(is_plain)
}

fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_')
}

/// RFC 8058 §4: "the message MUST have a valid DKIM signature covering at least" these.
const ONE_CLICK: [&str; 2] = ["List-Unsubscribe", "List-Unsubscribe-Post"];

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
        assert_eq!(set.select(&block).names.join(":"), expected);
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
            assert!(!set.select(&block).names.contains(&name), "{name}");
        }
    }

    #[test]
    fn one_click_unsubscription_is_covered_by_every_set() {
        let header = "From: a\r\nList-Unsubscribe: <x>\r\nList-Unsubscribe-Post: y\r\n";
        let lists = HeaderLists {
            signed: &["From"],
            never: &["List-*"],
            ..HeaderLists::default()
        };
        check(
            &HeaderSet::new(&lists).unwrap(),
            header,
            "From:List-Unsubscribe:List-Unsubscribe-Post",
        );
        let (block, _) = HeaderBlock::parse(header.as_bytes()).unwrap();
        let set = HeaderSet::default();
        let names = set.select(&block).names;
        assert!(names.contains(&"List-Unsubscribe") && names.contains(&"List-Unsubscribe-Post"));
        let never = HeaderLists {
            signed: &["From"],
            never: &["list-unsubscribe"],
            ..HeaderLists::default()
        };
        let refused = HeaderSet::new(&never).unwrap_err();
        assert!(matches!(refused, HeaderSetError::Contradiction { .. }));
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
