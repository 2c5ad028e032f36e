//! What EHLO announces. Nothing is announced that is not done, and nothing that this client may not use at this moment.

use super::sasl::Mechanism;
use super::xclient;

/// What depends on the settings and on the session.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// SIZE, in octets.
    pub message_size: usize,
    /// LIMITS: RCPTMAX.
    pub recipients: usize,
    /// LIMITS: MAILMAX.
    pub messages: u32,
    /// Whether STARTTLS would be obeyed.
    pub starttls: bool,
    /// Whether AUTH would be.
    pub auth: bool,
    /// Whether XCLIENT would be.
    pub xclient: bool,
}

/// The service extensions, as EHLO lines.
///
/// Left out on purpose: DSN and REQUIRETLS, which nobody here carries out yet; BINARYMIME, since a message whose lines have
/// no end could not be signed and sent on; RCPTDOMAINMAX, since there is no such limit.
#[must_use]
pub fn announced(offer: &Offer) -> Vec<String> {
    let mut lines = vec![
        "PIPELINING".to_owned(),                // RFC 2920
        format!("SIZE {}", offer.message_size), // RFC 1870
        "8BITMIME".to_owned(),                  // RFC 6152
        "SMTPUTF8".to_owned(),                  // RFC 6531
        "CHUNKING".to_owned(),                  // RFC 3030
        "ENHANCEDSTATUSCODES".to_owned(),       // RFC 2034
        format!(
            "LIMITS MAILMAX={} RCPTMAX={}",
            offer.messages, offer.recipients
        ), // RFC 9422
    ];
    if offer.starttls {
        lines.push("STARTTLS".to_owned()); // RFC 3207
    }
    if offer.auth {
        let names = Mechanism::ALL.map(Mechanism::name);
        lines.push(format!("AUTH {}", names.join(" "))); // RFC 4954
    }
    if offer.xclient {
        lines.push(format!("XCLIENT {}", xclient::ATTRIBUTES));
    }
    lines
}
