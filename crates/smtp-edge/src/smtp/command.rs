//! SMTP commands (RFC 5321 §4.1.1) out of command lines.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::params::{self, MailParams, ParamError};
use super::path::{self, ForwardPath, PathError};
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
    Rcpt(ForwardPath),
    /// `DATA`.
    Data,
    /// `RSET`.
    Rset,
    /// `NOOP`.
    Noop,
    /// `VRFY`.
    Vrfy,
    /// `HELP`.
    Help,
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
        let (verb, argument) = match line.iter().position(|byte| *byte == b' ') {
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
            b"RSET" => alone(argument, Self::Rset),
            b"QUIT" => alone(argument, Self::Quit),
            b"NOOP" => Ok(Self::Noop),
            b"HELP" => Ok(Self::Help),
            b"VRFY" if argument.is_empty() => Err(CommandError::Argument),
            b"VRFY" => Ok(Self::Vrfy),
            b"EXPN" | b"TURN" | b"ETRN" | b"SEND" | b"SOML" | b"SAML" | b"BDAT" | b"STARTTLS"
            | b"AUTH" => Err(CommandError::NotOffered),
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
    if !params.is_empty() {
        return Err(ParamError::Unknown.into());
    }
    if !inside.is_ascii() && !smtputf8 {
        return Err(CommandError::NeedsSmtpUtf8);
    }
    Ok(Command::Rcpt(path::forward(inside)?))
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
    let text = std::str::from_utf8(argument).map_err(|_| CommandError::Argument)?;
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
    if text.is_empty() || text.len() > 255 || !usable {
        return Err(CommandError::Argument);
    }
    Ok(text.into())
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
            Some(Command::Rcpt(ForwardPath::Postmaster)),
        );
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
        check("RCPT TO:<a@example.com> NOTIFY=NEVER", None); // DSN is not offered
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
