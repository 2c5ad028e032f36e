//! An error and all its causes on one line, for logs and for people.

use std::error::Error;
use std::fmt;

/// An error and all its causes on one line.
///
/// Foreign text in it stands as it came: where it is shown, control characters are to be taken out.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// The text without control characters, for a log or a terminal that foreign text is not to steer.
#[must_use]
pub fn printable(text: &str) -> String {
    let blank = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    text.chars().map(blank).collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn nothing_of_a_stranger_steers_a_terminal() {
        assert_eq!(
            printable("a\u{1b}[31m\r\nb\u{9b}m\u{fc}"),
            "a [31m  b m\u{fc}"
        );
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the file cannot be read")]
    struct Unreadable(#[source] io::Error);

    #[test]
    fn causes_follow_what_they_caused() {
        let error = Unreadable(io::Error::other("the disk is gone"));
        let line = Chain(&error).to_string();
        assert_eq!(line, "the file cannot be read: the disk is gone");
    }
}
