//! What holds for every message: signatures verify, a change that canonicalization does not forgive is refused, the
//! chunks of the body make no difference, and no octets whatever break a parser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

use std::sync::LazyLock;

use checks::body::rfc6376 as plain_body;
use checks::header_canon::rfc6376 as plain_header;
use dkim_core::Canonicalization::{Relaxed, Simple};
use dkim_core::{
    Canonicalization, HeaderBlock, Limits, SignatureParams, Signer, SigningKey, VerifyResult, sign,
    verify,
};
use proptest::prelude::*;
use proptest::sample::Index;

mod checks;

const NOW: u64 = 1_800_000_000;

const PAIRS: [(Canonicalization, Canonicalization); 4] = [
    (Simple, Simple),
    (Simple, Relaxed),
    (Relaxed, Simple),
    (Relaxed, Relaxed),
];

static ED25519: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_ed25519_seed(&[5; 32]).unwrap());
static RSA: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate_rsa(2_048).unwrap());

proptest! {
    #[test]
    fn what_is_signed_verifies(message in message(), chunk in 1usize..50) {
        let (header, body) = HeaderBlock::parse(&message).unwrap();
        let signatures: Vec<_> = PAIRS
            .into_iter()
            .flat_map(|pair| [(params(pair), ED25519.clone()), (params(pair), RSA.clone())])
            .collect();
        let whole = sign(&message, &signatures).unwrap();
        let mut signer = Signer::new(&header, signatures).unwrap();
        for chunk in message[body..].chunks(chunk) {
            signer.update(chunk).unwrap();
        }
        // Both algorithms are deterministic, so the chunks show in nothing.
        prop_assert_eq!(signer.finish().unwrap(), whole.clone());
        for signed in &whole {
            let key = if signed.text.windows(10).any(|text| text == b"rsa-sha256") { &RSA } else { &ED25519 };
            prop_assert_eq!(judge(&[&signed.text, message.as_slice()].concat(), key), VerifyResult::Pass);
        }
    }

    #[test]
    fn a_changed_octet_of_the_body_is_refused(message in message(), at in any::<Index>(), octet in any::<u8>()) {
        let (_, start) = HeaderBlock::parse(&message).unwrap();
        prop_assume!(start < message.len());
        let at = start + at.index(message.len() - start);
        let mut altered = message.clone();
        altered[at] = octet;
        for pair in PAIRS {
            let canonical = match pair.1 {
                Simple => plain_body::simple,
                Relaxed => plain_body::relaxed,
            };
            let forgiven = canonical(&message[start..]) == canonical(&altered[start..]);
            let expected = if forgiven { VerifyResult::Pass } else { VerifyResult::BodyAltered };
            prop_assert_eq!(judge_with(&message, &altered, pair), expected, "octet {} of {:?}", at, pair);
        }
    }

    #[test]
    fn a_changed_octet_of_a_signed_field_is_refused(message in message(), at in any::<Index>(), octet in any::<u8>()) {
        let (_, start) = HeaderBlock::parse(&message).unwrap();
        let at = at.index(start - 2);
        // A line end made or broken makes other fields; the next property has those.
        prop_assume!(!b"\r\n".contains(&message[at]) && !b"\r\n".contains(&octet));
        prop_assume!(at > 0 && message[at - 1] != b'\n');
        let mut altered = message.clone();
        altered[at] = octet;
        // Without a colon in its first line it is no field, and the header has no form.
        let fields = plain_header::fields(plain_header::without_body(&altered));
        let named = |field: &Vec<u8>| field.split(|octet| *octet == b'\n').next().is_some_and(|line| line.contains(&b':'));
        prop_assume!(fields.iter().all(named));
        for pair in PAIRS {
            let canonical = match pair.0 {
                Simple => plain_header::simple,
                Relaxed => plain_header::relaxed,
            };
            let signed = |message: &[u8]| -> Vec<Vec<u8>> {
                let fields = plain_header::fields(plain_header::without_body(message)).into_iter();
                fields.filter(|field| SIGNED.contains(&plain_header::name(field).as_slice())).map(|field| canonical(&field)).collect()
            };
            let forgiven = signed(&message) == signed(&altered);
            let expected = if forgiven { VerifyResult::Pass } else { VerifyResult::SignatureMismatch };
            prop_assert_eq!(judge_with(&message, &altered, pair), expected, "octet {} of {:?}", at, pair);
        }
    }

    #[test]
    fn a_signed_field_taken_out_or_doubled_is_refused(message in message(), at in any::<Index>(), doubled in any::<bool>()) {
        let header = plain_header::without_body(&message);
        let mut fields = plain_header::fields(header);
        let at = at.index(fields.len());
        prop_assume!(SIGNED.contains(&plain_header::name(&fields[at]).as_slice()));
        if doubled {
            fields.insert(at, fields[at].clone());
        } else {
            fields.remove(at);
        }
        let altered = [fields.concat().as_slice(), &message[header.len()..]].concat();
        for pair in PAIRS {
            prop_assert_eq!(judge_with(&message, &altered, pair), VerifyResult::SignatureMismatch);
        }
    }

    #[test]
    fn any_octets_are_survived(input in prop_oneof![octets(), message(), tags()]) {
        for (_, check) in checks::ALL {
            check(&input);
        }
    }
}

