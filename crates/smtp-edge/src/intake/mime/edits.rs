//! Changes to a message that are gathered first and carried out in one pass. What no change names stays octet for octet.

use std::borrow::Cow;
use std::ops::Range;

use super::armour::Armour;

/// Changes, each to a range of the message. What is to go into a range that is replaced is dropped.
#[derive(Debug, Default)]
pub(super) struct Edits {
    edits: Vec<(Range<usize>, Change)>,
}

/// What takes the place of a range.
#[derive(Debug)]
pub(super) enum Change {
    /// This text.
    Text(Cow<'static, str>),
    /// What stands there, encoded.
    Encoded(Armour),
    /// This content, encoded: what stood there was encoded otherwise.
    Anew(Armour, Vec<u8>),
}

impl Edits {
    pub(super) fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    pub(super) fn replace(&mut self, range: Range<usize>, change: Change) {
        self.edits.push((range, change));
    }

    pub(super) fn insert(&mut self, at: usize, text: impl Into<Cow<'static, str>>) {
        self.replace(at..at, Change::Text(text.into()));
    }

    /// Carries them out. Of several insertions at one place, the one that was asked for first stands first.
    pub(super) fn apply(mut self, message: &[u8]) -> Vec<u8> {
        self.edits.sort_by_key(|(range, _)| range.start);
        let grown: usize = self.edits.iter().map(|edit| grown(message, edit)).sum();
        let mut output = Vec::with_capacity(message.len() + grown);
        let mut at = 0;
        for (range, change) in self.edits {
            if range.start < at {
                continue;
            }
            output.extend_from_slice(message.get(at..range.start).unwrap_or_default());
            at = range.end;
            match change {
                Change::Text(text) => output.extend_from_slice(text.as_bytes()),
                Change::Encoded(armour) => {
                    armour.encode(message.get(range).unwrap_or_default(), &mut output);
                }
                Change::Anew(armour, content) => armour.encode(&content, &mut output),
            }
        }
        output.extend_from_slice(message.get(at..).unwrap_or_default());
        // The last line end of a part that nothing follows may have been encoded with it.
        if !output.ends_with(b"\r\n") {
            output.extend_from_slice(b"\r\n");
        }
        output
    }
}

/// The octets to make room for beside those of the message, so that a large one is not copied while it grows.
fn grown(message: &[u8], (range, change): &(Range<usize>, Change)) -> usize {
    let length = match change {
        Change::Text(text) => text.len(),
        Change::Encoded(armour) => armour.length(message.get(range.clone()).unwrap_or_default()),
        Change::Anew(armour, content) => armour.length(content),
    };
    length.saturating_sub(range.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_replaced_and_all_else_stays() {
        let check = |edits: Vec<(Range<usize>, Change)>, expected: &str| {
            let found = Edits { edits }.apply("0123456789\r\n".as_bytes());
            assert_eq!(String::from_utf8(found).unwrap(), expected);
        };
        let text = |text: &'static str| Change::Text(text.into());
        check(vec![], "0123456789\r\n");
        check(vec![(8..9, text("x")), (0..2, text(""))], "234567x9\r\n");
        check(
            vec![(3..3, text("a")), (3..3, text("b"))],
            "012ab3456789\r\n",
        );
        check(vec![(4..4, text("lost")), (2..6, text("x"))], "01x6789\r\n");
        check(vec![(6..6, text("b")), (2..6, text("a"))], "01ab6789\r\n");
        // A last line end that was encoded with the content is there again.
        check(
            vec![(7..12, Change::Encoded(Armour::Base64))],
            "0123456Nzg5DQo=\r\n",
        );
        check(
            vec![(1..10, Change::Anew(Armour::QuotedPrintable, b"=".into()))],
            "0=3D\r\n",
        );
    }
}
