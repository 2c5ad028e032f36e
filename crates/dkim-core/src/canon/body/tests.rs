use super::*;
use proptest::prelude::*;

#[path = "../../../tests/rfc6376/body.rs"]
mod rfc6376;

impl Sink for Vec<u8> {
    fn write(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

fn run(
    kind: Canonicalization,
    endings: LineEndings,
    chunks: &[&[u8]],
) -> Result<Vec<u8>, LineError> {
    let mut out = Vec::new();
    let mut canonicalizer = BodyCanonicalizer::new(kind, endings);
    for chunk in chunks {
        canonicalizer.update(chunk, &mut out)?;
    }
    canonicalizer.finish(&mut out)?;
    Ok(out)
}

#[track_caller]
fn check(kind: Canonicalization, input: &str, expected: &str) {
    let out = run(kind, LineEndings::Strict, &[input.as_bytes()]).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        expected,
        "{kind} of {input:?}"
    );
    assert_eq!(
        plain(kind, input.as_bytes()),
        expected.as_bytes(),
        "the plain text of the RFC on {input:?}"
    );
}

#[test]
fn relaxed_goldens() {
    let relaxed = |input, expected| check(Canonicalization::Relaxed, input, expected);
    relaxed("", "");
    relaxed("\r\n", "");
    relaxed(" \r\n", "");
    relaxed(" ", "");
    relaxed("abc\r\n \r\n", "abc\r\n");
    relaxed("abc \r\n\t\r\n\r\n", "abc\r\n");
    relaxed("abc", "abc\r\n");
    relaxed("abc ", "abc\r\n");
    relaxed(" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"); // RFC 6376 §3.4.5
    relaxed("\r\n\r\na\r\n", "\r\n\r\na\r\n");
    relaxed(" \r\n\t a\t\tb \r\n", "\r\n a b\r\n");
    // Blanks that stand across the borders of what is looked at in one step.
    for before in 1..130 {
        let text = "x".repeat(before);
        for blanks in [" ", "  ", " \t", "\t ", "\t\t"] {
            check(
                Canonicalization::Relaxed,
                &format!("{text}{blanks}y{text}{blanks}\r\n{text}y"),
                &format!("{text} y{text}\r\n{text}y\r\n"),
            );
        }
    }
}

#[test]
fn simple_goldens() {
    let simple = |input, expected| check(Canonicalization::Simple, input, expected);
    simple("", "\r\n");
    simple("\r\n", "\r\n");
    simple("abc", "abc\r\n");
    simple("abc\r\n \r\n", "abc\r\n \r\n");
    simple(" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n"); // RFC 6376 §3.4.5
}

#[test]
fn strict_line_endings_name_the_offset() {
    let refused =
        |body: &[u8]| run(Canonicalization::Relaxed, LineEndings::Strict, &[body]).unwrap_err();
    let long = [b"x".repeat(200).as_slice(), b"\ny"].concat();
    assert_eq!(refused(b"a\rb"), LineError::BareCr { offset: 1 });
    assert_eq!(refused(b"a\r\r\n"), LineError::BareCr { offset: 1 });
    assert_eq!(refused(b"abc\r"), LineError::BareCr { offset: 3 });
    assert_eq!(refused(b"a\r\n\nb"), LineError::BareLf { offset: 3 });
    assert_eq!(refused(&long), LineError::BareLf { offset: 200 });
    assert_eq!(refused(b"a\0"), LineError::Nul { offset: 1 });
}

fn plain(kind: Canonicalization, body: &[u8]) -> Vec<u8> {
    match kind {
        Canonicalization::Simple => rfc6376::simple(body),
        Canonicalization::Relaxed => rfc6376::relaxed(body),
    }
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b" ".to_vec()),
        Just(b"\t".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r\n\r\n".to_vec()),
        Just(b"word".to_vec()),
        Just("\u{fc}".as_bytes().to_vec()),
        Just(b"x".repeat(70)),
        Just(
            b"one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
                .to_vec()
        ),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_split_gives_the_same_octets(body in body()) {
        for kind in [Canonicalization::Simple, Canonicalization::Relaxed] {
            let whole = plain(kind, &body);
            prop_assert_eq!(&run(kind, LineEndings::Strict, &[&body]).unwrap(), &whole);
            for at in 0..=body.len() {
                let (a, b) = body.split_at(at);
                prop_assert_eq!(&run(kind, LineEndings::Strict, &[a, b]).unwrap(), &whole, "split at {}", at);
            }
            let single: Vec<&[u8]> = body.chunks(1).collect();
            prop_assert_eq!(&run(kind, LineEndings::Strict, &single).unwrap(), &whole);
        }
    }

    #[test]
    fn canonical_bodies_stay_as_they_are(body in body()) {
        for kind in [Canonicalization::Simple, Canonicalization::Relaxed] {
            let once = plain(kind, &body);
            prop_assert_eq!(run(kind, LineEndings::Strict, &[&once]).unwrap(), once);
        }
    }

    #[test]
    fn any_octets_are_taken_as_found(body in proptest::collection::vec(
        prop_oneof![Just(b'\r'), Just(b'\n'), Just(b' '), Just(b'\t'), Just(0u8), any::<u8>()], 0..300)) {
        for kind in [Canonicalization::Simple, Canonicalization::Relaxed] {
            let whole = run(kind, LineEndings::AsFound, &[&body]).unwrap();
            prop_assert_eq!(&whole, &plain(kind, &body));
            let single: Vec<&[u8]> = body.chunks(1).collect();
            prop_assert_eq!(&run(kind, LineEndings::AsFound, &single).unwrap(), &whole);
        }
    }
}
