//! RFC 6376 §3.4.1, §3.4.2, §3.7 and §5.4.2 word for word, on a whole header: the judge of what is signed.
//!
//! Written for the eye, not for speed, and without anything of the crate. The integration tests and the fuzz targets
//! include this one file.

use fields::lines;
pub(crate) use fields::{fields, name, without_body};

#[path = "fields.rs"]
mod fields;

/// The simple header canonicalization.
pub(crate) fn simple(field: &[u8]) -> Vec<u8> {
    field.to_vec()
}

/// The relaxed header canonicalization.
pub(crate) fn relaxed(field: &[u8]) -> Vec<u8> {
    let value = field
        .iter()
        .copied()
        .skip_while(|octet| *octet != b':')
        .skip(1);
    let mut reduced: Vec<u8> = Vec::new();
    for octet in unfolded(&value.collect::<Vec<u8>>()) {
        match octet {
            b' ' | b'\t' if reduced.last() == Some(&b' ') => {}
            b' ' | b'\t' => reduced.push(b' '),
            other => reduced.push(other),
        }
    }
    let reduced = reduced.strip_prefix(b" ").unwrap_or(&reduced);
    let reduced = reduced.strip_suffix(b" ").unwrap_or(reduced);
    [&name(field), b":".as_slice(), reduced, b"\r\n"].concat()
}

/// What a signature is made over: the fields that its `h=` names, then the signature field itself with `b=` empty.
///
/// `form` is one of the two canonicalizations. The signature is as a signer writes it, with `b=` as its last tag.
pub(crate) fn signed_octets(
    form: fn(&[u8]) -> Vec<u8>,
    header: &[u8],
    signature: &[u8],
) -> Vec<u8> {
    let mut left = fields(header);
    let mut octets = Vec::new();
    for wanted in signed_names(signature) {
        // "Signers choosing to sign an existing header field that occurs more than once MUST sign the last instance."
        if let Some(place) = left.iter().rposition(|field| name(field) == wanted) {
            octets.extend(form(&left.remove(place)));
        }
    }
    let value = signature
        .windows(3)
        .position(|window| window == b" b=")
        .map_or(signature.len(), |tag| tag + b" b=".len());
    let emptied = [signature.get(..value).unwrap_or_default(), b"\r\n"].concat();
    let canonical = form(&emptied);
    octets.extend_from_slice(canonical.strip_suffix(b"\r\n").unwrap_or(&canonical));
    octets
}

/// The names of `h=` in lower case.
fn signed_names(signature: &[u8]) -> Vec<Vec<u8>> {
    let text: Vec<u8> = unfolded(signature)
        .into_iter()
        .filter(|octet| !matches!(octet, b' ' | b'\t'))
        .collect();
    let tag = text
        .split(|octet| *octet == b';')
        .find_map(|tag| tag.strip_prefix(b"h="));
    tag.unwrap_or_default()
        .split(|octet| *octet == b':')
        .map(<[u8]>::to_ascii_lowercase)
        .collect()
}

/// RFC 5322 §2.2.3: every CRLF goes, since in a field it stands before a blank or at the end.
fn unfolded(field: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    for line in lines(field) {
        octets.extend_from_slice(line.strip_suffix(b"\r\n").unwrap_or(&line));
    }
    octets
}
