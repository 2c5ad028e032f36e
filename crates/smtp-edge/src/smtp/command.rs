//! SMTP commands (RFC 5321 §4.1.1) out of command lines.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::chunking::{Chunk, Position};
use super::params::{self, MailParams, ParamError, RcptParams};
use super::path::{self, ForwardPath, PathError};
use super::sasl::Response;
use super::xclient::{Forward, ForwardError};
use crate::envelope::ReversePath;

/// A command as the session obeys it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `EHLO`, with the name the client gives.
    Ehlo(Box<str>),
    /// `HELO`, likewise.
    Helo(Box<str>),
    /// `MAIL FROM`.
    Mail(ReversePath, MailParams),
    /// `RCPT TO`.
    Rcpt(ForwardPath, RcptParams),
    /// `DATA`.
    Data,
    /// `BDAT` (RFC 3030).
    Bdat(Chunk),
    /// `RSET`.
    Rset,
    /// `NOOP`.
    Noop,
    /// `VRFY`.
    Vrfy,
    /// `HELP`.
    Help,
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH` (RFC 4954): the mechanism's name, and the response that came along.
    Auth(Box<str>, Option<Response>),
    /// `XCLIENT`: a proxy says for whom it speaks.
    Xclient(Box<Forward>),
    /// `QUIT`.
    Quit,
}

/// Why a line is not a command that we obey.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The verb is none of SMTP's.
    #[error("the verb is unknown")]
    Unrecognized,
    /// The verb is SMTP's, but it is not offered here.
    #[error("the command is not offered")]
    NotOffered,
    /// Another protocol is spoken at us, such as HTTP.
    #[error("the client speaks another protocol than SMTP")]
    OtherProtocol,
    /// The argument is missing, or there is one where none belongs.
    #[error("the command's argument is malformed")]
    Argument,
    /// The path of `MAIL` or `RCPT`.
    #[error("the path cannot be used")]
    Path(#[from] PathError),
    /// A parameter of `MAIL` or `RCPT`.
    #[error("a parameter cannot be obeyed")]
    Param(#[from] ParamError),
    /// `BDAT` whose size cannot be read. Nobody knows where the next command is.
    #[error("the size of a chunk cannot be read, so that nobody knows where it ends")]
    ChunkSize,
    /// `BDAT` with something else than `LAST` behind its size.
    #[error("something else than LAST stands behind the size of a chunk")]
    ChunkPosition {
        /// The octets that follow all the same.
        size: u64,
    },
    /// An attribute of `XCLIENT`.
    #[error("XCLIENT cannot be obeyed")]
    Forward(#[from] ForwardError),
    /// A path is not ASCII, and the client did not say SMTPUTF8 (RFC 6531 §3.4).
    #[error("the path needs SMTPUTF8, which MAIL did not ask for")]
    NeedsSmtpUtf8,
}

impl Command {
    /// Reads a line, without its CRLF. `smtputf8` says whether the transaction that is open asked for SMTPUTF8.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn parse(line: &[u8], smtputf8: bool) -> Result<Self, CommandError> {
        let line = line.trim_ascii_end();
        let (verb, argument) = match line.iter().position(|byte| b" \t".contains(byte)) {
            Some(space) => line.split_at_checked(space).unwrap_or((line, b"")),
            None => (line, &b""[..]),
        };
        let argument = argument.trim_ascii();
        match verb.to_ascii_uppercase().as_slice() {
            b"EHLO" => Ok(Self::Ehlo(helo_name(argument)?)),
            b"HELO" => Ok(Self::Helo(helo_name(argument)?)),
            b"MAIL" => mail(after_keyword(argument, b"FROM:")?),
            b"RCPT" => rcpt(after_keyword(argument, b"TO:")?, smtputf8),
            b"DATA" => alone(argument, Self::Data),
            b"BDAT" => chunk(argument).map(Self::Bdat),
            b"RSET" => alone(argument, Self::Rset),
            b"QUIT" => alone(argument, Self::Quit),
            b"NOOP" => Ok(Self::Noop),
            b"HELP" => Ok(Self::Help),
            b"VRFY" if argument.is_empty() => Err(CommandError::Argument),
            b"VRFY" => Ok(Self::Vrfy),
            b"STARTTLS" => alone(argument, Self::StartTls),
            b"AUTH" => auth(argument),
            b"XCLIENT" => Ok(Self::Xclient(Box::new(Forward::read(argument)?))),
            b"EXPN" | b"TURN" | b"ETRN" | b"SEND" | b"SOML" | b"SAML" => {
                Err(CommandError::NotOffered)
            }
            b"GET" | b"POST" | b"PUT" | b"HEAD" | b"OPTIONS" | b"CONNECT" | b"DELETE"
            | b"PATCH" | b"TRACE" | b"PRI" => Err(CommandError::OtherProtocol),
            _ => Err(CommandError::Unrecognized),
        }
    }
}

fn alone(argument: &[u8], command: Command) -> Result<Command, CommandError> {
    if argument.is_empty() {
        Ok(command)
    } else {
        Err(CommandError::Argument)
    }
}

fn mail(argument: &[u8]) -> Result<Command, CommandError> {
    let (inside, params) = path::split(argument)?;
    let params = params::mail(params)?;
    if !inside.is_ascii() && !params.smtputf8 {
        return Err(CommandError::NeedsSmtpUtf8);
    }
    Ok(Command::Mail(path::reverse(inside)?, params))
}

fn rcpt(argument: &[u8], smtputf8: bool) -> Result<Command, CommandError> {
    let (inside, params) = path::split(argument)?;
    let params = params::rcpt(params)?;
    if !inside.is_ascii() && !smtputf8 {
        return Err(CommandError::NeedsSmtpUtf8);
    }
    Ok(Command::Rcpt(path::forward(inside)?, params))
}

/// `SIZE [LAST]`. The size is read first and strictly: it alone says where the next command begins.
fn chunk(argument: &[u8]) -> Result<Chunk, CommandError> {
    let text = std::str::from_utf8(argument).map_err(|_| CommandError::ChunkSize)?;
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let digits = |word: &&str| word.bytes().all(|octet| octet.is_ascii_digit());
    let size = words
        .next()
        .filter(digits)
        .and_then(|word| word.parse().ok());
    let size = size.ok_or(CommandError::ChunkSize)?;
    let position = match (words.next(), words.next()) {
        (None, _) => Position::Inner,
        (Some(last), None) if last.eq_ignore_ascii_case("LAST") => Position::Last,
        (Some(_), _) => return Err(CommandError::ChunkPosition { size }),
    };
    Ok(Chunk { size, position })
}

fn auth(argument: &[u8]) -> Result<Command, CommandError> {
    let mut words = argument
        .split(|octet| *octet == b' ')
        .filter(|word| !word.is_empty());
    let (mechanism, initial, more) = (words.next(), words.next(), words.next());
    let mechanism = mechanism.and_then(|word| std::str::from_utf8(word).ok());
    match (mechanism, more) {
        (Some(mechanism), None) => Ok(Command::Auth(mechanism.into(), initial.map(Response::new))),
        _ => Err(CommandError::Argument),
    }
}

/// What follows `FROM:` or `TO:`; a space before the colon is read over, as some clients send one.
fn after_keyword<'a>(argument: &'a [u8], keyword: &[u8]) -> Result<&'a [u8], CommandError> {
    let (name, _) = keyword.split_at(keyword.len() - 1);
    let (found, rest) = argument
        .split_at_checked(name.len())
        .ok_or(CommandError::Argument)?;
    if !found.eq_ignore_ascii_case(name) {
        return Err(CommandError::Argument);
    }
    rest.trim_ascii_start()
        .strip_prefix(b":")
        .ok_or(CommandError::Argument)
}

/// The name that a client gives: a domain, an address literal, or whatever printable word without brackets it sends,
/// since internal machines call themselves many things. It comes to stand in a Received field.
fn helo_name(argument: &[u8]) -> Result<Box<str>, CommandError> {
    let text = std::str::from_utf8(argument).ok();
    text.and_then(client_name).ok_or(CommandError::Argument)
}

/// A name as [`helo_name`] takes it, from whoever says it.
pub(super) fn client_name(text: &str) -> Option<Box<str>> {
    let literal = text
        .strip_prefix('[')
        .and_then(|inside| inside.strip_suffix(']'));
    let usable = match literal {
        Some(address) => {
            let v6 = address
                .get(..5)
                .is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:"));
            match address.get(5..) {
                Some(address) if v6 => address.parse::<Ipv6Addr>().is_ok(),
                _ => address.parse::<Ipv4Addr>().is_ok(),
            }
        }
        None => text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    (!text.is_empty() && text.len() <= 255 && usable).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<Command>) {
        assert_eq!(
            Command::parse(line.as_bytes(), false).ok(),
            expected,
            "{line:?}"
        );
    }

    #[test]
    fn commands_are_read_in_any_case() {
        check(
            "ehlo Client.Example",
            Some(Command::Ehlo("Client.Example".into())),
        );
        check(
            "HELO [192.0.2.1]",
            Some(Command::Helo("[192.0.2.1]".into())),
        );
        check(
            "EHLO [IPv6:2001:db8::1]",
            Some(Command::Ehlo("[IPv6:2001:db8::1]".into())),
        );
        check("Data", Some(Command::Data));
        check("NOOP anything", Some(Command::Noop));
        check("QUIT  ", Some(Command::Quit)); // trailing blanks
        check(
            "mail from:<>",
            Some(Command::Mail(ReversePath::Null, MailParams::default())),
        );
        check(
            "MAIL FROM : <>",
            Some(Command::Mail(ReversePath::Null, MailParams::default())),
        );
        check(
            "rcpt TO:<postmaster>",
            Some(Command::Rcpt(
                ForwardPath::Postmaster,
                RcptParams::default(),
            )),
        );
        check("StartTLS ", Some(Command::StartTls));
        let initial = Some(Response::new(b"AGEAYg=="));
        check(
            "auth Plain  AGEAYg==",
            Some(Command::Auth("Plain".into(), initial)),
        );
        check("AUTH LOGIN", Some(Command::Auth("LOGIN".into(), None)));
    }

    #[test]
    fn the_size_of_a_chunk_is_read_strictly() {
        let check = |line: &str, expected: Result<(u64, Position), bool>| {
            let found = match Command::parse(line.as_bytes(), false) {
                Ok(Command::Bdat(chunk)) => Ok((chunk.size, chunk.position)),
                Err(CommandError::ChunkPosition { .. }) => Err(true),
                Err(CommandError::ChunkSize) => Err(false),
                other => panic!("{line:?}: {other:?}"),
            };
            assert_eq!(found, expected, "{line:?}");
        };
        let (in_sync, lost) = (Err(true), Err(false));
        check("BDAT 86", Ok((86, Position::Inner)));
        check("bdat 0 Last ", Ok((0, Position::Last)));
        check("BDAT  007  LAST", Ok((7, Position::Last)));
        check("BDAT 18446744073709551615", Ok((u64::MAX, Position::Inner)));
        check("BDAT 5 LSAT", in_sync);
        check("BDAT 5 LAST LAST", in_sync);
        check("BDAT 18446744073709551616", lost);
        check("BDAT", lost);
        check("BDAT LAST", lost);
        check("BDAT -5", lost);
        check("BDAT +5", lost);
        check("BDAT 0x5", lost);
        check("BDAT 5LAST", lost);
        check("BDAT 5\tLAST", lost);
        check("BDAT \u{665}", lost); // a digit elsewhere
    }

    #[test]
    fn malformed_lines_are_no_commands() {
        check("EHLO", None);
        check("EHLO a b", None);
        check("EHLO <script>", None); // it would stand in a header
        check("EHLO [not an address]", None);
        check("DATA now", None);
        check("MAIL TO:<a@example.com>", None);
        check("MAIL FROM:<müller@example.com>", None); // without SMTPUTF8
        check("RCPT TO:<a@example.com> SIZE=1", None); // of MAIL alone
        check("STARTTLS now", None);
        check("AUTH", None);
        check("AUTH PLAIN a b", None);
        check("", None);
    }

    #[test]
    fn http_is_known_for_what_it_is() {
        assert!(matches!(
            Command::parse(b"GET / HTTP/1.1", false),
            Err(CommandError::OtherProtocol)
        ));
    }

    #[test]
    fn utf8_paths_need_the_transaction_to_say_so() {
        let line = "RCPT TO:<müller@example.com>".as_bytes();
        assert!(matches!(
            Command::parse(line, false),
            Err(CommandError::NeedsSmtpUtf8)
        ));
        assert!(Command::parse(line, true).is_ok());
        assert!(
            Command::parse("MAIL FROM:<müller@example.com> SMTPUTF8".as_bytes(), false).is_ok()
        );
    }
}
