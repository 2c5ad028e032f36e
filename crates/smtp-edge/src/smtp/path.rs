//! Reverse-paths and forward-paths (RFC 5321 §4.1.2), read as clients write them.
//!
//! Liberal where it is harmless: a path may stand without its angle brackets, and a source route is read over
//! (RFC 5321 §4.1.1.3, appendix C). What is inside must be a mailbox.

use crate::envelope::{Mailbox, MailboxError, ReversePath};

/// The path of `RCPT TO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain, which must always be accepted (RFC 5321 §4.5.1).
    Postmaster,
    /// A mailbox.
    Mailbox(Mailbox),
}

/// Why a path cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The octets are not UTF-8.
    #[error("the path is not UTF-8")]
    NotUtf8,
    /// There is no path, or its brackets do not match.
    #[error("the path has no matching angle brackets")]
    Brackets,
    /// The path is longer than 256 octets (RFC 5321 §4.5.3.1.3).
    #[error("the path is longer than 256 octets")]
    TooLong,
    /// The mailbox in it is malformed.
    #[error("the path holds no mailbox")]
    Mailbox(#[source] MailboxError),
}

/// Splits the text after `MAIL FROM:` or `RCPT TO:` into the path's inside and the parameters.
///
/// # Errors
/// [`PathError`] when there is no path.
pub fn split(argument: &[u8]) -> Result<(&str, &str), PathError> {
    let text = std::str::from_utf8(argument)
        .map_err(|_| PathError::NotUtf8)?
        .trim_start_matches(BLANKS);
    let (path, rest) = match text.strip_prefix('<') {
        Some(inside) => {
            let end = closing_bracket(inside).ok_or(PathError::Brackets)?;
            inside.split_at_checked(end).ok_or(PathError::Brackets)?
        }
        None => text
            .split_at_checked(text.find(BLANKS).unwrap_or(text.len()))
            .ok_or(PathError::Brackets)?,
    };
    let bracketed = text.starts_with('<');
    if !bracketed && (path.is_empty() || path.contains(['<', '>'])) {
        return Err(PathError::Brackets);
    }
    if path.len() > 254 {
        return Err(PathError::TooLong);
    }
    let rest = if bracketed {
        rest.strip_prefix('>').unwrap_or(rest)
    } else {
        rest
    };
    if !rest.is_empty() && !rest.starts_with(BLANKS) {
        return Err(PathError::Brackets);
    }
    Ok((path.trim_matches(BLANKS), rest.trim_matches(BLANKS)))
}

/// Clients send tabs for blanks, and blanks within the brackets.
const BLANKS: [char; 2] = [' ', '\t'];

/// Reads the inside of a reverse-path; an empty one is the null reverse-path.
///
/// # Errors
/// [`PathError::Mailbox`].
pub fn reverse(path: &str) -> Result<ReversePath, PathError> {
    if path.is_empty() {
        return Ok(ReversePath::Null);
    }
    mailbox(path).map(ReversePath::Mailbox)
}

/// Reads the inside of a forward-path.
///
/// # Errors
/// [`PathError::Mailbox`].
pub fn forward(path: &str) -> Result<ForwardPath, PathError> {
    if path.eq_ignore_ascii_case("postmaster") {
        return Ok(ForwardPath::Postmaster);
    }
    mailbox(path).map(ForwardPath::Mailbox)
}

fn mailbox(path: &str) -> Result<Mailbox, PathError> {
    let mailbox = match path
        .strip_prefix('@')
        .and_then(|route| route.split_once(':'))
    {
        Some((_, mailbox)) => mailbox,
        None => path,
    };
    mailbox.parse().map_err(PathError::Mailbox)
}

/// The offset of the `>` that ends the path; one within a quoted string does not.
fn closing_bracket(inside: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (offset, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(offset),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_from_their_parameters() {
        let check = |argument: &str, expected: Option<(&str, &str)>| {
            assert_eq!(split(argument.as_bytes()).ok(), expected, "{argument:?}");
        };
        check("<a@example.com>", Some(("a@example.com", "")));
        check(" <a@example.com>", Some(("a@example.com", ""))); // the space that many clients send
        check("\t< a@example.com >\tX", Some(("a@example.com", "X")));
        check(
            "<a@example.com> SIZE=10",
            Some(("a@example.com", "SIZE=10")),
        );
        check("a@example.com SIZE=10", Some(("a@example.com", "SIZE=10"))); // bare address
        check("<>", Some(("", "")));
        check(
            "<\"a>b\"@example.com> X",
            Some(("\"a>b\"@example.com", "X")),
        );
        check("<a@example.com", None);
        check("a@example.com>", None);
        check("<a@example.com>SIZE=10", None);
        check("", None);
    }

    #[test]
    fn forward_paths_know_the_postmaster_and_read_over_routes() {
        assert_eq!(forward("PostMaster").unwrap(), ForwardPath::Postmaster);
        let routed = forward("@one.example,@two.example:a@example.com").unwrap();
        assert_eq!(
            routed,
            ForwardPath::Mailbox("a@example.com".parse().unwrap())
        );
        assert!(forward("").is_err());
        assert!(reverse("").is_ok_and(|path| path == ReversePath::Null));
    }
}
