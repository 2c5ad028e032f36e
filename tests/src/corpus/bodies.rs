//! Bodies that part verifiers: their ends, their blanks, their lengths and their octets.

use super::Named;

/// Every shape of body.
pub(super) fn bodies() -> Vec<Named> {
    let mut bodies = named(&[
        ("empty", ""),
        ("one-crlf", "\r\n"),
        ("two-crlf", "\r\n\r\n"),
        ("one-blank", " "),
        ("blank-line", " \r\n"),
        ("tab-line", "\t\r\n"),
        ("blank-lines", " \r\n\t\r\n \t \r\n"),
        ("no-crlf", "abc"),
        ("one-line", "abc\r\n"),
        ("blank-line-at-the-end", "abc\r\n \r\n"),
        ("tab-line-at-the-end", "abc \r\n\t\r\n\r\n"),
        ("blanks-at-the-end", "abc \t\r\n"),
        ("blanks-and-no-crlf", "abc \t"),
        ("blank-line-and-no-crlf", "abc\r\n "),
        ("blanks-at-the-start", "  abc\r\n\tdef\r\n"),
        ("blanks-within", "a  b\tc \t d\r\n"),
        ("blank-lines-within", "abc\r\n \r\n\r\n\t\r\ndef\r\n"),
        ("empty-lines-at-the-start", "\r\n\r\nabc\r\n"),
        ("empty-lines-at-the-end", "abc\r\n\r\n\r\n\r\n"),
        ("dots", ".\r\n..\r\n.a\r\n...\r\n"),
        ("from-line", "From here on\r\n>From there\r\n"),
        ("dashes", "-- \r\nRita\r\n"),
        ("controls", "a\u{1}b\u{7f}c\u{b}d\u{c}e\u{1b}[0m\r\n"),
        ("form-feed-at-the-end", "abc\u{c}\r\n"),
        ("vertical-tab-at-the-end", "abc \u{b} \r\n"),
        ("utf-8", "Die K\u{fc}che ist sch\u{f6}n.\r\n\u{1f3e0} \r\n"),
        ("no-break-space", "a\u{a0} b\u{a0}\r\n\u{a0}\r\n"),
        ("wide-space", "a\u{3000} b\u{2003}\r\n"),
        ("byte-order-mark", "\u{feff}abc\r\n"),
        ("line-separator", "a\u{2028}b\u{85}c\r\n"),
        (
            "like-a-header",
            "Subject: no\r\n folded\r\n\r\nFrom: no\r\n",
        ),
        ("like-a-signature", "DKIM-Signature: v=1; b=abc\r\n"),
        (
            "quoted-printable",
            "K=C3=BCche =\r\nist sch=C3=B6n=20\r\n=20\r\n",
        ),
        (
            "html",
            "<html>\r\n<body>  <p>A\t</p> \r\n</body>\r\n</html>",
        ),
        (
            "yenc",
            "=ybegin line=128\r\n\u{2a}\u{3d}\u{7d}=J=M\r\n=yend\r\n",
        ),
        ("one-letter", "a"),
        ("one-letter-lines", "a\r\nb\r\n\r\nc\r\n"),
    ]);
    let latin: Vec<u8> = (0x80..=0xff).collect();
    bodies.push(("every-octet-over-127".to_owned(), latin));
    let low: Vec<u8> = (1..0x80)
        .filter(|octet| !matches!(octet, b'\r' | b'\n'))
        .collect();
    bodies.push(("every-octet-under-128".to_owned(), low));
    for (name, body) in [
        ("line-of-998", "a".repeat(998) + "\r\n"),
        ("line-of-2000", "ab ".repeat(667) + "\r\n"),
        ("line-of-100000", "abcd".repeat(25_000) + "\r\n"),
        (
            "blanks-100000",
            "a".to_owned() + &" ".repeat(100_000) + "b\r\n",
        ),
        (
            "blank-line-100000",
            "a\r\n".to_owned() + &" ".repeat(100_000) + "\r\n",
        ),
        (
            "empty-lines-10000",
            "a\r\n".to_owned() + &"\r\n".repeat(10_000),
        ),
        (
            "empty-lines-10000-within",
            "a\r\n".to_owned() + &"\r\n".repeat(10_000) + "b\r\n",
        ),
        (
            "blank-lines-10000",
            "a\r\n".to_owned() + &" \t\r\n".repeat(10_000),
        ),
        ("prose-64k", prose(64 * 1024)),
        ("prose-5m", prose(5 * 1024 * 1024)),
        (
            "base64-1m",
            "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3\r\n"
                .repeat(12_800),
        ),
    ] {
        bodies.push((name.to_owned(), body.into_bytes()));
    }
    bodies
}

/// Lines of words, some with two blanks, a tab or a blank at the end.
fn prose(length: usize) -> String {
    let lines = [
        "The kitchen is done, and the bill will follow as soon as the tiles are.\r\n",
        "It has a window  to the north, and one\tto the south. \r\n",
        "\r\n",
        "  We have kept the old door.\r\n",
    ];
    lines
        .iter()
        .cycle()
        .copied()
        .scan(0, |total, line| {
            *total += line.len();
            (*total <= length).then_some(line)
        })
        .collect()
}

/// What a canonicalizer that works on blocks gets wrong: blanks and line ends on either side of each multiple of 64.
pub(super) fn at_block_edges() -> Vec<Named> {
    let mut bodies = Vec::new();
    for length in [
        62, 63, 64, 65, 126, 127, 128, 255, 256, 257, 1022, 1023, 1024,
    ] {
        for (name, tail) in [
            ("blank", " b\r\n"),
            ("blanks", "  b\r\n"),
            ("blank-at-the-end", " \r\nb\r\n"),
            ("line-end", "\r\nb\r\n"),
            ("blank-line", "\r\n \r\n"),
        ] {
            let body = "a".repeat(length) + tail;
            bodies.push((format!("{length}-{name}"), body.into_bytes()));
        }
    }
    bodies
}

fn named(rows: &[(&str, &str)]) -> Vec<Named> {
    let row = |(name, content): &(&str, &str)| ((*name).to_owned(), content.as_bytes().to_vec());
    rows.iter().map(row).collect()
}
