//! Where a verifier is known to be wrong: a signature that RFC 6376 accepts, a body or header with a certain pattern of
//! octets, and one judge alone that refuses it. Whatever no row of this list explains counts against the signature.

use super::{Judge, Verdict};

/// A fault of a judge.
#[derive(Debug)]
pub struct KnownFault {
    /// Whose fault it is.
    pub judges: &'static [Judge],
    /// What it does wrong, and which standard says otherwise.
    pub reason: &'static str,
    /// Whether a message has the pattern of octets that shows the fault, and a signature is of the kind that suffers.
    shows_in: fn(&Signature<'_>, &[u8]) -> bool,
}

/// What a pattern may know of the signature.
struct Signature<'a> {
    /// `c=` of the header.
    header: &'a str,
    /// `c=` of the body.
    body: &'a str,
}

/// All that are known. Each is proved in the tests: the other judges pass what the one refuses.
pub const KNOWN_FAULTS: &[KnownFault] = &[
    KnownFault {
        judges: &[Judge::MailAuth],
        reason: "lines of blanks at the end of a relaxed body are kept: RFC 6376 §3.4.4 drops them as empty lines",
        shows_in: |_, message| ends_in_lines_of_blanks(message),
    },
    KnownFault {
        judges: &[Judge::OpenDkim],
        reason: "a From field without an address is enough for its filter to look no further: the library is not asked",
        shows_in: |_, message| values(message, "from").any(|value| !value.contains('@')),
    },
    KnownFault {
        judges: &[Judge::OpenDkim],
        reason: "milter takes the blank after a colon away and puts one back: a simple header with none or several is altered",
        shows_in: |signature, message| signature.header == "simple" && has_another_start(message),
    },
    KnownFault {
        judges: &[Judge::OpenDkim],
        reason: "milter carries no more than 64 KiB of a field",
        shows_in: |_, message| fields(message).iter().any(|field| field.len() > 64 * 1024),
    },
    KnownFault {
        judges: &[Judge::OpenDkim],
        reason: "a field with blanks before its colon ends its reading of the message: RFC 6376 §3.4.2 drops them",
        shows_in: |_, message| has_blanks_before_a_colon(message),
    },
    KnownFault {
        judges: &[Judge::Dkimpy, Judge::MailAuth, Judge::Rspamd],
        reason: "blanks before a colon are taken for a part of the name: RFC 6376 §3.4.2 drops them",
        shows_in: |_, message| has_blanks_before_a_colon(message),
    },
    KnownFault {
        judges: &[
            Judge::Dkimpy,
            Judge::MailAuth,
            Judge::OpenDkim,
            Judge::Rspamd,
        ],
        reason: "vertical tab and form feed in a relaxed header are taken for white space: RFC 6376 §2.8 knows blank and tab",
        shows_in: |signature, message| {
            signature.header == "relaxed" && header_has(message, b"\x0b\x0c")
        },
    },
    KnownFault {
        judges: &[Judge::Mailauth],
        reason: "a header that no empty line ends is not seen: RFC 5322 §3.5 lets a message have no body",
        shows_in: |_, message| !message.windows(4).any(|window| window == b"\r\n\r\n"),
    },
    KnownFault {
        judges: &[Judge::Mailauth],
        reason: "vertical tab, form feed and the octet A0 in a relaxed header are taken for white space: RFC 6376 §2.8 knows blank and tab",
        shows_in: |signature, message| {
            signature.header == "relaxed" && header_has(message, b"\x0b\x0c\xa0")
        },
    },
    KnownFault {
        judges: &[Judge::Rspamd],
        reason: "vertical tab and form feed in a relaxed body are taken for white space: RFC 6376 §2.8 knows blank and tab",
        shows_in: |signature, message| {
            signature.body == "relaxed"
                && split(message)
                    .1
                    .iter()
                    .any(|octet| b"\x0b\x0c".contains(octet))
        },
    },
    KnownFault {
        judges: &[Judge::Rspamd],
        reason: "a relaxed body of blanks alone is hashed as a line: RFC 6376 §3.4.4 leaves nothing of it",
        shows_in: |signature, message| {
            let (_, body) = split(message);
            signature.body == "relaxed" && body.iter().all(|octet| b" \t\r\n".contains(octet))
        },
    },
    KnownFault {
        judges: &[Judge::Rspamd],
        reason: "a relaxed body is reduced in pieces of 1023 octets, and a blank that ends a piece is forgotten",
        shows_in: |signature, message| {
            signature.body == "relaxed" && ends_a_piece_in_a_blank(split(message).1)
        },
    },
    KnownFault {
        judges: &[Judge::Rspamd],
        reason: "of To, Cc, Subject or Message-ID that stands twice one is seen: RFC 6376 §5.4.2 takes them from the last to the first",
        shows_in: |_, message| {
            ["to", "cc", "subject", "message-id"]
                .iter()
                .any(|name| values(message, name).count() > 1)
        },
    },
];

