//! Generated MIME messages that know what they are made of: which octets are to stay, and what each leaf means.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A message, in pieces.
#[derive(Clone)]
pub(crate) struct Generated(pub(crate) Vec<Segment>);

impl Generated {
    /// The pieces as one message.
    pub(crate) fn joined(&self) -> Vec<u8> {
        let text = |segment: &Segment| match segment {
            Segment::Fixed(text) | Segment::Label(text) => text.clone(),
            Segment::Leaf(leaf) => leaf.text(),
        };
        self.0.iter().flat_map(text).collect()
    }
}

impl fmt::Debug for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.joined().escape_ascii())
    }
}

/// A piece of a message.
#[derive(Debug, Clone)]
pub(crate) enum Segment {
    /// It is to stay as it is.
    Fixed(Vec<u8>),
    /// The line that labels a multipart; it may say `7bit` afterwards.
    Label(Vec<u8>),
    /// A leaf: the line that labels it, if there is one, an empty line, and its octets.
    Leaf(Leaf),
}

/// The end of a part's header, and its content.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// The line of Content-Transfer-Encoding.
    pub(crate) label: Option<&'static str>,
    /// What stands in the message.
    pub(crate) octets: Vec<u8>,
    /// What it means, when that is beyond doubt and nothing forbids to say it otherwise.
    pub(crate) meaning: Option<Vec<u8>>,
}

impl Leaf {
    /// The label, the empty line and the octets.
    pub(crate) fn text(&self) -> Vec<u8> {
        [
            self.label.unwrap_or_default().as_bytes(),
            b"\r\n",
            &self.octets,
        ]
        .concat()
    }

    /// Whether a hop might have to convert it.
    pub(crate) fn needs_help(&self) -> bool {
        let mut lines = self.octets.split(|octet| *octet == b'\n');
        !self.octets.is_ascii()
            || lines.any(|line| line.strip_suffix(b"\r").unwrap_or(line).len() > 998)
    }
}

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As RFC 2046 lets readers expect: multiparts may lack their end, and a boundary may start with an outer one.
    Any,
    /// So that mail-parser, too, sees every part.
    Neat,
}

/// A message of any structure.
pub(crate) fn message(manner: Manner) -> impl Strategy<Value = Generated> {
    part().prop_map(move |part| {
        let mut segments = Segments {
            pieces: Vec::new(),
            boundaries: 0,
            manner,
        };
        segments.fixed(b"From: Rita <rita@renovations.com>\r\nSubject: x\r\nMIME-Version: 1.0\r\n");
        match part {
            // The message's last line end is the content's, but for base64.
            Part::Leaf(kind, mut leaf) => {
                leaf.octets.extend_from_slice(b"\r\n");
                if leaf.label != Some(BASE64)
                    && let Some(meaning) = &mut leaf.meaning
                {
                    meaning.extend_from_slice(b"\r\n");
                }
                segments.fixed(kind.unwrap_or("Content-Type: text/plain\r\n").as_bytes());
                segments.pieces.push(Segment::Leaf(leaf));
            }
            Part::Multipart(mut multipart) => {
                multipart.is_closed = true;
                segments.multipart(multipart, Nature::Open);
                segments.fixed(b"\r\n");
            }
            Part::Message(inner) => segments.message(&inner),
        }
        Generated(segments.pieces)
    })
}

#[derive(Debug, Clone)]
enum Part {
    Leaf(Option<&'static str>, Leaf),
    Multipart(Multipart),
    Message(Vec<u8>),
}

#[derive(Debug, Clone)]
struct Multipart {
    subtype: &'static str,
    label: Option<&'static str>,
    preamble: Vec<u8>,
    parts: Vec<Part>,
    is_closed: bool,
    epilogue: Vec<u8>,
}

/// Whether what is written may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    Open,
    Digest,
    Sealed,
}

struct Segments {
    pieces: Vec<Segment>,
    boundaries: usize,
    manner: Manner,
}

impl Segments {
    fn fixed(&mut self, text: &[u8]) {
        self.pieces.push(Segment::Fixed(text.to_vec()));
    }

