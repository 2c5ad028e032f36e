//! The two canonicalizations of RFC 6376 §3.4, for header fields and for bodies.
//!
//! `header` turns one field into the octets that are hashed; `body` is the streaming half; `blanks` is what the two
//! share.

mod blanks;
pub(crate) mod body;
pub(crate) mod header;

use std::fmt;

/// How a header or a body is brought into the form that is hashed (RFC 6376 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Canonicalization {
    /// Almost nothing may change on the way (RFC 6376 §3.4.1, §3.4.3).
    Simple,
    /// White space may change on the way (RFC 6376 §3.4.2, §3.4.4).
    Relaxed,
}

impl Canonicalization {
    /// The name in a `c=` tag.
    pub fn as_str(self) -> &'static str {
        match self {
            Canonicalization::Simple => "simple",
            Canonicalization::Relaxed => "relaxed",
        }
    }

    pub(crate) fn from_tag(value: &str) -> Option<Canonicalization> {
        [Canonicalization::Simple, Canonicalization::Relaxed]
            .into_iter()
            .find(|canonicalization| canonicalization.as_str().eq_ignore_ascii_case(value))
    }
}

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
