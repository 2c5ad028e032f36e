//! The mailboxes of an address field, alone and in groups (RFC 5322 §3.4, RFC 6854).

use super::token::{AddressFault, Token, tokens};

/// What stands behind the `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AddressDomain {
    /// A domain, not yet checked.
    Name(String),
    /// An address literal.
    Literal,
}

/// The domains of a field's mailboxes, in its order.
pub(super) fn mailboxes(body: &[u8]) -> Result<Vec<AddressDomain>, AddressFault> {
    let tokens = tokens(body)?;
    let mut found = Vec::new();
    let mut place = Place::List;
    let mut element = Vec::new();
    let mut is_in_angle = false;
    for token in tokens {
        if let Token::Special(special) = token {
            match special {
                b'<' if !is_in_angle => is_in_angle = true,
                b'>' if is_in_angle => is_in_angle = false,
                b'<' | b'>' => return Err(AddressFault::Angle),
                b',' if !is_in_angle => {
                    found.extend(mailbox(&element)?);
                    element.clear();
                    place = if place == Place::Group {
                        Place::Group
                    } else {
                        Place::List
                    };
                    continue;
                }
                b':' if !is_in_angle => {
                    if place != Place::List || !is_phrase(&element) {
                        return Err(AddressFault::Group);
                    }
                    element.clear();
                    place = Place::Group;
                    continue;
                }
                b';' if !is_in_angle => {
                    if place != Place::Group {
                        return Err(AddressFault::Group);
                    }
                    found.extend(mailbox(&element)?);
                    element.clear();
                    place = Place::AfterGroup;
                    continue;
                }
                _ => {}
            }
        }
        if place == Place::AfterGroup {
            return Err(AddressFault::Group);
        }
        element.push(token);
    }
    if is_in_angle {
        return Err(AddressFault::Angle);
    }
    if place == Place::Group {
        return Err(AddressFault::Group);
    }
    found.extend(mailbox(&element)?);
    Ok(found)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    List,
    Group,
    /// Behind the `;`: only a comma may come.
    AfterGroup,
}

/// One element of a list. An empty one is allowed (RFC 5322 §4.4), and is nobody.
fn mailbox(element: &[Token]) -> Result<Option<AddressDomain>, AddressFault> {
    if element.is_empty() {
        return Ok(None);
    }
    let Some(open) = element
        .iter()
        .position(|token| *token == Token::Special(b'<'))
    else {
        return address(element).map(Some);
    };
    let (name, angle) = element.split_at_checked(open).ok_or(AddressFault::Angle)?;
    let [_, inner @ .., Token::Special(b'>')] = angle else {
        return Err(AddressFault::Angle);
    };
    if inner.contains(&Token::Special(b'>')) {
        return Err(AddressFault::Angle);
    }
    let domain = address(without_route(inner)?)?;
    // Software puts the address before itself, without quotes. That is harmless where both say the same domain;
    // where they do not, a reader may believe either.
    if !name.is_empty() && !is_phrase(name) && address(name)? != domain {
        return Err(AddressFault::Address);
    }
    Ok(Some(domain))
}

/// `<@a,@b:user@domain>`: the route is read and forgotten (RFC 5322 §4.4).
fn without_route(inner: &[Token]) -> Result<&[Token], AddressFault> {
    if inner.first() != Some(&Token::Special(b'@')) {
        return Ok(inner);
    }
    let colon = inner
        .iter()
        .position(|token| *token == Token::Special(b':'))
        .ok_or(AddressFault::Address)?;
    inner.get(colon + 1..).ok_or(AddressFault::Address)
}

/// A display name: words, quoted strings, and dots, which old software leaves bare.
fn is_phrase(tokens: &[Token]) -> bool {
    let is_part = |token: &Token| match token {
        Token::Word(_) | Token::Quoted | Token::Special(b'.') => true,
        Token::Literal | Token::Special(_) => false,
    };
    !tokens.is_empty() && tokens.iter().all(is_part)
}

/// `local@domain`. Blanks and comments may stand round its dots; two words without a dot between are not one part.
fn address(tokens: &[Token]) -> Result<AddressDomain, AddressFault> {
    let at = tokens
        .iter()
        .position(|token| *token == Token::Special(b'@'))
        .ok_or(AddressFault::Address)?;
    let (local, rest) = tokens.split_at_checked(at).ok_or(AddressFault::Address)?;
    let domain = rest.get(1..).ok_or(AddressFault::Address)?;
    if !is_phrase(local)
        || local
            .windows(2)
            .any(|pair| !pair.contains(&Token::Special(b'.')))
    {
        return Err(AddressFault::Address);
    }
    if let [Token::Literal] = domain {
        return Ok(AddressDomain::Literal);
    }
    let mut name = String::new();
    let mut after_word = false;
    for token in domain {
        match token {
            Token::Word(word) if !after_word => {
                name.push_str(word);
                after_word = true;
            }
            Token::Special(b'.') => {
                name.push('.');
                after_word = false;
            }
            Token::Word(_) | Token::Quoted | Token::Literal | Token::Special(_) => {
                return Err(AddressFault::Address);
            }
        }
    }
    if name.is_empty() {
        return Err(AddressFault::Address);
    }
    Ok(AddressDomain::Name(name))
}
