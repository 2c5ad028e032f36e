//! A message as it was sent beside the same as it was received, as one signature sees them: pure.
//!
//! What the canonicalization takes away is forgiven, everything else that the signature covers breaks it. dkim-core says
//! what is covered and in which form; which lines belong together is `similar`'s.

use std::ops::Range;

use dkim_core::{Coverage, Field, HeaderBlock};
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What became of a message on the way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// What became of the signature's own field.
    pub(crate) signature: SignatureField,
    /// The covered fields that differ, in the order of `h=`.
    pub(crate) fields: Vec<FieldChange>,
    /// The covered runs of lines that differ, from the first.
    pub(crate) lines: Vec<LineChange>,
    /// Lines, of the body as sent, whose change the canonicalization forgives.
    pub(crate) forgiven_lines: Vec<usize>,
    /// The body changed behind what `l=` covers.
    pub(crate) changed_behind_length: bool,
}

/// What became of the signature's own field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureField {
    Kept,
    Altered,
    Missing,
}

/// A covered field that differs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FieldChange {
    pub(crate) name: String,
    pub(crate) change: Change,
    /// In canonical form.
    pub(crate) sent: Option<String>,
    pub(crate) received: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Changed,
    /// Sent, and not received.
    Missing,
    /// Received, and not sent; the signature covers its absence.
    Added,
    /// The canonical form is the same.
    Forgiven,
}

/// A run of lines that differs: the numbers from 1, in the body as sent and as received, and the canonical lines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LineChange {
    pub(crate) sent: Range<usize>,
    pub(crate) received: Range<usize>,
    pub(crate) sent_lines: Vec<String>,
    pub(crate) received_lines: Vec<String>,
}

/// A message in its two parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'h, 'm> {
    pub(crate) header: &'h HeaderBlock<'m>,
    pub(crate) body: &'m [u8],
}

impl Comparison {
    /// Compares by `coverage`, a signature of the message as sent.
    pub(crate) fn new<'s, 'r>(
        coverage: &Coverage<'s>,
        sent: Parts<'_, 's>,
        received: Parts<'_, 'r>,
    ) -> Self {
        let arrived = arrived(coverage, received.header);
        let signature = match &arrived {
            None => SignatureField::Missing,
            Some(other) if is_same_signature(coverage, other) => SignatureField::Kept,
            Some(_) => SignatureField::Altered,
        };
        let (lines, forgiven_lines, changed_behind_length) =
            body(coverage, sent.body, received.body);
        Self {
            signature,
            fields: fields(coverage, sent.header, arrived.as_ref(), received.header),
            lines,
            forgiven_lines,
            changed_behind_length,
        }
    }

    /// Whether a verifier would see what was signed.
    pub(crate) fn survives(&self) -> bool {
        let forgiven = |field: &FieldChange| field.change == Change::Forgiven;
        self.signature == SignatureField::Kept
            && self.lines.is_empty()
            && self.fields.iter().all(forgiven)
    }
}

/// The same signature among those received; one that differs when none is the same.
fn arrived<'r>(coverage: &Coverage<'_>, header: &HeaderBlock<'r>) -> Option<Coverage<'r>> {
    let mut found: Vec<Coverage<'r>> = header
        .named("DKIM-Signature")
        .filter_map(|field| Coverage::read(field).ok())
        .filter(|other| other.key() == coverage.key())
        .collect();
    let same = found
        .iter()
        .position(|other| is_same_signature(coverage, other));
    (!found.is_empty()).then(|| found.swap_remove(same.unwrap_or(0)))
}

fn is_same_signature(one: &Coverage<'_>, other: &Coverage<'_>) -> bool {
    one.own_form() == other.own_form() && one.value() == other.value()
}

fn fields<'s, 'r>(
    coverage: &Coverage<'s>,
    sent: &HeaderBlock<'s>,
    arrived: Option<&Coverage<'r>>,
    received: &HeaderBlock<'r>,
) -> Vec<FieldChange> {
    let kind = coverage.header_canonicalization();
    let there = match arrived {
        // Its h= may have been altered: what was signed is what the one as sent says.
        Some(arrived) => named(coverage.names(), received, |field| {
            Coverage::read(field).is_ok_and(|other| is_same_signature(arrived, &other))
        }),
        None => named(coverage.names(), received, |_| false),
    };
    let pairs = coverage
        .names()
        .iter()
        .zip(coverage.fields(sent))
        .zip(there);
    pairs
        .filter_map(|((name, sent), received)| {
            let form = |field: Option<&Field<'_>>| field.map(|field| kind.field(field));
            let (sent_form, received_form) = (form(sent), form(received));
            let change = match (&sent_form, &received_form) {
                (None, None) => return None,
                (Some(one), Some(other)) if one == other => {
                    let raw = |field: Option<&Field<'_>>| field.map(|field| field.raw().to_vec());
                    if raw(sent) == raw(received) {
                        return None;
                    }
                    Change::Forgiven
                }
                (Some(_), Some(_)) => Change::Changed,
                (Some(_), None) => Change::Missing,
                (None, Some(_)) => Change::Added,
            };
            Some(FieldChange {
                name: name.clone(),
                change,
                sent: sent_form.map(|octets| printable(&octets)),
                received: received_form.map(|octets| printable(&octets)),
            })
        })
        .collect()
}

