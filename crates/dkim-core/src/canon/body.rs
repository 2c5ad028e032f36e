//! The streaming body canonicalizer.
//!
//! It owns the two body algorithms (RFC 6376 §3.4.3 and §3.4.4) and the check of line endings. Chunks of
//! any size come in; canonical octets go to a [`Sink`], whole slices of the input wherever they are
//! canonical already. It fails only on line endings, and only when told to be strict.
//!
//! What is held back between two octets, all of it may still be dropped:
//!
//! ```text
//!   ... text | CRLF CRLF CRLF | blanks | CR | next octet
//!              `crlfs`          `blank`  `cr`
//! ```
//!
//! An ordinary octet releases them in this order, the blanks as one space. The end of the body drops them and writes
//! the one CRLF that ends a non-empty body. RFC 6376 §3.4.4 drops blanks at line ends *before* empty
//! lines at the end: a last line of blanks only is such an empty line, and here it falls out of the picture:
//! `crlfs` simply goes on counting.

use super::Canonicalization;
use crate::error::LineError;

/// Where canonical octets go.
pub(crate) trait Sink {
    /// Takes the next canonical octets.
    fn write(&mut self, octets: &[u8]);
}

/// What to do with CR and LF outside CRLF, and with NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineEndings {
    /// Refuse them (a signer must: verifiers disagree about them).
    Strict,
    /// Take them as ordinary octets (a verifier has no choice).
    AsFound,
}

/// One body on its way through one canonicalization.
#[derive(Debug, Clone)]
pub(crate) struct BodyCanonicalizer {
    kind: Canonicalization,
    endings: LineEndings,
    /// Octets taken in so far.
    offset: u64,
    /// CRLFs not written yet.
    crlfs: u64,
    /// Blanks not written yet (relaxed only).
    blank: bool,
    /// A CR whose next octet is not known yet.
    cr: bool,
    /// Whether any ordinary octet has come.
    has_text: bool,
    /// Canonical octets in short pieces, on their way to the sink.
    staged: Vec<u8>,
}

impl BodyCanonicalizer {
    pub(crate) fn new(kind: Canonicalization, endings: LineEndings) -> Self {
        BodyCanonicalizer {
            kind,
            endings,
            offset: 0,
            crlfs: 0,
            blank: false,
            cr: false,
            has_text: false,
            staged: Vec::with_capacity(STAGE),
        }
    }

    /// Takes the next octets of the body.
    pub(crate) fn update(&mut self, chunk: &[u8], sink: &mut impl Sink) -> Result<(), LineError> {
        let mut rest = chunk;
        while let Some((&first, after_first)) = rest.split_first() {
            let clean = if !self.cr && is_text(first) {
                match self.kind {
                    Canonicalization::Simple => clean_prefix(rest, simple_care),
                    Canonicalization::Relaxed => clean_prefix(rest, relaxed_care),
                }
            } else {
                0
            };
            match rest.split_at_checked(clean) {
                Some((text, after)) if !text.is_empty() => {
                    self.run(text, sink);
                    rest = after;
                }
                Some(_) | None => {
                    self.step(first, sink)?;
                    rest = after_first;
                }
            }
        }
        self.flush(sink);
        Ok(())
    }

    /// Ends the body.
    pub(crate) fn finish(&mut self, sink: &mut impl Sink) -> Result<(), LineError> {
        if self.cr {
            self.cr = false;
            match self.endings {
                LineEndings::Strict => {
                    return Err(LineError::BareCr {
                        offset: self.offset - 1,
                    });
                }
                LineEndings::AsFound => self.text(b'\r', sink),
            }
        }
        self.flush(sink);
        // RFC 6376 §3.4.3: an empty simple body is one CRLF; §3.4.4: an empty relaxed body is empty.
        if self.has_text || self.kind == Canonicalization::Simple {
            sink.write(b"\r\n");
        }
        Ok(())
    }

    fn step(&mut self, octet: u8, sink: &mut impl Sink) -> Result<(), LineError> {
        let strict = self.endings == LineEndings::Strict;
        let offset = self.offset;
        self.offset += 1;
        if self.cr {
            self.cr = false;
            if octet == b'\n' {
                self.blank = false;
                self.crlfs += 1;
                return Ok(());
            }
            if strict {
                return Err(LineError::BareCr { offset: offset - 1 });
            }
            self.text(b'\r', sink);
        }
        match octet {
            b'\r' => self.cr = true,
            b'\n' if strict => return Err(LineError::BareLf { offset }),
            0 if strict => return Err(LineError::Nul { offset }),
            b' ' | b'\t' if self.kind == Canonicalization::Relaxed => self.blank = true,
            _ => self.text(octet, sink),
        }
        Ok(())
    }

