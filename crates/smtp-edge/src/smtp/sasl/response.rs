//! A client's response on its way from the command line to a mechanism: in base64 it is as secret as decoded.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use credstore::Secret;
use zeroize::Zeroizing;

/// A response as the client wrote it, in base64.
#[derive(Clone, PartialEq, Eq)]
pub struct Response(Zeroizing<Vec<u8>>);

/// A response is not base64 (RFC 4954 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the response is not base64")]
pub struct NotBase64;

impl Response {
    /// Copies the text of a response.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        Self(Zeroizing::new(text.to_vec()))
    }

    /// Whether the client breaks the exchange off (RFC 4954 §4).
    #[must_use]
    pub fn is_cancel(&self) -> bool {
        self.0.as_slice() == b"*"
    }

    /// The octets of an initial response, in which `=` stands for none (RFC 4954 §4).
    ///
    /// # Errors
    /// [`NotBase64`].
    pub fn decode_initial(&self) -> Result<Secret, NotBase64> {
        if self.0.as_slice() == b"=" {
            return Ok(Secret::new(Vec::new()));
        }
        self.decode()
    }

    /// The octets of a response to a challenge.
    ///
    /// # Errors
    /// [`NotBase64`].
    pub fn decode(&self) -> Result<Secret, NotBase64> {
        // The decoder writes into memory that is wiped even when it gives up half-way.
        let mut octets = Zeroizing::new(Vec::with_capacity(self.0.len()));
        STANDARD
            .decode_vec(self.0.as_slice(), &mut octets)
            .map_err(|_| NotBase64)?;
        Ok(Secret::from(octets))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Response(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_read_strictly() {
        let check = |text: &str, initial: Option<&str>, later: Option<&str>| {
            let response = Response::new(text.as_bytes());
            let octets = |decoded: Result<Secret, NotBase64>| {
                decoded.ok().map(|octets| octets.expose().to_vec())
            };
            let expected = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
            assert_eq!(
                octets(response.decode_initial()),
                expected(initial),
                "{text:?}"
            );
            assert_eq!(octets(response.decode()), expected(later), "{text:?}");
        };
        check("dXNlcg==", Some("user"), Some("user"));
        check("", Some(""), Some(""));
        check("=", Some(""), None); // stands for nothing in an initial response alone
        check("dXNlcg", None, None); // without its padding
        check("dXNlcg= =", None, None);
        check("dXNlc_==", None, None); // another alphabet
        check("*", None, None);
    }

    #[test]
    fn debug_shows_nothing() {
        let shown = format!("{:?}", Response::new(b"AHVzZXIAcGVuY2ls"));
        assert_eq!(shown, "Response(redacted)");
    }
}
