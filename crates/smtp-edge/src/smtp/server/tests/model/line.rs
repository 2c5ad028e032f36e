//! The lines that a conversation is made of.

/// What a line says, where it is read as a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Ehlo,
    Helo,
    EhloAlone,
    Mail,
    MailNull,
    MailTooBig,
    MailMalformed,
    Rcpt(u8),
    RcptSloppy,
    RcptMalformed,
    Postmaster,
    Data,
    DataNow,
    /// A chunk of so many of the lines that follow.
    Bdat(usize),
    /// The same, and the last.
    BdatLast(usize),
    /// The same, with something else than LAST.
    BdatMarked(usize),
    BdatHuge,
    BdatMalformed,
    Rset,
    Noop,
    Vrfy,
    Help,
    Expn,
    Quit,
    /// With whatever follows in the same packet, unless chance cuts there.
    StartTls,
    /// At the end of a packet.
    StartTlsAlone,
    AuthRight,
    AuthWrong,
    AuthPlain,
    AuthOther,
    Xclient,
    /// The right response of PLAIN.
    Right,
    /// A wrong one.
    Wrong,
    Cancel,
    Text,
    /// Text that has its message refused.
    Refuse,
    Dot,
    DotDot,
    BareLf,
    TooLong,
    Http,
}

impl Word {
    pub(super) const ALL: &[Self] = &[
        Self::Ehlo,
        Self::Helo,
        Self::EhloAlone,
        Self::Mail,
        Self::MailNull,
        Self::MailTooBig,
        Self::MailMalformed,
        Self::Rcpt(0),
        Self::Rcpt(1),
        Self::Rcpt(2),
        Self::Rcpt(3),
        Self::RcptSloppy,
        Self::RcptMalformed,
        Self::Postmaster,
        Self::Data,
        Self::DataNow,
        Self::Bdat(0),
        Self::Bdat(1),
        Self::Bdat(3),
        Self::BdatLast(0),
        Self::BdatLast(1),
        Self::BdatLast(2),
        Self::BdatMarked(1),
        Self::BdatHuge,
        Self::BdatMalformed,
        Self::Rset,
        Self::Noop,
        Self::Vrfy,
        Self::Help,
        Self::Expn,
        Self::Quit,
        Self::StartTls,
        Self::StartTlsAlone,
        Self::AuthRight,
        Self::AuthWrong,
        Self::AuthPlain,
        Self::AuthOther,
        Self::Xclient,
        Self::Right,
        Self::Wrong,
        Self::Cancel,
        Self::Text,
        Self::Refuse,
        Self::Dot,
        Self::DotDot,
        Self::BareLf,
        Self::TooLong,
        Self::Http,
    ];

    /// Its octets, but for the size of a chunk.
    fn text(self) -> String {
        match self {
            Self::Ehlo => "EHLO client.example",
            Self::Helo => "helo client.example ",
            Self::EhloAlone => "EHLO",
            Self::Mail => "MAIL FROM:<a@example.com>",
            Self::MailNull => "mail from: <> BODY=8BITMIME",
            Self::MailTooBig => "MAIL FROM:<a@example.com> SIZE=81",
            Self::MailMalformed => "MAIL FROM:<a@example.com",
            Self::Rcpt(number) => return format!("RCPT TO:<u{number}@example.net>"),
            Self::RcptSloppy => "Rcpt to : <@route.example:u0@example.net> ",
            Self::RcptMalformed => "RCPT TO:<>",
            Self::Postmaster => "RCPT TO:<POSTMASTER>",
            Self::Data => "DATA",
            Self::DataNow => "DATA NOW",
            Self::Bdat(_) | Self::BdatLast(_) | Self::BdatMarked(_) => "BDAT",
            Self::BdatHuge => "BDAT 1000001",
            Self::BdatMalformed => "BDAT all LAST",
            Self::Rset => "RSET",
            Self::Noop => "NOOP",
            Self::Vrfy => "VRFY a",
            Self::Help => "HELP",
            Self::Expn => "EXPN a",
            Self::Quit => "QUIT",
            Self::StartTls | Self::StartTlsAlone => "STARTTLS",
            Self::AuthRight => "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm",
            Self::AuthWrong => "AUTH PLAIN AHRpbQB3cm9uZw==",
            Self::AuthPlain => "AUTH PLAIN",
            Self::AuthOther => "AUTH CRAM-MD5",
            Self::Xclient => "XCLIENT ADDR=192.0.2.50",
            Self::Right => "AHRpbQB0YW5zdGFhZnRhbnN0YWFm",
            Self::Wrong => "AHRpbQB3cm9uZw==",
            Self::Cancel => "*",
            Self::Text => "some text",
            Self::Refuse => "please refuse",
            Self::Dot => ".",
            Self::DotDot => "..",
            Self::BareLf => "NOOP",
            Self::TooLong => return "x".repeat(600),
            Self::Http => "GET / HTTP/1.1",
        }
        .to_owned()
    }
}

/// A line of a conversation.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) word: Word,
    /// With its end.
    pub(super) octets: Vec<u8>,
    /// The octets of the chunk that it announces, if it is read as a command.
    pub(super) chunk: usize,
}

/// Writes the lines out. Where a chunk is longer than what follows, the rest of it never comes.
pub(super) fn lines(words: &[Word]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for word in words.iter().rev() {
        let following = |count: usize| -> usize {
            let behind = lines.iter().rev().map(|line| line.octets.len());
            behind.chain(std::iter::repeat(5)).take(count).sum()
        };
        let (chunk, end) = match *word {
            Word::Bdat(count) => (following(count), ""),
            Word::BdatLast(count) => (following(count), " LAST"),
            Word::BdatMarked(count) => (following(count), " FIRST"),
            _ => (0, ""),
        };
        let text = match word {
            Word::Bdat(_) | Word::BdatLast(_) | Word::BdatMarked(_) => {
                format!("{} {chunk}{end}\r\n", word.text())
            }
            Word::BareLf => format!("{}\n", word.text()),
            _ => format!("{}\r\n", word.text()),
        };
        lines.push(Line {
            word: *word,
            octets: text.into_bytes(),
            chunk,
        });
    }
    lines.reverse();
    lines
}
