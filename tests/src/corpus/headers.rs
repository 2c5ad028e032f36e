//! Headers that part verifiers: folds, blanks, lengths, missing and repeated fields.

use super::{Named, PLAIN};

/// Every shape of header.
pub(super) fn headers() -> Vec<Named> {
    let with = |more: &str| format!("{PLAIN}{more}");
    let without = |name: &str| -> String {
        let lines = PLAIN.split_inclusive("\r\n");
        lines.filter(|line| !line.starts_with(name)).collect()
    };
    let subject = |value: &str| without("Subject") + "Subject:" + value + "\r\n";
    let from = |field: &str| without("From") + field + "\r\n";
    let rows = [
        ("plain", PLAIN.to_owned()),
        ("from-alone", "From: rita@renovations.com\r\n".to_owned()),
        ("no-subject", without("Subject")),
        ("no-date", without("Date")),
        ("no-to", without("To")),
        ("no-message-id", without("Message-ID")),
        ("subject-empty", subject("")),
        ("subject-one-blank", subject(" ")),
        ("subject-blanks", subject(" \t  ")),
        ("subject-without-a-blank", subject("The kitchen")),
        ("subject-with-tabs", subject("\tThe\tkitchen\t")),
        ("subject-with-blanks", subject("   The   kitchen   ")),
        ("subject-folded", subject(" The\r\n kitchen")),
        ("subject-folded-by-tab", subject(" The\r\n\tkitchen")),
        ("subject-folded-at-once", subject("\r\n The kitchen")),
        (
            "subject-folded-20-times",
            subject(
                &" word\r\n"
                    .repeat(20)
                    .replace("\r\n ", "\r\n  ")
                    .trim_end()
                    .replace("\r\n", "\r\n "),
            ),
        ),
        (
            "subject-folded-at-blanks",
            subject(" The \r\n  kitchen \r\n\t is done"),
        ),
        (
            "subject-with-a-blank-line",
            subject(" The\r\n \r\n kitchen"),
        ),
        (
            "subject-that-ends-in-a-blank-line",
            subject(" The kitchen\r\n "),
        ),
        (
            "subject-encoded",
            subject(" =?UTF-8?Q?K=C3=BCche?=\r\n =?UTF-8?B?IHNjaMO2bg==?="),
        ),
        (
            "subject-utf-8",
            subject(" Die K\u{fc}che ist sch\u{f6}n \u{1f3e0}"),
        ),
        ("subject-with-colons", subject(" Re: AW: Fwd: a:b;c=d")),
        ("subject-like-tags", subject(" v=1; b=abc; bh=def")),
        (
            "subject-with-controls",
            subject(" a\u{1}b\u{7f}\u{b}c\u{c}"),
        ),
        ("subject-998", subject(&(" ".to_owned() + &"a".repeat(980)))),
        (
            "from-folded",
            from("From: \"Rita\r\n Renovator\"\r\n <rita@renovations.com>"),
        ),
        (
            "from-with-comments",
            from("From: (a (nested) \"one\") rita@renovations.com (b)"),
        ),
        (
            "from-quoted",
            from("From: \"x@evil.example, y\" <rita@renovations.com>"),
        ),
        (
            "from-encoded",
            from("From: =?iso-8859-1?Q?J=FCrgen?= <rita@renovations.com>"),
        ),
        (
            "from-group",
            from("From: us: rita@renovations.com, sam@renovations.com;"),
        ),
        ("from-in-capitals", from("FROM: rita@renovations.com")),
        ("from-in-small-letters", from("from: rita@renovations.com")),
        ("from-without-a-blank", from("From:rita@renovations.com")),
        (
            "from-with-many-blanks",
            from("From:      rita@renovations.com      "),
        ),
        (
            "from-utf-8",
            from("From: J\u{fc}rgen <j\u{fc}rgen@m\u{fc}ller.example>"),
        ),
        (
            "blank-before-the-colon",
            from("From : rita@renovations.com"),
        ),
        (
            "tab-before-the-colon",
            subject("").replace("Subject:", "Subject\t: The kitchen"),
        ),
        ("reply-to", with("Reply-To: desk@renovations.com\r\n")),
        ("sender", with("Sender: desk@renovations.com\r\n")),
        ("cc-empty", with("Cc:\r\n")),
        ("cc-undisclosed", with("Cc: undisclosed-recipients:;\r\n")),
        ("two-to", with("To: other@partner.test\r\n")),
        ("two-subjects", with("Subject: Another\r\n")),
        (
            "two-dates",
            with("Date: Wed, 25 Nov 2026 09:00:00 +0000\r\n"),
        ),
        (
            "two-content-types",
            with("Content-Type: text/plain\r\nContent-Type: text/html\r\n"),
        ),
        (
            "three-received",
            format!(
                "{}{PLAIN}",
                "Received: from a by b;\r\n\tTue, 24 Nov 2026 09:00:00 +0000\r\n".repeat(3)
            ),
        ),
        (
            "resent",
            with(
                "Resent-From: sam@renovations.com\r\nResent-To: a@b.test\r\nResent-From: x@y.test\r\n",
            ),
        ),
        (
            "list",
            with(
                "List-Id: <l.renovations.com>\r\nList-Unsubscribe: <https://l.renovations.com/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nPrecedence: list\r\n",
            ),
        ),
        (
            "references",
            with(&format!(
                "In-Reply-To: <1@a.test>\r\nReferences:{}\r\n",
                " <1@a.test>\r\n".repeat(12).trim_end()
            )),
        ),
        (
            "mime",
            with(
                "MIME-Version: 1.0 (made by hand)\r\nContent-Type: text/plain;\r\n\tcharset=\"utf-8\";\r\n format=flowed\r\nContent-Transfer-Encoding: 8bit\r\nContent-Language: de\r\nContent-ID: <a@b>\r\n",
            ),
        ),
        (
            "unknown-fields",
            with("X-A: 1\r\nx-a: 2\r\nX-A_b.c: 3\r\nX-!#$%&'*+-^`{|}~: 4\r\n"),
        ),
        ("long-name", with(&format!("X-{}: 1\r\n", "a".repeat(60)))),
        (
            "longer-name",
            with(&format!("List-{}: 1\r\n", "a".repeat(70))),
        ),
        ("name-with-a-semicolon", with("List-A;b=c: 1\r\n")),
        (
            "empty-fields",
            with("X-Empty:\r\nX-Blank: \r\nComments:\r\nKeywords:\r\nContent-Description:\r\n"),
        ),
        (
            "authentication-results",
            with(
                "Authentication-Results: mx.test; dkim=pass header.d=a.test\r\nARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.test; s=s; b=AA==\r\n",
            ),
        ),
        (
            "another-signature",
            format!(
                "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=other.example; s=s;\r\n\th=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n{PLAIN}"
            ),
        ),
        (
            "a-broken-signature",
            format!("DKIM-Signature: this is none\r\nDKIM-Signature:\r\n{PLAIN}"),
        ),
        (
            "return-path",
            format!("Return-Path: <rita@renovations.com>\r\n{PLAIN}"),
        ),
        (
            "bcc",
            with("Bcc: boss@renovations.com\r\nResent-Bcc: boss@renovations.com\r\n"),
        ),
        (
            "order-reversed",
            PLAIN.split_inclusive('\n').rev().collect(),
        ),
        (
            "to-200k",
            with(&format!(
                "Cc: {}last@partner.test\r\n",
                "someone@partner.test,\r\n ".repeat(9_000)
            )),
        ),
        (
            "line-200k",
            with(&format!(
                "X-Long: {}\r\nSubject-Of: x\r\n",
                "a ".repeat(100_000)
            )),
        ),
        (
            "subject-200k-of-blanks",
            with(&format!(
                "Content-Description: a{}b\r\n",
                " ".repeat(200_000)
            )),
        ),
        ("fields-500", with(&"X-Field: value\r\n".repeat(500))),
        (
            "fields-100-signed",
            with(&"List-Post: <mailto:l@renovations.com>\r\n".repeat(100)),
        ),
    ];
    let mut headers: Vec<Named> = rows
        .into_iter()
        .map(|(name, header)| (name.to_owned(), header.into_bytes()))
        .collect();
    let latin = [subject(" caf").trim_end().as_bytes(), b"\xe9 \xa0\r\n"].concat();
    headers.push(("subject-latin-1".to_owned(), latin));
    headers
}
