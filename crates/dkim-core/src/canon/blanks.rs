//! What relaxed canonicalization does with blanks, for many octets at once.
//!
//! `body` and `header` share it: which octets may stay as they stand, found without a branch for each, and what becomes of
//! the others. It holds no state and cannot fail; what a line end is, and what may stand after the last octet, is theirs.

/// A block of octets without the blanks that relaxed canonicalization drops.
pub(super) struct Reduced {
    block: [u8; BLOCK],
    length: usize,
}

impl Reduced {
    pub(super) fn new() -> Reduced {
        Reduced {
            block: [0; BLOCK],
            length: 0,
        }
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.block.get(..self.length).unwrap_or_default()
    }

    /// Adds octets of which none is dropped.
    pub(super) fn push_group(&mut self, group: &[u8; GROUP]) {
        let end = self.length + GROUP;
        if let Some(place) = self.block.get_mut(self.length..end) {
            place.copy_from_slice(group);
        }
        self.length = end;
    }

    /// Adds no more than a group of octets, each with the one after it.
    pub(super) fn push(&mut self, octets: &[u8], next: &[u8]) {
        let mut shown = [0; GROUP];
        let mut stays = [0; GROUP];
        let pairs = octets.iter().zip(next);
        for ((octet, after), (shown, stays)) in pairs.zip(shown.iter_mut().zip(&mut stays)) {
            *shown = if *octet == b'\t' { b' ' } else { *octet };
            *stays = u8::from(!is_dropped(*octet, *after));
        }
        // Each octet is written, and the place moves on past those that stay: branches on blanks would be guessed wrong.
        for (shown, stays) in shown.iter().zip(stays).take(octets.len()) {
            if let Some(place) = self.block.get_mut(self.length) {
                *place = *shown;
            }
            self.length += usize::from(stays);
        }
    }
}

/// How many octets, in whole blocks of `N`, are canonical as they stand.
///
/// Each is looked at with the one after it, so that the last octet of all never counts.
pub(super) fn clean_prefix<const N: usize>(
    rest: &[u8],
    care: impl Fn(u8, u8) -> u8 + Copy,
) -> usize {
    let (blocks, _) = rest.as_chunks::<N>();
    let (next, _) = rest.get(1..).unwrap_or_default().as_chunks::<N>();
    let pairs = blocks.iter().zip(next);
    pairs
        .take_while(|(block, next)| all_clean(block, next, care))
        .count()
        * N
}

/// Whether no octet, with the one after it, needs care.
///
/// All are looked at as a whole, without branches: a search for the next blank would cost more than the hash in prose.
#[inline(always)]
pub(super) fn all_clean<const N: usize>(
    octets: &[u8; N],
    next: &[u8; N],
    care: impl Fn(u8, u8) -> u8,
) -> bool {
    let pairs = octets.iter().zip(next);
    pairs.fold(0, |found, (octet, after)| found | care(*octet, *after)) == 0
}

/// Where the last text octet of the first `length` octets ends.
///
/// Octets after it are left to the careful path, since the end of the body may follow them.
pub(super) fn text_end(rest: &[u8], length: usize) -> usize {
    let octets = rest.get(..length).unwrap_or_default();
    let last = octets.iter().rposition(|octet| is_text(*octet));
    last.map_or(0, |last| last + 1)
}

/// Whether an octet is a blank that another blank or the end of the line follows. A CR must be known to belong to a CRLF.
#[inline(always)]
pub(super) fn is_dropped(octet: u8, after: u8) -> bool {
    is_blank(octet) & (is_blank(after) | (after == b'\r'))
}

/// Octets that no rule holds back, drops or refuses.
pub(super) fn is_text(octet: u8) -> bool {
    !matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | 0)
}

#[inline(always)]
pub(super) fn is_blank(octet: u8) -> bool {
    (octet == b' ') | (octet == b'\t')
}

/// Octets looked at in one step of a long text.
pub(super) const BLOCK: usize = 64;
/// Octets looked at in one step of a short one, or of a block that has blanks to drop.
pub(super) const GROUP: usize = 16;
