//! RFC 5321 §4.1.2 with RFC 6531 §3.3, and RFC 3461 §4, as plain code: the judge of our mailboxes and of our xtext.

/// Whether the text is a mailbox of a domain name; none when that is for IDNA to say.
pub(crate) fn is_mailbox(text: &str) -> Option<bool> {
    let Some((local_part, domain)) = text.rsplit_once('@') else {
        return Some(false);
    };
    let local = local_part.len() <= 64 && (is_dot_string(local_part) || is_quoted(local_part));
    if !local {
        return Some(false);
    }
    is_domain(domain)
}

/// `Dot-string = Atom *("." Atom)`
fn is_dot_string(text: &str) -> bool {
    let special = "!#$%&'*+-/=?^_`{|}~";
    let is_atext = |letter: char| {
        letter.is_ascii_alphanumeric() || special.contains(letter) || is_utf8(letter)
    };
    let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_atext);
    text.split('.').all(is_atom)
}

/// `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`
fn is_quoted(text: &str) -> bool {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 2 || letters.pop() != Some('"') || letters.remove(0) != '"' {
        return false;
    }
    let mut letters = letters.as_slice();
    loop {
        letters = match letters {
            [] => return true,
            // quoted-pairSMTP
            ['\\', ' '..='~', rest @ ..] => rest,
            ['\\' | '"', ..] => return false,
            // qtextSMTP
            [letter, rest @ ..] if matches!(letter, ' '..='~') || is_utf8(*letter) => rest,
            [..] => return false,
        };
    }
}

/// `UTF8-non-ascii`, without the control characters of ISO 8859.
fn is_utf8(letter: char) -> bool {
    letter > '\u{9f}'
}

/// `sub-domain *("." sub-domain)`, of at most 253 octets; a last dot may stand there.
fn is_domain(text: &str) -> Option<bool> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_alabel = |label: &str| {
        label
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("xn--"))
    };
    if !text.is_ascii() || text.split('.').any(is_alabel) {
        return None;
    }
    let is_label = |label: &str| {
        let octets = label.as_bytes();
        let known = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
        (1..=63).contains(&octets.len())
            && octets.iter().all(known)
            && octets.first() != Some(&b'-')
            && octets.last() != Some(&b'-')
    };
    let top = text.rsplit('.').next().unwrap_or_default();
    let is_number = top.bytes().all(|octet| octet.is_ascii_digit()); // an address, and no name
    Some(text.len() <= 253 && !is_number && text.split('.').all(is_label))
}

/// What xtext says, when that is printable ASCII.
pub(crate) fn from_xtext(text: &str) -> Option<String> {
    let mut parts = text.split('+');
    let mut said = parts.next()?.to_owned();
    if !said.bytes().all(is_xchar) {
        return None;
    }
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let octet = u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        if !matches!(octet, b' '..=b'~') || !rest.bytes().all(is_xchar) {
            return None;
        }
        said.push(char::from(octet));
        said.push_str(rest);
    }
    Some(said)
}

fn is_xchar(octet: u8) -> bool {
    octet.is_ascii_graphic() && octet != b'='
}
