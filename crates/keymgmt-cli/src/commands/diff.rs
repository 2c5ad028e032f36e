//! `diff`: which change on the way broke a signature, and which it forgives.

use std::ops::Range;
use std::path::Path;

use common_config::name::Selector;
use dkim_core::{Coverage, HeaderBlock};
use serde_json::{Value, json};

use crate::cli::Diff;
use crate::comparison::{Change, Comparison, FieldChange, LineChange, Parts, SignatureField};
use crate::exit::{Failure, Status};
use crate::input;
use crate::message;
use crate::output::Output;
use crate::signing::SigningError;

pub(crate) fn run(arguments: &Diff) -> Result<Output, Failure> {
    let selector = match &arguments.selector {
        Some(text) => Some(input::selector(text)?),
        None => None,
    };
    let (sent, received) = (
        message::read(&arguments.sent)?,
        message::read(&arguments.received)?,
    );
    let (sent_header, sent_body) = split(&sent)?;
    let (received_header, received_body) = split(&received)?;
    let coverage = signature(&arguments.sent, &sent_header, selector)?;
    let comparison = Comparison::new(
        &coverage,
        Parts {
            header: &sent_header,
            body: sent_body,
        },
        Parts {
            header: &received_header,
            body: received_body,
        },
    );
    let output = Output::text(text(&coverage, &comparison), json(&coverage, &comparison))
        .with_status(match comparison.survives() {
            true => Status::Done,
            false => Status::NotVerified,
        });
    Ok(match coverage.covers_body(sent_body) {
        true => output,
        false => output.warn(format!(
            "the body in {} has not the hash of its own signature: it was altered since it was signed, or saved in another form",
            arguments.sent.display()
        )),
    })
}

fn split(message: &[u8]) -> Result<(HeaderBlock<'_>, &[u8]), SigningError> {
    let (header, start) = HeaderBlock::parse(message).map_err(SigningError::Header)?;
    Ok((header, message.get(start..).unwrap_or_default()))
}

/// The first signature, or the first of that selector.
fn signature<'m>(
    path: &Path,
    header: &HeaderBlock<'m>,
    selector: Option<Selector>,
) -> Result<Coverage<'m>, SigningError> {
    let mut found = header.named("DKIM-Signature").map(Coverage::read);
    let unreadable = |source| SigningError::Signature {
        path: path.to_owned(),
        source,
    };
    let Some(selector) = selector else {
        let first = found.next().ok_or_else(|| SigningError::NoSignature {
            path: path.to_owned(),
        })?;
        return first.map_err(unreadable);
    };
    found
        .filter_map(Result::ok)
        .find(|coverage| *coverage.key().selector() == selector)
        .ok_or_else(|| SigningError::NoSelector {
            path: path.to_owned(),
            selector,
        })
}

fn text(coverage: &Coverage<'_>, comparison: &Comparison) -> String {
    let verdict = match comparison.survives() {
        true => "survives",
        false => "does not survive",
    };
    let mut text = format!(
        "The signature {} (c={}/{}) {verdict}.\n",
        coverage.key(),
        coverage.header_canonicalization(),
        coverage.body_canonicalization()
    );
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    match comparison.signature {
        SignatureField::Kept => {}
        SignatureField::Altered => line("breaks   DKIM-Signature: the field itself was altered"),
        SignatureField::Missing => line("breaks   DKIM-Signature: the field itself is missing"),
    }
    for field in &comparison.fields {
        let (effect, what) = match field.change {
            Change::Changed => ("breaks ", "changed"),
            Change::Missing => ("breaks ", "missing"),
            Change::Added => ("breaks ", "added, and its absence was signed"),
            Change::Forgiven => (
                "forgiven",
                "only white space or the case of its name changed",
            ),
        };
        line(&format!("{effect:<8} {}: {what}", field.name));
        if field.change == Change::Forgiven {
            continue;
        }
        for (mark, form) in [("-", &field.sent), ("+", &field.received)] {
            if let Some(form) = form {
                line(&format!("  {mark} {form}"));
            }
        }
    }
    for change in &comparison.lines {
        line(&format!("breaks   body: {}", what(change)));
        for (mark, lines) in [("-", &change.sent_lines), ("+", &change.received_lines)] {
            for shown in lines.iter().take(SHOWN) {
                line(&format!("  {mark} {shown}"));
            }
            if lines.len() > SHOWN {
                line(&format!("  {mark} (and {} more)", lines.len() - SHOWN));
            }
        }
    }
    for place in &comparison.forgiven_lines {
        line(&format!(
            "forgiven body: only white space changed at line {place}"
        ));
    }
    if comparison.changed_behind_length {
        line("forgiven body: what changed lies behind the end that l= sets");
    }
    text
}

/// Lines of one run of changes that are shown; the JSON has all.
const SHOWN: usize = 10;

/// What became of a run of lines; numbers are those of the body, from 1.
fn what(change: &LineChange) -> String {
    match (change.sent.is_empty(), change.received.is_empty()) {
        (true, _) => format!(
            "{} of the message as received added",
            numbers(&change.received)
        ),
        (false, true) => format!("{} dropped", numbers(&change.sent)),
        (false, false) if change.sent == change.received => {
            format!("{} changed", numbers(&change.sent))
        }
        (false, false) => format!(
            "{} changed, now {}",
            numbers(&change.sent),
            numbers(&change.received)
        ),
    }
}

fn numbers(lines: &Range<usize>) -> String {
    let last = lines.end.saturating_sub(1);
    if lines.start == last {
        format!("line {last}")
    } else {
        format!("lines {} to {last}", lines.start)
    }
}

fn json(coverage: &Coverage<'_>, comparison: &Comparison) -> Value {
    let field = |field: &FieldChange| {
        let change = match field.change {
            Change::Changed => "changed",
            Change::Missing => "missing",
            Change::Added => "added",
            Change::Forgiven => "forgiven",
        };
        json!({ "name": field.name, "change": change, "sent": field.sent, "received": field.received })
    };
    let range = |lines: &Range<usize>| match lines.is_empty() {
        true => Value::Null,
        false => json!([lines.start, lines.end.saturating_sub(1)]),
    };
    let lines = |change: &LineChange| {
        json!({
            "sent": range(&change.sent),
            "received": range(&change.received),
            "sent_lines": change.sent_lines,
            "received_lines": change.received_lines,
        })
    };
    json!({
        "survives": comparison.survives(),
        "key": coverage.key().to_string(),
        "canonicalization": format!("{}/{}", coverage.header_canonicalization(), coverage.body_canonicalization()),
        "h": coverage.names(),
        "l": coverage.length(),
        "signature": match comparison.signature {
            SignatureField::Kept => "kept",
            SignatureField::Altered => "altered",
            SignatureField::Missing => "missing",
        },
        "fields": comparison.fields.iter().map(field).collect::<Vec<_>>(),
        "lines": comparison.lines.iter().map(lines).collect::<Vec<_>>(),
        "forgiven_lines": comparison.forgiven_lines,
        "changed_behind_length": comparison.changed_behind_length,
    })
}
