//! The fields of a header, and where they lie: of a message, or of a part of one.

use std::ops::Range;

/// Where a header field lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::intake) struct Field {
    /// Its name, without blanks before the colon.
    pub(in crate::intake) name: Range<usize>,
    /// What stands after the colon, to its last CRLF. `value.start > name.end`
    pub(in crate::intake) value: Range<usize>,
}

impl Field {
    /// Whether it has that name, in any case.
    pub(in crate::intake) fn is(&self, content: &[u8], name: &str) -> bool {
        content
            .get(self.name.clone())
            .is_some_and(|own| own.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Its name, its value and the line end.
    pub(in crate::intake) fn whole(&self) -> Range<usize> {
        self.name.start..self.value.end
    }
}

/// Takes a line of a header that stands at `at`. `false`: it neither starts a field nor goes on with one.
pub(in crate::intake) fn take_line(fields: &mut Vec<Field>, line: &[u8], at: usize) -> bool {
    let end = at + line.len();
    match (line.first(), fields.last_mut()) {
        (Some(b' ' | b'\t'), Some(field)) => field.value.end = end,
        _ => match field_name(line) {
            Some((name, colon)) => fields.push(Field {
                name: at..at + name,
                value: at + colon + 1..end,
            }),
            None => return false,
        },
    }
    true
}

/// The length of the name and the offset of the colon, if the line starts a field (RFC 5322 §2.2: printable ASCII without
/// colon, then a colon; §4.5 lets blanks stand between them).
fn field_name(line: &[u8]) -> Option<(usize, usize)> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let mut name = line.get(..colon)?;
    while let Some(shorter) = name.strip_suffix(b" ").or_else(|| name.strip_suffix(b"\t")) {
        name = shorter;
    }
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some((name.len(), colon))
}
