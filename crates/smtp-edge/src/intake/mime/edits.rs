//! Changes to a message that are gathered first and carried out in one pass. What no change names stays octet for octet.

use std::borrow::Cow;
use std::ops::Range;

use super::armour::Armour;

/// Changes, each to a range of the message; no two ranges overlap.
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
