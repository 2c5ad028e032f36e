//! The messages that are measured: one header of twenty fields, and bodies of four kinds.
//!
//! The size of a message is the size of all of it, header and empty line included. The words come from a fixed sequence, so
//! that every run signs the same octets.

/// What a body is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// Words with one space between them, in lines of some 72 octets, an empty line now and then.
    Prose,
    /// Lines of 76 octets without a blank.
    Base64,
    /// Prose with one blank at the end of every line, as format=flowed has it (RFC 3676 §4).
    Flowed,
    /// Prose with two blanks or a tab between words, and two blanks at the end of every line.
    Dirty,
}

impl Body {
    /// The kind's name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Body::Prose => "prose",
            Body::Base64 => "base64",
            Body::Flowed => "flowed",
            Body::Dirty => "dirty",
        }
    }

    /// A message of `size` octets, which must leave room for the header.
    pub(crate) fn message(self, size: usize) -> Vec<u8> {
        let mut message = HEADER.replace('\n', "\r\n").into_bytes();
        message.extend_from_slice(b"\r\n");
        let mut draws = Draws(1);
        while message.len() < size {
            self.push_line(&mut draws, &mut message);
        }
        message.truncate(size - 2);
        while matches!(message.last(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            message.pop();
        }
        message.resize(size - 2, b'x');
        message.extend_from_slice(b"\r\n");
        message
    }

    fn push_line(self, draws: &mut Draws, out: &mut Vec<u8>) {
        let start = out.len();
        match self {
            Body::Base64 => out.extend((0..76).map(|_| draws.pick(BASE64, b'A'))),
            Body::Prose | Body::Flowed | Body::Dirty => loop {
                out.extend_from_slice(draws.pick(&WORDS, "a").as_bytes());
                if out.len() - start >= 68 {
                    break;
                }
                let gap: &[u8] = match self {
                    Body::Dirty if draws.below(8) == 0 => b"\t",
                    Body::Dirty => b"  ",
                    Body::Prose | Body::Base64 | Body::Flowed => b" ",
                };
                out.extend_from_slice(gap);
            },
        }
        match self {
            Body::Prose | Body::Base64 => {}
            Body::Flowed => out.push(b' '),
            Body::Dirty => out.extend_from_slice(b"  "),
        }
        out.extend_from_slice(b"\r\n");
        if self != Body::Base64 && draws.below(8) == 0 {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// A fixed sequence of numbers that look drawn (the generator of Knuth's MMIX).
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T], otherwise: T) -> T {
        let place = self.below(from.len());
        from.get(place).copied().unwrap_or(otherwise)
    }
}

const WORDS: [&str; 24] = [
    "a",
    "an",
    "the",
    "of",
    "to",
    "and",
    "in",
    "that",
    "mail",
    "which",
    "order",
    "comes",
    "letter",
    "because",
    "between",
    "through",
    "receipt",
    "delivery",
    "signature",
    "yesterday,",
    "tomorrow.",
    "available",
    "information",
    "organisation",
];
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Twenty fields in some 900 octets, as an application writes them to a customer.
const HEADER: &str = "\
Received: from app.example.com (app.example.com [192.0.2.7])
\tby edge.example.com with ESMTPS id 4cXy; Tue, 2 Jun 2026 10:00:00 +0000
From: Example Shop <orders@example.com>
Sender: robot@example.com
Reply-To: Service <service@example.com>
To: \"Jane Doe\" <jane@example.net>
Cc: accounts@example.net
Subject: Your order 4711: what happens now,
 and what you may do until then
Date: Tue, 2 Jun 2026 10:00:00 +0000
Message-ID: <20260602100000.4711@example.com>
In-Reply-To: <4710@example.net>
References: <4709@example.net> <4710@example.net>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit
Content-Language: en
List-Id: orders <orders.example.com>
List-Unsubscribe: <https://example.com/u/4711>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
Auto-Submitted: auto-generated
X-Mailer: shop 5.2
";
