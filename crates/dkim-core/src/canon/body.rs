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
use super::blanks::{
    BLOCK, GROUP, Reduced, all_clean, clean_prefix, is_dropped, is_text, text_end,
};
use crate::error::LineError;
use crate::line_ends;

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
            rest = match self.take_many(rest, sink) {
                Some(after) => after,
                None => {
                    self.step(first, sink)?;
                    after_first
                }
            };
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

    /// Takes octets from the front of `rest` by many at once, and answers what is left; nothing when they need care.
    fn take_many<'a>(&mut self, rest: &'a [u8], sink: &mut impl Sink) -> Option<&'a [u8]> {
        if self.cr || !rest.first().is_some_and(|first| is_text(*first)) {
            return None;
        }
        let relaxed = self.kind == Canonicalization::Relaxed;
        let clean = match self.kind {
            Canonicalization::Simple => clean_prefix::<BLOCK>(rest, line_ends::care),
            Canonicalization::Relaxed => clean_prefix::<BLOCK>(rest, relaxed_care),
        };
        let many = if clean > 0 { clean } else { whole_lines(rest) };
        let (text, after) = rest.split_at_checked(text_end(rest, many))?;
        match text {
            [] => return None,
            _ if clean > 0 || !relaxed => self.run(text, sink),
            _ => self.reduce(text, rest.get(1..=text.len()).unwrap_or_default(), sink),
        }
        Some(after)
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

    /// Takes no more than a block of octets with whole line ends that begins and ends in text, and reduces its blanks.
    fn reduce(&mut self, text: &[u8], next: &[u8], sink: &mut impl Sink) {
        let mut reduced = Reduced::new();
        let (groups, tail) = text.as_chunks::<GROUP>();
        let (next_groups, next_tail) = next.as_chunks::<GROUP>();
        for (group, next) in groups.iter().zip(next_groups) {
            if all_clean(group, next, relaxed_care) {
                reduced.push_group(group);
            } else {
                reduced.push(group, next);
            }
        }
        reduced.push(tail, next_tail);
        self.offset += (text.len() - reduced.octets().len()) as u64;
        self.run(reduced.octets(), sink);
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

/// How many octets, no more than a block, have whole line ends. The last octet of all never counts.
fn whole_lines(rest: &[u8]) -> usize {
    let next = rest.get(1..).unwrap_or_default();
    let pairs = || rest.iter().zip(next).take(BLOCK);
    let care = |(octet, after): (&u8, &u8)| line_ends::care(*octet, *after);
    match pairs().fold(0, |found, pair| found | care(pair)) {
        0 => pairs().len(),
        _ => pairs().take_while(|pair| care(*pair) == 0).count(),
    }
}

/// Not 0 where an octet, with the one after it, is not canonical as it stands.
#[inline(always)]
fn relaxed_care(octet: u8, after: u8) -> u8 {
    line_ends::care(octet, after) | u8::from((octet == b'\t') | is_dropped(octet, after))
}

/// Shorter runs are collected before they go to the sink.
const LONG_RUN: usize = 256;
/// How many octets are collected.
const STAGE: usize = 1024;

#[cfg(test)]
mod tests;