/// One answer for each name: of several fields the last first (RFC 6376 §5.4.2), without the signature itself.
fn named<'f, 'm>(
    names: &[String],
    header: &'f HeaderBlock<'m>,
    is_own: impl Fn(&Field<'m>) -> bool,
) -> Vec<Option<&'f Field<'m>>> {
    let mut left: Vec<&Field<'m>> = header
        .fields()
        .iter()
        .filter(|field| !(field.is("DKIM-Signature") && is_own(field)))
        .collect();
    let mut take = |name: &String| {
        let place = left.iter().rposition(|field| field.is(name))?;
        Some(left.remove(place))
    };
    names.iter().map(&mut take).collect()
}

/// The covered lines that differ, those whose difference is forgiven, and whether there are changes behind `l=`.
fn body(
    coverage: &Coverage<'_>,
    sent: &[u8],
    received: &[u8],
) -> (Vec<LineChange>, Vec<usize>, bool) {
    let kind = coverage.body_canonicalization();
    let (sent_form, received_form) = (kind.body(sent), kind.body(received));
    let covered = |form: &'_ [u8]| match coverage.length() {
        None => form.len(),
        Some(length) => usize::try_from(length).map_or(form.len(), |length| length.min(form.len())),
    };
    let (sent_end, received_end) = (covered(&sent_form), covered(&received_form));
    let cut = |form: &'_ [u8], end: usize| form.get(..end).unwrap_or_default().to_vec();
    let (sent_covered, received_covered) =
        (cut(&sent_form, sent_end), cut(&received_form, received_end));
    let changed_behind = sent_form.get(sent_end..) != received_form.get(received_end..);

    let (old, new) = (lines(&sent_covered), lines(&received_covered));
    let (raw_old, raw_new) = (lines(sent), lines(received));
    let (mut changes, mut forgiven) = (Vec::new(), Vec::new());
    for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (old_range, new_range) = (operation.old_range(), operation.new_range());
        if let DiffOp::Equal { .. } = operation {
            let pairs = old_range.zip(new_range);
            let altered = pairs.filter(|(one, other)| raw_old.get(*one) != raw_new.get(*other));
            forgiven.extend(altered.map(|(one, _)| one + 1));
            continue;
        }
        let texts = |lines: &[&[u8]], range: &Range<usize>| {
            let lines = lines.get(range.clone()).unwrap_or_default();
            lines.iter().map(|line| printable(line)).collect()
        };
        changes.push(LineChange {
            sent_lines: texts(&old, &old_range),
            received_lines: texts(&new, &new_range),
            sent: old_range.start + 1..old_range.end + 1,
            received: new_range.start + 1..new_range.end + 1,
        });
    }
    // Empty lines at the end, and a last line end that was not there.
    let ends = |raw: &[&[u8]], covered: &[&[u8]]| -> Vec<Vec<u8>> {
        let rest = raw.get(covered.len()..).unwrap_or_default();
        rest.iter().map(|line| line.to_vec()).collect()
    };
    if coverage.length().is_none()
        && changes.is_empty()
        && ends(&raw_old, &old) != ends(&raw_new, &new)
    {
        forgiven.push(old.len() + 1);
    }
    (changes, forgiven, changed_behind)
}

/// Lines with their ends. What stands behind the last end is a line, too.
fn lines(octets: &[u8]) -> Vec<&[u8]> {
    octets.split_inclusive(|&octet| octet == b'\n').collect()
}

/// As people may read it: without the line end, and nothing that a terminal obeys.
fn printable(octets: &[u8]) -> String {
    let octets = octets.strip_suffix(b"\r\n").unwrap_or(octets);
    let mut text = String::new();
    for character in String::from_utf8_lossy(octets).chars() {
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests;