    fn message(&mut self, inner: &[u8]) {
        self.fixed(b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\n");
        self.fixed(inner);
        self.fixed(b"\r\n");
    }

    fn multipart(&mut self, multipart: Multipart, nature: Nature) {
        self.boundaries += 1;
        let boundary = match self.manner {
            Manner::Any => format!("=_{}", "1".repeat(self.boundaries)),
            Manner::Neat => format!("=_{}_", self.boundaries),
        };
        let subtype = match (self.manner, multipart.subtype) {
            (Manner::Neat, "digest") => "mixed", // a digest with a part that is no message ends mail-parser
            (_, subtype) => subtype,
        };
        self.fixed(
            format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\r\n").as_bytes(),
        );
        let inner = match (nature, subtype) {
            (Nature::Sealed, _) | (_, "signed" | "encrypted") => Nature::Sealed,
            (_, "digest") => Nature::Digest,
            _ => Nature::Open,
        };
        if let Some(label) = multipart.label {
            let label = label.as_bytes().to_vec();
            self.pieces.push(match inner {
                Nature::Sealed => Segment::Fixed(label),
                Nature::Open | Nature::Digest => Segment::Label(label),
            });
        }
        self.fixed(b"\r\n");
        self.fixed(&multipart.preamble);
        for part in multipart.parts {
            self.fixed(format!("\r\n--{boundary}\r\n").as_bytes());
            match part {
                Part::Leaf(kind, mut leaf) => {
                    let is_message = inner == Nature::Digest && kind.is_none();
                    if inner == Nature::Sealed || is_message {
                        leaf.meaning = None;
                    }
                    self.fixed(kind.unwrap_or_default().as_bytes());
                    self.pieces.push(Segment::Leaf(leaf));
                }
                Part::Multipart(multipart) => self.multipart(multipart, inner),
                Part::Message(inner) => self.message(&inner),
            }
        }
        if multipart.is_closed || self.manner == Manner::Neat {
            self.fixed(format!("\r\n--{boundary}--").as_bytes());
            self.fixed(&multipart.epilogue);
        }
    }
}

fn part() -> impl Strategy<Value = Part> {
    let leaf = prop_oneof![
        8 => (kind(), leaf()).prop_map(|(kind, leaf)| Part::Leaf(kind, leaf)),
        1 => lines().prop_map(Part::Message),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let subtype = select(vec![
            "mixed",
            "mixed",
            "alternative",
            "related",
            "digest",
            "signed",
            "encrypted",
        ]);
        let label = select(vec![
            None,
            Some(EIGHT_BIT),
            Some(BINARY),
            Some("Content-Transfer-Encoding: 7bit\r\n"),
        ]);
        let preamble = select(vec!["", "A preamble.\r\n", "Pr\u{e4}ambel"]);
        let epilogue = select(vec!["", "\r\n", "\r\nAn epilogue. \r\n", "\r\n\u{fc}"]);
        (
            subtype,
            label,
            preamble,
            vec(inner, 1..4),
            any::<bool>(),
            epilogue,
        )
            .prop_map(|(subtype, label, preamble, parts, is_closed, epilogue)| {
                Part::Multipart(Multipart {
                    subtype,
                    label,
                    preamble: preamble.into(),
                    parts,
                    is_closed,
                    epilogue: epilogue.into(),
                })
            })
    })
}

fn kind() -> impl Strategy<Value = Option<&'static str>> {
    select(vec![
        None,
        Some("Content-Type: text/plain; charset=utf-8\r\n"),
        Some("Content-Type: text/html;\r\n charset=\"utf-8\"\r\nContent-Disposition: inline\r\n"),
        Some("Content-Type: image/png; name=x.png\r\n"),
        Some("Content-Type: application/octet-stream\r\n"),
    ])
}

fn leaf() -> impl Strategy<Value = Leaf> {
    prop_oneof![
        6 => (select(vec![None, Some(EIGHT_BIT), Some(BINARY)]), lines()).prop_map(|(label, octets)| Leaf {
            label,
            meaning: Some(octets.clone()),
            octets,
        }),
        1 => lines().prop_map(|octets| Leaf {
            label: Some("Content-Transfer-Encoding: x-uuencode\r\n"),
            meaning: None,
            octets,
        }),
        2 => (vec(any::<u8>(), 0..1500), select(vec![76, 1200])).prop_map(|(meaning, width)| base64(meaning, width)),
        2 => vec(select(QUOTED.to_vec()), 0..8).prop_map(|words| quoted_printable(&words)),
    ]
}

/// Lines of text, the last without a line end, none of which is a delimiter.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        6 => select(WORDS.to_vec()).prop_map(<[u8]>::to_vec),
        1 => (1_usize..1300).prop_map(|length| b"x".repeat(length)),
    ];
    vec(word, 0..12).prop_map(|words| words.concat())
}

const WORDS: &[&[u8]] = &[
    b"word ",
    b"\r\n",
    b"\r\n",
    b" ",
    b"\t",
    b".",
    b"=",
    b"=3D",
    b"From ",
    b"--",
    b"-- \r\n",
    b"\xc3\xbc",
    b"\xff",
    b"\x01\x7f",
    "Кухня".as_bytes(),
];

/// Words of quoted-printable and what they mean.
const QUOTED: &[(&[u8], &[u8])] = &[
    (b"word ", b"word "),
    (b"word", b"word"),
    (b"=\r\n", b""),
    (b"\r\n", b"\r\n"),
    (b"=C3=BC", b"\xc3\xbc"),
    (b"=e9", b"\xe9"),
    (b"=0A", b"\n"),
    (b"=0D=0A", b"\r\n"),
    (b"\xc3\xbc", b"\xc3\xbc"),
    (&[b'y'; 700], &[b'y'; 700]),
];

fn quoted_printable(words: &[(&[u8], &[u8])]) -> Leaf {
    // A soft line end before a delimiter leads mail-parser astray.
    let end: (&[u8], &[u8]) = (b".", b".");
    let words = words.iter().chain([&end]);
    let octets: Vec<u8> = words
        .clone()
        .flat_map(|(octets, _)| octets.to_vec())
        .collect();
    let meaning = words.flat_map(|(_, meaning)| meaning.to_vec()).collect();
    let doubtful = octets.ends_with(b" ") || octets.windows(2).any(|pair| pair == b" \r");
    Leaf {
        label: Some("Content-Transfer-Encoding: quoted-printable\r\n"),
        octets,
        meaning: (!doubtful).then_some(meaning),
    }
}

fn base64(meaning: Vec<u8>, width: usize) -> Leaf {
    let letters = STANDARD.encode(&meaning);
    let lines: Vec<&[u8]> = letters.as_bytes().chunks(width).collect();
    Leaf {
        label: Some(BASE64),
        octets: lines.join(&b"\r\n"[..]),
        meaning: Some(meaning),
    }
}

const EIGHT_BIT: &str = "Content-Transfer-Encoding: 8bit\r\n";
const BINARY: &str = "Content-Transfer-Encoding: binary\r\n";
const BASE64: &str = "Content-Transfer-Encoding: base64\r\n";
