//! Where the parts of a message lie, row by row.

use super::*;

/// The kind and the content of each part behind the first.
fn inner(message: &str) -> Result<Vec<(Kind, String)>, Unclear> {
    let message = Normalized::parse(message.as_bytes().to_vec());
    let parts = parts(&message)?;
    let content = |part: &Part| {
        let content = &message.content[part.content.clone()];
        (part.kind, String::from_utf8_lossy(content).into_owned())
    };
    Ok(parts.iter().skip(1).map(content).collect())
}

fn check(header: &str, body: &str, expected: &[(Kind, &str)]) {
    let found = inner(&format!("{header}\r\n\r\n{body}")).unwrap();
    let found: Vec<(Kind, &str)> = found
        .iter()
        .map(|(kind, content)| (*kind, content.as_str()))
        .collect();
    assert_eq!(found, expected, "{body:?}");
}

fn unclear(header: &str, body: &str, why: Unclear) {
    let found = inner(&format!("{header}\r\n\r\n{body}"));
    assert_eq!(found, Err(why), "{body:?}");
}

const MIXED: &str = "Content-Type: multipart/mixed; boundary=b";

#[test]
fn the_message_itself_is_a_part() {
    let check = |header: &str, expected: Kind| {
        let message = format!("{header}\r\n\r\n\u{fc}\r\n--b\r\n");
        let message = Normalized::parse(message.into_bytes());
        let parts = parts(&message).unwrap();
        assert_eq!(parts[0].kind, expected, "{header}");
        let content = &message.content[parts[0].content.clone()];
        let expected: &[u8] = if expected == Kind::Sealed {
            b""
        } else {
            message.body()
        };
        assert!(content == message.body() || content == expected, "{header}");
    };
    check("Subject: x", Kind::Text);
    check("Content-Type: text/html", Kind::Text);
    check("Content-Type: image/png", Kind::Octets);
    check("Content-Type: message/rfc822", Kind::Sealed);
    check("Content-Type: text", Kind::Sealed);
    check(
        "Content-Type: text/plain\r\nContent-Type: text/plain",
        Kind::Sealed,
    );
    check(
        "Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 8bit",
        Kind::Sealed,
    );
    check("Content-Type: multipart/mixed", Kind::Sealed); // no boundary
    check(
        &format!("{MIXED}\r\nContent-Transfer-Encoding: base64"),
        Kind::Sealed,
    );
    check("Content-Type: multipart/signed; boundary=c", Kind::Sealed);
    check("Content-Type: multipart/mixed; boundary=c", Kind::Multipart); // without parts
}

#[test]
fn parts_lie_between_delimiters() {
    check(
        MIXED,
        "preamble\r\n--b\r\n\r\none\r\n\r\n--b \t\r\nContent-Type: image/png\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n",
        &[(Kind::Text, "one\r\n"), (Kind::Octets, "two")],
    );
    check(
        MIXED,
        "--b\r\n\r\n\r\n--b\r\n\r\n--b--",
        &[(Kind::Text, ""), (Kind::Text, "")],
    );
    check(
        MIXED,
        "--b\r\nA: b\r\n--b\r\n\r\nx\r\n--b--",
        &[(Kind::Text, "x")],
    ); // a header without an end
    check(
        MIXED,
        "--b\r\n\r\nx--b\r\n-- b\r\n- --b\r\n --b\r\n--\r\n--c\r\n--b--",
        &[(Kind::Text, "x--b\r\n-- b\r\n- --b\r\n --b\r\n--\r\n--c")],
    );
    check(MIXED, "no delimiter\r\n", &[]);
}

#[test]
fn a_closing_delimiter_may_be_missing() {
    check(
        MIXED,
        "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n",
        &[(Kind::Text, "one"), (Kind::Text, "two\r\n")],
    );
    let inner = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--";
    check(
        MIXED,
        inner,
        &[
            (Kind::Multipart, "--c\r\n\r\none"),
            (Kind::Text, "one"),
            (Kind::Text, "two"),
        ],
    );
}

