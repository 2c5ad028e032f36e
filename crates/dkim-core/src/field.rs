//! Header fields, byte for byte as they stand.
//!
//! [`HeaderBlock`] splits a header into fields in one pass and copies nothing. For a signer it is strict: it refuses what
//! verifiers would read in two ways. The verifier reads the headers of strangers and takes them as found.

use memchr::memchr;

use crate::error::{HeaderError, LineError};
use crate::line_ends;

/// The largest header that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderLimits {
    /// How many fields.
    pub fields: usize,
    /// How many octets, the empty line included.
    pub octets: usize,
}

impl HeaderLimits {
    /// Other limits than the default.
    pub const fn new(fields: usize, octets: usize) -> Self {
        HeaderLimits { fields, octets }
    }
}

impl Default for HeaderLimits {
    /// 2,000 fields and 1 MiB: far above any honest header.
    fn default() -> Self {
        HeaderLimits::new(2_000, 1024 * 1024)
    }
}

/// One header field, as it stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    raw: &'a [u8],
    name: &'a [u8],
    body: &'a [u8],
}

impl<'a> Field<'a> {
    /// The name as written; empty when it is not a name (only a verifier meets such).
    pub fn name(&self) -> &'a str {
        std::str::from_utf8(self.name).unwrap_or_default()
    }

    /// The octets between the colon and the CRLF that ends the field, folding and all.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The whole field with its last CRLF.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether this field has that name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    pub(crate) fn name_octets(&self) -> &'a [u8] {
        self.name
    }
}

/// The header of a message: its fields in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderBlock<'a> {
    fields: Vec<Field<'a>>,
}

impl<'a> HeaderBlock<'a> {
    /// Splits the header off a message, or reads a header that stands alone.
    ///
    /// Returns it with the offset at which the body starts (the length of the input when there is no empty line).
    ///
    /// # Errors
    /// Bare CR, bare LF and NUL with their offset, lines that are no field, and headers over the default [`HeaderLimits`].
    pub fn parse(message: &'a [u8]) -> Result<(HeaderBlock<'a>, usize), HeaderError> {
        Self::parse_within(message, &HeaderLimits::default())
    }

    /// The same within other limits.
    ///
    /// # Errors
    /// As [`HeaderBlock::parse`].
    pub fn parse_within(
        message: &'a [u8],
        limits: &HeaderLimits,
    ) -> Result<(HeaderBlock<'a>, usize), HeaderError> {
        split(message, limits, Reading::Strict)
    }

    /// Takes a stranger's header as found: only its size is checked.
    pub(crate) fn parse_as_found(
        message: &'a [u8],
        limits: &HeaderLimits,
    ) -> Result<(HeaderBlock<'a>, usize), HeaderError> {
        split(message, limits, Reading::AsFound)
    }

    /// The fields, first to last.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The fields of that name, first to last.
    pub fn named(&self, name: &str) -> impl DoubleEndedIterator<Item = &Field<'a>> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// The names of fields that RFC 5322 §3.6 allows once and that stand here more than once.
    ///
    /// Only a second From keeps a message from being signed; what to do about the others is the caller's policy.
    pub fn duplicates(&self) -> Vec<&'static str> {
        SINGLETONS
            .iter()
            .copied()
            .filter(|name| self.named(name).nth(1).is_some())
            .collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Strict,
    AsFound,
}

