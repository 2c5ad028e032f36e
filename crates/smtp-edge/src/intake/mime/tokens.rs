//! The words of a structured MIME field (RFC 2045 §5.1): tokens, quoted strings, and the blanks, folds and comments that may
//! stand between them.

/// Takes a field's value apart, front to back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) fn new(value: &'a [u8]) -> Self {
        Self { rest: value }
    }

    /// Passes over blanks, line ends and comments. `None`: a comment does not end.
    pub(super) fn skip_blanks(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.rest {
                [b'\\', _, after @ ..] if depth > 0 => self.rest = after,
                [b'(', after @ ..] => {
                    depth += 1;
                    self.rest = after;
                }
                [b')', after @ ..] if depth > 0 => {
                    depth -= 1;
                    self.rest = after;
                }
                [b' ' | b'\t' | b'\r' | b'\n', after @ ..] => self.rest = after,
                [_, after @ ..] if depth > 0 => self.rest = after,
                _ => return (depth == 0).then_some(()),
            }
        }
    }

    /// Takes the octet if it comes next.
    pub(super) fn take(&mut self, octet: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[octet])?;
        Some(())
    }

    /// A token (RFC 2045 §5.1), one octet at least.
    pub(super) fn token(&mut self) -> Option<&'a [u8]> {
        self.until(|octet| !octet.is_ascii_graphic() || b"()<>@,;:\\\"/[]?=".contains(&octet))
    }

    /// The value of a parameter: a quoted string without escapes, or what stands before a semicolon, a blank or a comment.
    /// Few programs quote what the standard wants quoted, so that more than a token is taken.
    pub(super) fn parameter_value(&mut self) -> Option<&'a [u8]> {
        if self.take(b'"').is_none() {
            return self.until(|octet| !octet.is_ascii_graphic() || b"\"();".contains(&octet));
        }
        let end = self.rest.iter().position(|octet| *octet == b'"')?;
        let (value, after) = self.rest.split_at(end);
        self.rest = after;
        self.take(b'"')?;
        (!value.contains(&b'\\')).then_some(value)
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn until(&mut self, ends: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|octet| ends(*octet));
        let (word, after) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = after;
        (!word.is_empty()).then_some(word)
    }
}