#[test]
fn a_boundary_may_start_with_an_outer_one() {
    let body = "--b\r\nContent-Type: multipart/mixed; boundary=b1\r\n\r\n--b1\r\n\r\none\r\n--b1--\r\n\r\n--b\r\n\r\ntwo\r\n--b--";
    check(
        MIXED,
        body,
        &[
            (Kind::Multipart, "--b1\r\n\r\none\r\n--b1--\r\n"),
            (Kind::Text, "one"),
            (Kind::Text, "two"),
        ],
    );
}

#[test]
fn messages_and_what_is_signed_or_encrypted_are_sealed() {
    let signed = "--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\none\r\n--c--\r\n--b\r\n\r\ntwo\r\n--b--";
    check(
        MIXED,
        signed,
        &[
            (Kind::Sealed, "--c\r\n\r\none\r\n--c--"),
            (Kind::Sealed, "one"),
            (Kind::Text, "two"),
        ],
    );
    let deep = "--c\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d\r\nContent-Type: image/png\r\n\r\none\r\n--d--\r\n--c--";
    check(
        "Content-Type: multipart/encrypted; boundary=c",
        deep,
        &[
            (
                Kind::Sealed,
                "--d\r\nContent-Type: image/png\r\n\r\none\r\n--d--",
            ),
            (Kind::Sealed, "one"),
        ],
    );
    let messages =
        "--b\r\n\r\nSubject: x\r\n\r\none\r\n--b\r\nContent-Type: text/plain\r\n\r\ntwo\r\n--b--";
    check(
        "Content-Type: multipart/digest; boundary=b",
        messages,
        &[(Kind::Sealed, "Subject: x\r\n\r\none"), (Kind::Text, "two")],
    );
    check(
        MIXED,
        "--b\r\nContent-Type: message/global\r\n\r\nA: b\r\n\r\none\r\n--b--",
        &[(Kind::Sealed, "A: b\r\n\r\none")],
    );
    check(
        MIXED,
        "--b\r\nno field\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--",
        &[(Kind::Sealed, "no field\r\n\r\none"), (Kind::Text, "two")],
    );
}

#[test]
fn what_readers_differ_over_is_unclear() {
    for body in [
        "--b\r\n\r\none\r\n--bc\r\n\r\ntwo\r\n--b--", // starts like a delimiter
        "--b\r\n\r\none\r\n--b-- no\r\n--b--",
        "--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n", // goes on after its end
        "--b\r\n\r\none\r\n--b--\r\n--b--\r\n",
        "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--", // the same twice
        "--b\r\nContent-Type: multipart/mixed; boundary=b--\r\n\r\n--b--\r\n\r\none\r\n",
    ] {
        unclear(MIXED, body, Unclear::Delimiter);
    }
}

#[test]
fn depth_and_number_are_bounded() {
    let nested = |depth: usize| {
        let part = |level| {
            format!("--{level}x\r\nContent-Type: multipart/mixed; boundary={level}y\r\n\r\n")
        };
        let header = "Content-Type: multipart/mixed; boundary=0x";
        let levels = (0..depth)
            .map(|level| part(level).replace(&format!("{level}y"), &format!("{}x", level + 1)));
        (header, levels.collect::<String>())
    };
    let (header, body) = nested(DEEPEST - 1);
    assert_eq!(
        inner(&format!("{header}\r\n\r\n{body}")).unwrap().len(),
        DEEPEST - 1
    );
    let (header, body) = nested(DEEPEST);
    unclear(header, &body, Unclear::TooDeep);

    let most = MOST_PARTS - 1; // and the message
    let empty = "--b\r\n\r\n";
    assert_eq!(
        inner(&format!("{MIXED}\r\n\r\n{}", empty.repeat(most)))
            .unwrap()
            .len(),
        most
    );
    unclear(MIXED, &empty.repeat(most + 1), Unclear::TooMany);

    let fields = "A: b\r\n".repeat(MOST_FIELDS + 1);
    check(
        MIXED,
        &format!("--b\r\n{fields}\r\none\r\n--b--"),
        &[(Kind::Sealed, "A: b\r\n\r\none")],
    );
}
