//! Messages put together at random, the same ones each time: what nobody has thought of.

use super::Named;

/// `count` messages.
pub(super) fn messages(count: usize) -> Vec<Named> {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let message = |number| (format!("generated-{number}"), message(&mut dice));
    (0..count).map(message).collect()
}

fn message(dice: &mut Dice) -> Vec<u8> {
    let mut message = b"From: Rita <rita@renovations.com>\r\n".to_vec();
    for _ in 0..dice.below(8) {
        message.extend_from_slice(dice.one_of(NAMES).as_bytes());
        message.push(b':');
        for _ in 0..dice.below(12) {
            message.extend_from_slice(dice.one_of(VALUE_PARTS));
        }
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"\r\n");
    for _ in 0..dice.below(60) {
        message.extend_from_slice(dice.one_of(BODY_PARTS));
    }
    message
}

/// Each at most once in a message, or in the order of RFC 6376 §5.4.2 more often, is what verifiers have to sort out.
const NAMES: &[&str] = &[
    "To",
    "Subject",
    "Date",
    "Reply-To",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "List-Id",
    "Resent-From",
    "References",
    "X-Other",
    "content-disposition",
];

const VALUE_PARTS: &[&[u8]] = &[
    b" ",
    b"  ",
    b"\t",
    b"word",
    b"a",
    b"\r\n ",
    b"\r\n\t",
    b";",
    b"=",
    b"\xc3\xbc",
    b"\"quoted \\\" text\"",
    b"(comment)",
    b"<a@b.test>",
    b"b=abc",
];

const BODY_PARTS: &[&[u8]] = &[
    b" ",
    b"   ",
    b"\t",
    b"\r\n",
    b"\r\n\r\n",
    b"word",
    b".",
    b"\xc3\xbc",
    b"\xff\xa0",
    b"--boundary",
    b"From ",
    b" \r\n",
    b"a line of some words that is longer than a block of sixty-four octets\r\n",
];

/// A small generator (xorshift64*): the messages must not change with a library.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(mixed).expect("31 bits") % limit
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
