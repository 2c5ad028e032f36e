//! When an outbound connection is encrypted. Pure.
//!
//! | mode          | STARTTLS offered | earlier handshake failed | what is done |
//! |---------------|------------------|--------------------------|--------------|
//! | off           | any              | any                      | in clear     |
//! | opportunistic | no               | any                      | in clear     |
//! | opportunistic | yes              | no                       | STARTTLS     |
//! | opportunistic | yes              | yes                      | in clear     |
//!
//! Opportunistic encryption (RFC 7435) keeps passive listeners out and nobody else: certificates are not verified,
//! since whoever could forge one could as well take STARTTLS out of the reply to EHLO.

use crate::config::TlsMode;

/// What the host says about STARTTLS (RFC 3207) in its reply to EHLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It is listed.
    Offered,
    /// It is not.
    NotOffered,
}

/// What is known of this host from an earlier connection of the same attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// There was none.
    None,
    /// The handshake failed there.
    HandshakeFailed,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// STARTTLS is sent.
    StartTls,
    /// The session goes on in clear.
    InClear,
}

/// The table above.
#[must_use]
pub fn decide(mode: TlsMode, offer: Offer, earlier: Earlier) -> Decision {
    match (mode, offer, earlier) {
        (TlsMode::Off, _, _)
        | (TlsMode::Opportunistic, Offer::NotOffered, _)
        | (TlsMode::Opportunistic, Offer::Offered, Earlier::HandshakeFailed) => Decision::InClear,
        (TlsMode::Opportunistic, Offer::Offered, Earlier::None) => Decision::StartTls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decision_table() {
        let check = |mode, offer, earlier, expected| {
            assert_eq!(
                decide(mode, offer, earlier),
                expected,
                "{mode:?} {offer:?} {earlier:?}"
            );
        };
        use Decision::{InClear, StartTls};
        use Offer::{NotOffered, Offered};
        check(TlsMode::Off, NotOffered, Earlier::None, InClear);
        check(TlsMode::Off, NotOffered, Earlier::HandshakeFailed, InClear);
        check(TlsMode::Off, Offered, Earlier::None, InClear);
        check(TlsMode::Off, Offered, Earlier::HandshakeFailed, InClear);
        check(TlsMode::Opportunistic, NotOffered, Earlier::None, InClear);
        check(
            TlsMode::Opportunistic,
            NotOffered,
            Earlier::HandshakeFailed,
            InClear,
        );
        check(TlsMode::Opportunistic, Offered, Earlier::None, StartTls);
        check(
            TlsMode::Opportunistic,
            Offered,
            Earlier::HandshakeFailed,
            InClear,
        );
    }
}
