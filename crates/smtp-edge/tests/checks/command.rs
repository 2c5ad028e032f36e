//! Command lines: a stream falls into the same lines however it comes, and a command that is read out of one is read out
//! of it again when it is written anew. Nothing of it is a control character, so that it can stand in a header or a log.
//!
//! The input is a stream of lines.

use smtp_edge::smtp::command::{Command, CommandError};
use smtp_edge::smtp::line::{Expecting, Line, LineReader, MAX_AUTH_LINE};
use smtp_edge::smtp::path::PathError;
use smtp_edge::smtp::replies;

#[path = "../rfc5321/parameters.rs"]
mod parameters;
#[path = "../rfc5321/written.rs"]
mod written;

pub(crate) fn check(input: &[u8]) {
    for line in lines(input) {
        for smtputf8 in [false, true] {
            check_line(&line, smtputf8);
        }
    }
}

/// The complete lines, as two ways of reading and a plain look at the stream find them.
fn lines(stream: &[u8]) -> Vec<Vec<u8>> {
    for expecting in [Expecting::Command, Expecting::Response] {
        let plain: Vec<Line> = stream
            .split_inclusive(|octet| *octet == b'\n')
            .filter(|line| line.ends_with(b"\n"))
            .map(|line| plain(line, expecting))
            .collect();
        for piece in [1, 7, usize::MAX] {
            assert!(
                read(stream, piece, expecting) == plain,
                "{expecting:?}, {piece}"
            );
        }
    }
    let lines = read(stream, usize::MAX, Expecting::Command).into_iter();
    lines.filter_map(text).collect()
}

fn text(line: Line) -> Option<Vec<u8>> {
    match line {
        Line::Complete(line) => Some(line.to_vec()),
        Line::Malformed | Line::TooLong => None,
    }
}

fn plain(line: &[u8], expecting: Expecting) -> Line {
    let is_auth = line
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"AUTH "));
    let limit = if is_auth || expecting == Expecting::Response {
        MAX_AUTH_LINE
    } else {
        MAX_LINE
    };
    match line.strip_suffix(b"\r\n") {
        _ if line.len() > limit => Line::TooLong,
        Some(text) if !text.contains(&b'\r') => Line::Complete(text.to_vec().into()),
        Some(_) | None => Line::Malformed,
    }
}

fn read(stream: &[u8], piece: usize, expecting: Expecting) -> Vec<Line> {
    let mut reader = LineReader::new(MAX_LINE);
    let mut lines = Vec::new();
    for mut piece in stream.chunks(piece) {
        while !piece.is_empty() {
            let (used, line) = reader.take(piece, expecting);
            assert!(used > 0 && (line.is_some() || used == piece.len()));
            lines.extend(line);
            piece = piece.get(used..).unwrap_or_default();
        }
    }
    lines
}

fn check_line(line: &[u8], smtputf8: bool) {
    let shown = line.escape_ascii();
    let parsed = Command::parse(line, smtputf8);
    let trailing = [line, b" \t"].concat();
    assert_eq!(
        outcome(&Command::parse(&trailing, smtputf8)),
        outcome(&parsed),
        "{shown}"
    );
    match parsed {
        Ok(command) => check_command(&command, smtputf8),
        Err(error) => {
            let reply = replies::command_error(&error);
            assert!(reply.is_error() && !reply.is_last(), "{shown}: {reply}");
        }
    }
}

fn outcome(parsed: &Result<Command, CommandError>) -> String {
    format!("{parsed:?}")
}

fn check_command(command: &Command, smtputf8: bool) {
    let Some(line) = written::command(command) else {
        return;
    };
    let mechanism = matches!(command, Command::Auth(..)); // looked up in a list, and not kept
    assert!(mechanism || !line.chars().any(char::is_control), "{line:?}");
    match Command::parse(line.as_bytes(), smtputf8) {
        Ok(again) => assert_eq!(&again, command, "{line:?}"),
        // A domain in A-labels is longer than it was.
        Err(CommandError::Path(PathError::TooLong)) => assert!(line.contains("xn--"), "{line:?}"),
        Err(error) => panic!("{line:?} of {command:?}: {error:?}"),
    }
    let others = Command::parse(line.as_bytes(), true);
    assert!(others.is_ok_and(|other| &other == command) || line.contains("xn--"));
}

const MAX_LINE: usize = 512;
