//! `xtext` (RFC 3461 §4): how a parameter carries characters that may not stand in a command line.
//!
//! What is decoded comes to stand in headers, reports and logs later on. So nothing is decoded to a control character: with
//! `+0D+0A` a client could write header fields of its own.

/// A text is no xtext, or hides what may not be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not xtext of printable characters")]
pub struct NotXtext;

/// Decodes printable ASCII (RFC 3461 §4.4: ENVID "MUST consist entirely of printable characters").
///
/// # Errors
/// [`NotXtext`].
pub fn decode(text: &str) -> Result<Box<str>, NotXtext> {
    let decoded = decode_octets(text)?;
    let printable = decoded.iter().all(|octet| (b' '..=b'~').contains(octet));
    let decoded = String::from_utf8(decoded).map_err(|_| NotXtext)?;
    printable.then(|| decoded.into()).ok_or(NotXtext)
}

fn decode_octets(text: &str) -> Result<Vec<u8>, NotXtext> {
    let mut octets = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(octet) = octets.next() {
        decoded.push(match octet {
            b'+' => {
                let (high, low) = (hex(octets.next())?, hex(octets.next())?);
                high * 16 + low
            }
            b'!'..=b'~' if octet != b'=' => octet,
            _ => return Err(NotXtext),
        });
    }
    Ok(decoded)
}

/// RFC 3461 §4 has upper case alone; lower case can mean nothing else.
fn hex(octet: Option<u8>) -> Result<u8, NotXtext> {
    let digit = octet.and_then(|octet| char::from(octet).to_digit(16));
    digit
        .and_then(|digit| u8::try_from(digit).ok())
        .ok_or(NotXtext)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_characters_alone_are_decoded() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(decode(text).ok().as_deref(), expected, "{text:?}");
        };
        check("QQ314159", Some("QQ314159")); // RFC 3461 §10
        check("a+2Bb+3Dc", Some("a+b=c"));
        check("a+20b", Some("a b"));
        check("a+2bb", Some("a+b"));
        check("", Some(""));
        check("a=b", None);
        check("a b", None);
        check("a+", None);
        check("a+2", None);
        check("a+2G", None);
        check("a++B", None);
        check("a+0D+0ABcc:x", None); // a header field of the client's own
        check("a+00", None);
        check("a+7F", None);
        check("a+C3+A9", None);
        check("\u{e9}", None);
    }
}
