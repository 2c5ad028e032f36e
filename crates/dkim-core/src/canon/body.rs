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
//!
//! A body that ends in blanks without a CRLF is hashed as it will arrive, since SMTP can only carry it with that CRLF. dkimpy
//! and mailauth disagree about such a body as long as it is a file, and agree once it was sent.

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
mod tests;