/// The names in [`message`] that the default header set covers.
const SIGNED: [&[u8]; 8] = [
    b"from",
    b"subject",
    b"to",
    b"cc",
    b"date",
    b"message-id",
    b"reply-to",
    b"content-type",
];

/// Signs one message, and judges the signature on top of another.
fn judge_with(
    signed: &[u8],
    altered: &[u8],
    pair: (Canonicalization, Canonicalization),
) -> VerifyResult {
    let signatures = sign(signed, &[(params(pair), ED25519.clone())]).unwrap();
    judge(&[&signatures[0].text, altered].concat(), &ED25519)
}

fn judge(message: &[u8], key: &SigningKey) -> VerifyResult {
    let record = |_: &dkim_core::name::KeyName| Ok(vec![key.record().to_value()]);
    verify(message, record, NOW, &Limits::default())[0]
        .result
        .clone()
}

/// The default header set: of the fields in [`message`] it covers all but Received.
fn params((header, body): (Canonicalization, Canonicalization)) -> SignatureParams {
    SignatureParams::new("example.com".parse().unwrap(), "sel".parse().unwrap())
        .canonicalization(header, body)
        .timestamp(NOW)
}

/// Messages as an edge may meet them: one From, each other field at most once, Received anywhere, odd folding and blanks.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let name = |text: &'static str| Just(text.to_owned());
    let names = prop_oneof![
        name("Received"),
        name("SUBJECT"),
        name("to "),
        name("Cc\t"),
        name("date"),
        name("Message-Id"),
        name("Reply-To"),
        name("content-TYPE")
    ];
    let field = (names, value()).prop_map(|(name, value)| format!("{name}:{value}\r\n"));
    let fields = proptest::collection::vec(field, 0..8).prop_map(|mut fields| {
        let mut seen = std::collections::HashSet::new();
        fields.retain(|field| {
            let name = plain_header::name(field.as_bytes());
            name == b"received" || seen.insert(name)
        });
        fields
    });
    (fields, value(), any::<Index>(), body()).prop_map(|(mut fields, from, at, body)| {
        fields.insert(
            at.index(fields.len() + 1),
            format!("From: Joe <joe@example.com>{from}\r\n"),
        );
        [fields.concat().as_bytes(), b"\r\n", &body].concat()
    })
}

/// The value of a field: words, blanks and folds.
fn value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,12}",
        "[ \t]{1,3}",
        "\r\n[ \t]",
        "\r\n \t[a-z:;=]{1,5}",
        "[äöü€]{1,3}"
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[ \t]{1,3}",
        "(\r\n){1,3}",
        "[ -~]{1,20}",
        "[a-z ]{60,140}",
        "[äöü€]{1,3}"
    ];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Octets that parsers trip over more often than over random ones.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![
        Just(b'\r'),
        Just(b'\n'),
        Just(b' '),
        Just(b':'),
        Just(b';'),
        Just(b'='),
        any::<u8>()
    ];
    proptest::collection::vec(octet, 0..300)
}

/// Lists of the tags of records and signatures, with values that are often nearly right.
fn tags() -> impl Strategy<Value = Vec<u8>> {
    let name = "(v|a|b|bh|c|d|h|i|k|l|n|p|q|s|t|x|[ a-zA-Z0-9_]{0,3})";
    let value = "(DKIM1|1|rsa|ed25519|sha256|y:s|email|\\*|11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=|[ -:<-~\r\n]{0,9})";
    proptest::collection::vec((name, value), 0..8).prop_map(|tags| {
        let tags = tags
            .into_iter()
            .map(|(name, value)| format!("{name}={value};"));
        tags.collect::<String>().into_bytes()
    })
}