/// The fault of its judge that explains a refusal, if one does.
#[must_use]
pub fn explanation(verdict: &Verdict, message: &[u8]) -> Option<&'static str> {
    let canonicalization = canonicalization(verdict, message);
    let (header, body) = canonicalization
        .split_once('/')
        .unwrap_or((&canonicalization, "simple")); // RFC 6376 §3.5
    let signature = Signature { header, body };
    KNOWN_FAULTS
        .iter()
        .find(|fault| {
            fault.judges.contains(&verdict.judge) && (fault.shows_in)(&signature, message)
        })
        .map(|fault| fault.reason)
}

/// `c=` of the signature that a verdict is about.
fn canonicalization(verdict: &Verdict, message: &[u8]) -> String {
    let tag = |value: &str, name: &str| {
        let mut tags = value.split(';').map(str::trim);
        tags.find_map(|tag| Some(tag.strip_prefix(name)?.to_owned()))
    };
    values(message, "dkim-signature")
        .filter(|value| tag(value, "s=").as_deref() == Some(&verdict.selector))
        .find_map(|value| tag(&value, "c="))
        .unwrap_or_default()
}

/// The values of the fields of a name (lower case), as text.
fn values(message: &[u8], name: &str) -> impl Iterator<Item = String> {
    let fields = fields(message).into_iter();
    let matching = fields.filter_map(move |field| {
        let (own, value) = field.split_once(':')?;
        (own.trim_end().to_ascii_lowercase() == name).then(|| value.to_owned())
    });
    matching.collect::<Vec<_>>().into_iter()
}

/// The header's fields, unfolded by joining their lines.
fn fields(message: &[u8]) -> Vec<String> {
    let (header, _) = split(message);
    let text = String::from_utf8_lossy(header);
    let mut fields: Vec<String> = Vec::new();
    for line in text.split_inclusive("\r\n") {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => field.push_str(line),
            _ => fields.push(line.to_owned()),
        }
    }
    fields
}

/// Whether the value of a field begins with anything but one blank.
fn has_another_start(message: &[u8]) -> bool {
    fields(message).iter().any(|field| {
        let value = field.split_once(':').map_or("", |(_, value)| value);
        !value.starts_with(' ')
            || value.starts_with("  ")
            || value.starts_with(" \t")
            || value.starts_with(" \r")
    })
}

fn header_has(message: &[u8], octets: &[u8]) -> bool {
    let (header, _) = split(message);
    header.iter().any(|octet| octets.contains(octet))
}

fn has_blanks_before_a_colon(message: &[u8]) -> bool {
    fields(message).iter().any(|field| {
        let name = field.split(':').next().unwrap_or_default();
        name.ends_with([' ', '\t'])
    })
}

/// Whether the body ends in lines that hold blanks and nothing else, perhaps followed by empty ones.
fn ends_in_lines_of_blanks(message: &[u8]) -> bool {
    let (_, body) = split(message);
    let mut lines = body
        .split(|byte| *byte == b'\n')
        .rev()
        .skip_while(|line| matches!(line, [] | [b'\r']));
    lines
        .next()
        .is_some_and(|line| line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')))
}

/// Whether one of the pieces that rspamd makes of a relaxed body ends in a blank that is not the last of its run.
fn ends_a_piece_in_a_blank(body: &[u8]) -> bool {
    let (mut written, mut blank) = (0, false);
    for octet in body {
        let is_blank = matches!(octet, b' ' | b'\t');
        if written == 1023 {
            if blank && (is_blank || *octet == b'\r') {
                return true;
            }
            (written, blank) = (0, false);
        }
        match (is_blank, blank) {
            (true, true) => {}
            (true, false) => written += 1,
            // The blank before a line end is taken back.
            (false, true) if *octet == b'\r' => {}
            (false, _) => written += 1,
        }
        blank = is_blank;
    }
    false
}

/// Header and body, without the empty line between them.
fn split(message: &[u8]) -> (&[u8], &[u8]) {
    match message.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(end) => (&message[..end + 2], &message[end + 4..]),
        None => (message, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_end_in_lines_of_blanks() {
        let check = |body: &str, expected: bool| {
            let message = format!("A: b\r\n\r\n{body}");
            assert_eq!(
                ends_in_lines_of_blanks(message.as_bytes()),
                expected,
                "{body:?}"
            );
        };
        check("text\r\n \r\n", true);
        check("text\r\n\t \r\n\r\n", true);
        check(" \r\n", true);
        check("text \r\n", false);
        check("text\r\n\r\n\r\n", false);
        check("text\r\n \r\ntext\r\n", false);
        check("", false);
    }
}