fn split<'a>(
    message: &'a [u8],
    limits: &HeaderLimits,
    reading: Reading,
) -> Result<(HeaderBlock<'a>, usize), HeaderError> {
    let mut fields = Vec::with_capacity(USUAL_FIELDS);
    let mut at = 0;
    while let Some(rest) = message.get(at..).filter(|rest| !rest.is_empty()) {
        if at > limits.octets {
            return Err(HeaderError::TooLong {
                limit: limits.octets,
            });
        }
        if rest.starts_with(b"\r\n") {
            return Ok((HeaderBlock { fields }, at + 2));
        }
        if fields.len() == limits.fields {
            return Err(HeaderError::TooManyFields {
                limit: limits.fields,
            });
        }
        // One octet more than allowed is enough to know that a field is too long.
        let room = limits
            .octets
            .saturating_sub(at)
            .saturating_add(1)
            .min(rest.len());
        let window = rest.get(..room).unwrap_or(rest);
        let field = match field_end(window) {
            Some(end) => window.get(..end).unwrap_or(window),
            None if room < rest.len() => {
                return Err(HeaderError::TooLong {
                    limit: limits.octets,
                });
            }
            None if reading == Reading::Strict => {
                return Err(HeaderError::Unterminated { offset: at });
            }
            None => rest,
        };
        if reading == Reading::Strict && !line_ends::are_whole(field) {
            check_lines(field, at)?;
        }
        fields.push(parse_field(field, at, reading)?);
        at += field.len();
    }
    Ok((HeaderBlock { fields }, at))
}

/// The length of the first field: up to a CRLF that no blank follows.
fn field_end(window: &[u8]) -> Option<usize> {
    let mut end = 0;
    loop {
        end += memchr(b'\n', window.get(end..)?)? + 1;
        let line = window.get(..end)?;
        if line.ends_with(b"\r\n") && !matches!(window.get(end), Some(b' ' | b'\t')) {
            return Some(end);
        }
    }
}

fn check_lines(field: &[u8], start: usize) -> Result<(), LineError> {
    let offset = |at: usize| (start + at) as u64;
    let mut after_cr = false;
    for (at, &octet) in field.iter().enumerate() {
        match (after_cr, octet) {
            (true, b'\n') => after_cr = false,
            (true, _) => {
                return Err(LineError::BareCr {
                    offset: offset(at - 1),
                });
            }
            (false, b'\n') => return Err(LineError::BareLf { offset: offset(at) }),
            (false, 0) => return Err(LineError::Nul { offset: offset(at) }),
            (false, octet) => after_cr = octet == b'\r',
        }
    }
    Ok(())
}

fn parse_field(raw: &[u8], offset: usize, reading: Reading) -> Result<Field<'_>, HeaderError> {
    let content = raw.strip_suffix(b"\r\n").unwrap_or(raw);
    let colon = content.iter().position(|&octet| octet == b':');
    let parts = colon.and_then(|colon| Some((content.get(..colon)?, content.get(colon + 1..)?)));
    // RFC 5322 §4.5 lets blanks stand before the colon; they are no part of the name.
    // Nothing else may: a name folded before its colon is a line without a colon to whoever reads by lines.
    let parts = parts.map(|(name, body)| (without_last_blanks(name), body));
    match parts {
        Some((name, body)) if !name.is_empty() && name.iter().all(u8::is_ascii_graphic) => {
            Ok(Field { raw, name, body })
        }
        Some(_) | None if reading == Reading::Strict => Err(HeaderError::NotAField { offset }),
        Some(_) | None => Ok(Field {
            raw,
            name: b"",
            body: content,
        }),
    }
}

fn without_last_blanks(mut name: &[u8]) -> &[u8] {
    while let [before @ .., b' ' | b'\t'] = name {
        name = before;
    }
    name
}

/// Room for the fields of most headers, so that the list of them is not moved while it grows.
const USUAL_FIELDS: usize = 32;

