//! What must hold for every message: decoded contents stay, untouched parts stay octet for octet, nothing is left for a hop
//! to convert, and a second time changes nothing.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use smtp_edge::intake::form::{LongLines, MessageSettings, SecondFrom};

#[path = "../checks/normalize.rs"]
mod check;

use crate::generated::{Leaf, Manner, Segment, message};
use crate::leaves::leaves;
use crate::normalized;

proptest! {
    #[test]
    fn each_leaf_keeps_its_meaning_and_all_else_its_octets(message in message(Manner::Any)) {
        let before = message.joined();
        let after = normalized(&lenient(), &before).unwrap();
        assert_follows(&message.0, &after.content);
        let again = normalized(&lenient(), &after.content).unwrap();
        assert_eq!(again.mendings, []);
        assert_eq!(again.content, after.content);
    }

    #[test]
    fn another_reader_finds_the_same_parts(message in message(Manner::Neat)) {
        let before = message.joined();
        let after = normalized(&lenient(), &before).unwrap();
        assert_eq!(leaves(&before), leaves(&after.content));
    }

    #[test]
    fn any_octets_come_to_a_normal_form_that_stays(settings in any::<u8>(), words in vec(word(), 0..60)) {
        check::check(&[&[settings], words.concat().as_slice()].concat());
    }
}

/// Everything is mended that can be, and nothing is refused.
fn lenient() -> MessageSettings {
    MessageSettings {
        long_lines: LongLines::MendOrPass,
        second_from: SecondFrom::Pass,
        ..MessageSettings::default()
    }
}

/// Walks through the message piece by piece.
fn assert_follows(segments: &[Segment], message: &[u8]) {
    let mut rest = message;
    let skip = |rest: &mut &[u8], text: &[u8]| match rest.strip_prefix(text) {
        Some(after) => *rest = after,
        None => panic!(
            "{} should be followed by {}",
            message.escape_ascii(),
            text.escape_ascii()
        ),
    };
    for (place, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Fixed(text) => skip(&mut rest, text),
            Segment::Label(line) => {
                let relabelled = b"Content-Transfer-Encoding: 7bit\r\n";
                let line = if rest.starts_with(relabelled) {
                    relabelled
                } else {
                    &line[..]
                };
                skip(&mut rest, line);
            }
            Segment::Leaf(leaf) => match &leaf.meaning {
                Some(meaning) if leaf.needs_help() => {
                    let end = match segments.get(place + 1) {
                        Some(Segment::Fixed(next)) => {
                            let mut places = rest.windows(next.len());
                            places
                                .position(|window| window == next)
                                .expect("a delimiter")
                        }
                        Some(Segment::Label(_) | Segment::Leaf(_)) | None => rest.len(),
                    };
                    assert_means(&rest[..end], meaning, leaf);
                    rest = &rest[end..];
                }
                Some(_) | None => skip(&mut rest, &leaf.text()),
            },
        }
    }
    assert_eq!(rest.escape_ascii().to_string(), "");
}

/// Requires a label, and octets that mean this by it and that every hop can carry.
fn assert_means(text: &[u8], meaning: &[u8], leaf: &Leaf) {
    type Decode = fn(&[u8]) -> Option<Vec<u8>>;
    let labels: [(&[u8], Decode); 2] = [
        (
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
            quoted_printable_decode,
        ),
        (b"Content-Transfer-Encoding: base64\r\n\r\n", base64_decode),
    ];
    let labelled = labels
        .iter()
        .find_map(|(label, decode)| Some((text.strip_prefix(*label)?, decode)));
    let Some((octets, decode)) = labelled else {
        panic!("{} has no label", text.escape_ascii());
    };
    assert!(octets.is_ascii());
    for line in octets.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(line.len() <= 76, "{}", line.escape_ascii());
        let mistaken = [&b"."[..], b"From ", b"--"];
        assert!(
            !mistaken.iter().any(|start| line.starts_with(start)),
            "{}",
            line.escape_ascii()
        );
        assert!(
            !line.ends_with(b" ") && !line.ends_with(b"\t"),
            "{}",
            line.escape_ascii()
        );
    }
    let decoded = decode(octets).expect("octets that can be decoded");
    assert_eq!(
        decoded.escape_ascii().to_string(),
        meaning.escape_ascii().to_string(),
        "{leaf:?}"
    );
}

/// Pieces that messages are made of, in an order that makes little sense, and anything else.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec![
        "\r\n",
        "\r\n",
        "\r\n\r\n",
        "\r",
        "\n",
        " ",
        "\t",
        "--",
        "a",
        "b",
        "--a\r\n",
        "--a--\r\n",
        "--ab\r\n",
        "Content-Type: multipart/mixed; boundary=a\r\n",
        "Content-Type: multipart/digest; boundary=\"ab\"\r\n",
        "Content-Type: multipart/signed; boundary=ab\r\n",
        "Content-Type: text/plain\r\n",
        "Content-Type: message/rfc822\r\n",
        "Content-Type: image/png; x=\"",
        "Content-Transfer-Encoding: 8bit\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n",
        "MIME-Version: 1.0\r\n",
        "From: x\r\n",
        "Bcc: x\r\n",
        "Subject: \u{fc}\r\n",
        "To :",
        "=",
        "=C3=BC",
        "QUJD",
        "\u{fc}",
        ".",
        "From ",
    ]);
    prop_oneof![
        20 => piece.prop_map(|text| text.as_bytes().to_vec()),
        2 => vec(1_u8.., 0..20),
        1 => (900_usize..1100, select(b"x \xfc".to_vec())).prop_map(|(length, octet)| vec![octet; length]),
    ]
}
