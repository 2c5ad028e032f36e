//! Replies as a client reads them (RFC 5321 §4.2, RFC 4954 §4), and the rules that each of them must keep.

/// One reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    /// What stands behind the code on each line.
    pub(crate) lines: Vec<String>,
}

impl Reply {
    /// What stands behind the code on the first line.
    #[allow(dead_code, reason = "the model looks at codes alone")]
    pub(crate) fn first(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }
}

/// The replies that the server has sent, each whole and well-formed.
pub(crate) fn read(output: &[u8]) -> Vec<Reply> {
    let text = std::str::from_utf8(output).expect("replies are ASCII");
    let mut replies = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        let content = line.strip_suffix("\r\n").expect("a line ends in CRLF");
        assert!(
            content.bytes().all(|octet| matches!(octet, b' '..=b'~')),
            "{content:?}"
        );
        let (code, rest) = content.split_at(3);
        let code: u16 = code.parse().expect("a line begins with a code");
        assert!(
            (200..600).contains(&code) && code % 100 / 10 <= 5,
            "{content:?}"
        );
        let longest = if code == 334 { 12_288 } else { 512 };
        assert!(line.len() <= longest, "{} octets: {content:?}", line.len());
        lines.push(rest.get(1..).unwrap_or_default().to_owned());
        match rest.get(..1) {
            Some("-") => {}
            Some(" ") => replies.push(Reply {
                code,
                lines: std::mem::take(&mut lines),
            }),
            Some(_) | None => panic!("{content:?}"),
        }
        let told: Option<u16> = rest.get(1..2).and_then(|class| class.parse().ok());
        let has_status = rest.get(2..3) == Some(".");
        assert!(
            !has_status || told == Some(code / 100),
            "the status belongs to the code: {content:?}"
        );
    }
    assert!(lines.is_empty(), "the last reply is whole: {lines:?}");
    replies
}
