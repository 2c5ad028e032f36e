//! What was changed in a message to bring it into normal form, as the mail log and the metrics name it.

/// One kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mending {
    /// Bare LF became CRLF, or bare CR a space.
    BareLineEnds,
    /// A From field was made of the envelope's sender.
    FromAdded,
    /// Fields that said again what another had said were dropped.
    DuplicatesDropped,
    /// Lines over 998 octets of a header were folded.
    Folded,
    /// Parts were given another transfer encoding.
    Reencoded,
}

impl Mending {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::BareLineEnds,
        Self::FromAdded,
        Self::DuplicatesDropped,
        Self::Folded,
        Self::Reencoded,
    ];

    /// Its name in the mail log and in the metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::BareLineEnds => "bare_line_ends",
            Self::FromAdded => "from_added",
            Self::DuplicatesDropped => "duplicates_dropped",
            Self::Folded => "folded",
            Self::Reencoded => "reencoded",
        }
    }
}
