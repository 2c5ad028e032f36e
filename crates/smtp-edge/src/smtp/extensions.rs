//! What EHLO announces. Nothing is announced that is not done.

/// The service extensions that every session offers, as EHLO lines; `max_message_size` in octets.
#[must_use]
pub fn announced(max_message_size: u64) -> Vec<String> {
    vec![
        "PIPELINING".to_owned(),            // RFC 2920
        format!("SIZE {max_message_size}"), // RFC 1870
        "8BITMIME".to_owned(),              // RFC 6152
        "SMTPUTF8".to_owned(),              // RFC 6531
        "ENHANCEDSTATUSCODES".to_owned(),   // RFC 2034
    ]
}
