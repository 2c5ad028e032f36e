//! Commands as a client writes them: the other direction of [`Command::parse`], in the plainest form that each has.

use smtp_edge::smtp::chunking::Position;
use smtp_edge::smtp::command::Command;
use smtp_edge::smtp::path::ForwardPath;

use super::parameters::{forward, mail_params, rcpt_params};

/// The line, without its CRLF; none of a response of AUTH, which nobody can see.
pub(crate) fn command(command: &Command) -> Option<String> {
    Some(match command {
        Command::Ehlo(name) => format!("EHLO {name}"),
        Command::Helo(name) => format!("HELO {name}"),
        Command::Mail(path, params) => format!("MAIL FROM:{path}{}", mail_params(params)),
        Command::Rcpt(ForwardPath::Postmaster, params) => {
            format!("RCPT TO:<postmaster>{}", rcpt_params(params))
        }
        Command::Rcpt(ForwardPath::Mailbox(mailbox), params) => {
            format!("RCPT TO:<{mailbox}>{}", rcpt_params(params))
        }
        Command::Data => "DATA".to_owned(),
        Command::Bdat(chunk) => match chunk.position {
            Position::Inner => format!("BDAT {}", chunk.size),
            Position::Last => format!("BDAT {} LAST", chunk.size),
        },
        Command::Rset => "RSET".to_owned(),
        Command::Noop => "NOOP".to_owned(),
        Command::Vrfy => "VRFY somebody".to_owned(),
        Command::Help => "HELP".to_owned(),
        Command::StartTls => "STARTTLS".to_owned(),
        Command::Auth(mechanism, None) => format!("AUTH {mechanism}"),
        Command::Auth(_, Some(_)) => return None,
        Command::Xclient(client) => format!("XCLIENT{}", forward(client)),
        Command::Quit => "QUIT".to_owned(),
    })
}