/// RFC 5322 §3.6 and RFC 2045 §3: at most once in a message.
const SINGLETONS: [&str; 16] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Date",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-ID",
    "Content-Description",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn splits_byte_for_byte() {
        let message = b"From: a@b\r\nSubject : x\r\n\ty \r\n\r\nbody";
        let (header, body) = HeaderBlock::parse(message).unwrap();
        let [from, subject] = header.fields() else {
            panic!("two fields")
        };
        assert_eq!(from.name(), "From");
        assert_eq!(from.body(), b" a@b");
        assert_eq!(subject.name(), "Subject");
        assert_eq!(subject.body(), b" x\r\n\ty ");
        assert_eq!(subject.raw(), b"Subject : x\r\n\ty \r\n");
        assert_eq!(&message[body..], b"body");
    }

    #[test]
    fn refuses_by_name() {
        let check = |input: &[u8], expected: HeaderError| {
            assert_eq!(HeaderBlock::parse(input).unwrap_err(), expected);
        };
        check(b"A: b\rc\r\n\r\n", LineError::BareCr { offset: 4 }.into());
        check(b"A: b\nc\r\n\r\n", LineError::BareLf { offset: 4 }.into());
        check(
            b"A: b\r\nB: \0\r\n\r\n",
            LineError::Nul { offset: 9 }.into(),
        );
        check(
            b"A: b\r\nnot a field\r\n\r\n",
            HeaderError::NotAField { offset: 6 },
        );
        check(
            b" folded: first\r\n\r\n",
            HeaderError::NotAField { offset: 0 },
        );
        check(
            b"A: b\r\nB\r\n : folded before its colon\r\n\r\n",
            HeaderError::NotAField { offset: 6 },
        );
        check(b"A\x0c: b\r\n\r\n", HeaderError::NotAField { offset: 0 });
        check(b"A: b", HeaderError::Unterminated { offset: 0 });
    }

    #[test]
    fn a_header_may_stand_alone_or_be_empty() {
        assert_eq!(HeaderBlock::parse(b"").unwrap().1, 0);
        assert_eq!(HeaderBlock::parse(b"\r\nbody").unwrap().1, 2);
        assert_eq!(HeaderBlock::parse(b"A: b\r\n").unwrap().1, 6);
    }

    #[test]
    fn limits_are_arguments() {
        let limits = HeaderLimits::new(1, 20);
        let parse =
            |input: &'static [u8]| HeaderBlock::parse_within(input, &limits).map(|(_, body)| body);
        assert_eq!(parse(b"A: b\r\n\r\n"), Ok(8));
        assert_eq!(
            parse(b"A: b\r\nB: c\r\n\r\n"),
            Err(HeaderError::TooManyFields { limit: 1 })
        );
        assert_eq!(
            parse(b"A: bbbbbbbbbbbbbbbbbbbbbbbbb\r\n\r\n"),
            Err(HeaderError::TooLong { limit: 20 })
        );
    }

    #[test]
    fn a_long_header_is_read() {
        let message = format!("X: {}\r\nFrom: a@b\r\n\r\n", "a\r\n b".repeat(40_000));
        let (header, body) = HeaderBlock::parse(message.as_bytes()).unwrap();
        assert_eq!(header.fields().len(), 2);
        assert_eq!(body, message.len());
    }

    #[test]
    fn duplicates_are_named() {
        let (header, _) =
            HeaderBlock::parse(b"To: a\r\nReceived: 1\r\nreceived: 2\r\nTO: b\r\n\r\n").unwrap();
        assert_eq!(header.duplicates(), ["To"]);
    }

    proptest! {
        #[test]
        fn fields_are_the_header_byte_for_byte(input in proptest::collection::vec(prop_oneof![
            Just(b"\r\n".to_vec()), Just(b" ".to_vec()), Just(b"A: b".to_vec()), Just(b"\r".to_vec()), Just(b"\n".to_vec()),
            Just(b":".to_vec()), any::<u8>().prop_map(|octet| vec![octet]),
        ], 0..60)) {
            let input = input.concat();
            let (header, body) = HeaderBlock::parse_as_found(&input, &HeaderLimits::default()).unwrap();
            let mut again: Vec<u8> = header.fields().iter().flat_map(|field| field.raw().to_vec()).collect();
            if again.len() < body {
                again.extend_from_slice(b"\r\n");
            }
            prop_assert_eq!(&again, &input[..body]);
            if let Ok((strict, at)) = HeaderBlock::parse(&input) {
                prop_assert_eq!(strict, header);
                prop_assert_eq!(at, body);
            }
        }
    }
}
