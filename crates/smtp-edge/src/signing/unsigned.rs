//! Why a message leaves for external recipients without a signature: a closed set, which the log explains and the
//! metrics count.

/// Why a message goes unsigned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Unsigned {
    /// The settings ask for no signatures.
    SigningOff,
    /// No entry names the domain of the message or a domain above it.
    NoEntry,
    /// Nothing could be signed with, and the failure policy lets the message go.
    BestEffort,
    /// Its client may not sign for the domain, and the rule lets the message go.
    SenderRule,
}

impl Unsigned {
    /// All of them, for counters that are to show a zero.
    pub const ALL: [Self; 4] = [
        Self::SigningOff,
        Self::NoEntry,
        Self::BestEffort,
        Self::SenderRule,
    ];

    /// The reason as counters write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::SigningOff => "signing_off",
            Self::NoEntry => "no_entry",
            Self::BestEffort => "best_effort",
            Self::SenderRule => "sender_rule",
        }
    }

    /// The reason as the log writes it, for people.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::SigningOff => "RouterDKIMSigning is off",
            Self::NoEntry => "no DKIM_KEY entry covers the domain",
            Self::BestEffort => "no key could sign, and the failure policy sends it",
            Self::SenderRule => "its client may not sign for the domain (router.senders)",
        }
    }
}