    /// Takes octets that are canonical as they stand and end in text.
    fn run(&mut self, text: &[u8], sink: &mut impl Sink) {
        self.release(sink);
        self.has_text = true;
        self.offset += text.len() as u64;
        if text.len() >= LONG_RUN {
            self.flush(sink);
            sink.write(text);
            return;
        }
        // Many short writes would cost the hash more than one copy.
        if self.staged.len() + text.len() > STAGE {
            self.flush(sink);
        }
        self.staged.extend_from_slice(text);
    }

    fn text(&mut self, octet: u8, sink: &mut impl Sink) {
        self.release(sink);
        self.has_text = true;
        self.staged.push(octet);
        if self.staged.len() >= STAGE - 2 {
            self.flush(sink);
        }
    }

    /// Writes what was held back, now that text follows.
    fn release(&mut self, sink: &mut impl Sink) {
        while self.crlfs > 0 {
            if self.staged.len() >= STAGE - 2 {
                self.flush(sink);
            }
            self.staged.extend_from_slice(b"\r\n");
            self.crlfs -= 1;
        }
        if self.blank {
            self.blank = false;
            self.staged.push(b' ');
        }
    }

    fn flush(&mut self, sink: &mut impl Sink) {
        if !self.staged.is_empty() {
            sink.write(&self.staged);
            self.staged.clear();
        }
    }
}

/// The length of the longest prefix that is canonical as it stands and ends in text.
///
/// The first octet of `rest` is text. Octets after the last text octet are left to the careful path, since the
/// end of the body may follow them, and so is the last octet of all, since nobody knows yet what follows it.
#[inline(always)]
fn clean_prefix(rest: &[u8], care: impl Fn(u8, u8) -> u8) -> usize {
    let next = rest.get(1..).unwrap_or_default();
    let mut clean = 0;
    // No branch inside a block, so that the compiler makes vector code of it: a search for blanks would cost more than
    // the hash in prose.
    for (block, next) in rest.chunks_exact(BLOCK).zip(next.chunks_exact(BLOCK)) {
        let pairs = block.iter().zip(next);
        if pairs.fold(0, |found, (octet, after)| found | care(*octet, *after)) != 0 {
            break;
        }
        clean += BLOCK;
    }
    let pairs = rest.iter().zip(next).skip(clean).take(BLOCK);
    clean += pairs
        .take_while(|(octet, after)| care(**octet, **after) == 0)
        .count();
    let prefix = rest.get(..clean).unwrap_or_default();
    clean
        - prefix
            .iter()
            .rev()
            .take_while(|octet| !is_text(**octet))
            .count()
}

/// Not 0 where an octet, with the one after it, is not canonical as it stands.
#[inline(always)]
fn relaxed_care(octet: u8, after: u8) -> u8 {
    simple_care(octet, after)
        | u8::from(octet == b'\t')
        | (u8::from(octet == b' ') & (u8::from(after == b' ') | u8::from(after == b'\r')))
}

#[inline(always)]
fn simple_care(octet: u8, after: u8) -> u8 {
    (u8::from(octet == b'\r') ^ u8::from(after == b'\n')) | u8::from(octet == 0)
}

/// Octets that no rule holds back, drops or refuses.
fn is_text(octet: u8) -> bool {
    !matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | 0)
}

/// Octets looked at in one step of the fast path.
const BLOCK: usize = 64;
/// Shorter runs are collected before they go to the sink.
const LONG_RUN: usize = 256;
/// How many octets are collected.
const STAGE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    /// RFC 6376 §3.4.3 and §3.4.4 word for word, on a whole body: the judge of the streaming code.
    fn plain(kind: Canonicalization, body: &[u8]) -> Vec<u8> {
        let text = body.to_vec();
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let mut line = Vec::new();
        let mut at = 0;
        while at < text.len() {
            if text[at] == b'\r' && text.get(at + 1) == Some(&b'\n') {
                lines.push(std::mem::take(&mut line));
                at += 2;
            } else {
                line.push(text[at]);
                at += 1;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        if kind == Canonicalization::Relaxed {
            for line in &mut lines {
                while matches!(line.last(), Some(b' ' | b'\t')) {
                    line.pop();
                }
                let mut reduced = Vec::new();
                for &octet in line.iter() {
                    match octet {
                        b' ' | b'\t' if reduced.last() == Some(&b' ') => {}
                        b' ' | b'\t' => reduced.push(b' '),
                        other => reduced.push(other),
                    }
                }
                *line = reduced;
            }
        }
        while lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        let mut out: Vec<u8> = lines
            .iter()
            .flat_map(|line| [line, b"\r\n".as_slice()].concat())
            .collect();
        if out.is_empty() && kind == Canonicalization::Simple {
            out.extend_from_slice(b"\r\n");
        }
        out
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
}
