//! The tokens of address fields (RFC 5322 §3.2): what is between comments, quotes and folding.

/// A token. Comments and blanks are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A run of characters that mean only themselves: an atom, an encoded word, internationalized text (RFC 6532).
    Word(String),
    /// A quoted string. What is in it never matters.
    Quoted,
    /// A domain literal, `[192.0.2.1]`.
    Literal,
    /// One of `< > , ; : @ .`.
    Special(u8),
}

/// What is wrong with an address field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressFault {
    /// A comment that does not end.
    #[error("a comment does not end: a ')' is missing")]
    Comment,
    /// A quoted string that does not end.
    #[error("a quoted string does not end: a '\"' is missing")]
    Quote,
    /// A domain literal that does not end.
    #[error("a domain literal does not end: a ']' is missing")]
    Bracket,
    /// A `)`, `]` or `\` outside of what it belongs to, or a control character.
    #[error("there is a character that may not stand there: {:?}", char::from(*byte))]
    Character {
        /// Its octet.
        byte: u8,
    },
    /// Text that is not UTF-8 (RFC 6532 §3.1).
    #[error("there is text that is neither ASCII nor UTF-8")]
    NotUtf8,
    /// `<` and `>` that do not match, or something behind `>`.
    #[error("an address in angle brackets is not closed, or has something behind it")]
    Angle,
    /// A `:` or `;` where no group starts or ends.
    #[error("a group of addresses is not built as name: address, address;")]
    Group,
    /// A list element that is no address.
    #[error(
        "there is something that is not an address: a name with commas or '@' must be in quotes"
    )]
    Address,
}

/// The tokens of a field's body.
pub(super) fn tokens(body: &[u8]) -> Result<Vec<Token>, AddressFault> {
    let mut tokens = Vec::new();
    let mut rest = body;
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b' ' | b'\t' | b'\r' | b'\n' => after,
            b'(' => skip_comment(after)?,
            b'"' => {
                tokens.push(Token::Quoted);
                skip_quoted(after, b'"').ok_or(AddressFault::Quote)?
            }
            b'[' => {
                tokens.push(Token::Literal);
                skip_quoted(after, b']').ok_or(AddressFault::Bracket)?
            }
            b'<' | b'>' | b',' | b';' | b':' | b'@' | b'.' => {
                tokens.push(Token::Special(*first));
                after
            }
            _ => {
                let length = rest.iter().take_while(|byte| is_word(**byte)).count();
                if length == 0 {
                    return Err(AddressFault::Character { byte: *first });
                }
                let (word, after) = rest.split_at_checked(length).unwrap_or((rest, b""));
                let word = std::str::from_utf8(word).map_err(|_| AddressFault::NotUtf8)?;
                tokens.push(Token::Word(word.to_owned()));
                after
            }
        };
    }
    Ok(tokens)
}

fn is_word(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !b"()<>[]:;@\\,.\"".contains(&byte)
}

/// Comments nest; depth is counted, so that a field full of parentheses costs no stack.
fn skip_comment(body: &[u8]) -> Result<&[u8], AddressFault> {
    let mut depth = 1_usize;
    let mut rest = body;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'(' => depth += 1,
            b')' if depth == 1 => return Ok(after),
            b')' => depth -= 1,
            b'\\' => rest = after.get(1..).unwrap_or_default(),
            _ => {}
        }
    }
    Err(AddressFault::Comment)
}

fn skip_quoted(body: &[u8], end: u8) -> Option<&[u8]> {
    let mut rest = body;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'\\' {
            rest = after.get(1..).unwrap_or_default();
        } else if *first == end {
            return Some(after);
        }
    }
    None
}
