//! Headers: a strict reading gives the fields that the lines of the message give, octet for octet, and nothing else is
//! accepted.

use dkim_core::{HeaderBlock, HeaderError, HeaderLimits, LineError};

#[path = "../rfc6376/fields.rs"]
mod rfc6376;

pub(crate) fn check(input: &[u8]) {
    match HeaderBlock::parse(input) {
        Ok((header, body)) => check_fields(input, &header, body),
        Err(error) => check_error(input, &error),
    }
    let limits = HeaderLimits::new(2, 40);
    if let Ok((header, body)) = HeaderBlock::parse_within(input, &limits) {
        assert!(header.fields().len() <= limits.fields && body <= limits.octets + 2);
        let unlimited = HeaderBlock::parse(input).expect("what holds within limits holds without");
        assert_eq!(unlimited, (header, body));
    }
}

fn check_fields(input: &[u8], header: &HeaderBlock<'_>, body: usize) {
    let alone = rfc6376::without_body(input);
    let empty_line = if body > alone.len() { 2 } else { 0 };
    assert_eq!(alone.len() + empty_line, body);
    let plain = rfc6376::fields(alone);
    let raw: Vec<&[u8]> = header.fields().iter().map(|field| field.raw()).collect();
    assert_eq!(raw, plain);
    for field in header.fields() {
        let name = field.name();
        assert!(!name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic()));
        assert_eq!(
            rfc6376::name(field.raw()),
            name.to_ascii_lowercase().as_bytes()
        );
        let rest = field.raw().strip_prefix(name.as_bytes());
        let rest = rest.expect("a field begins with its name");
        let blanks = rest.iter().take_while(|octet| **octet != b':');
        assert!(
            blanks.clone().all(|octet| matches!(octet, b' ' | b'\t')),
            "between a name and its colon stand blanks alone"
        );
        let value = rest.split_at(blanks.count() + 1).1;
        assert_eq!(value.strip_suffix(b"\r\n"), Some(field.body()));
        assert!(header.named(&name.to_ascii_uppercase()).count() >= 1);
    }
    for name in header.duplicates() {
        assert!(header.named(name).count() > 1);
    }
}

fn check_error(input: &[u8], error: &HeaderError) {
    let octet = |offset: &u64| usize::try_from(*offset).ok().and_then(|at| input.get(at));
    match error {
        HeaderError::Line(LineError::BareCr { offset }) => assert_eq!(octet(offset), Some(&b'\r')),
        HeaderError::Line(LineError::BareLf { offset }) => assert_eq!(octet(offset), Some(&b'\n')),
        HeaderError::Line(LineError::Nul { offset }) => assert_eq!(octet(offset), Some(&0)),
        HeaderError::NotAField { offset } | HeaderError::Unterminated { offset } => {
            assert!(*offset < input.len());
        }
        other => assert!(input.len() > 4_000, "{other:?} of a short header"),
    }
}
