//! What a command has to say, as text for people and as JSON for programs.

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::exit::Status;

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

/// What a command did. Its text and its JSON say the same.
#[derive(Debug)]
pub(crate) struct Output {
    body: Body,
    json: Value,
    warnings: Vec<String>,
    status: Status,
}

#[derive(Debug)]
enum Body {
    Text(String),
    /// A message, byte for byte.
    Message(Vec<u8>),
}

impl Output {
    pub(crate) fn text(text: impl Into<String>, json: Value) -> Self {
        Self {
            body: Body::Text(text.into()),
            json,
            warnings: Vec::new(),
            status: Status::Done,
        }
    }

    pub(crate) fn message(message: Vec<u8>, json: Value) -> Self {
        Self {
            body: Body::Message(message),
            ..Self::text("", json)
        }
    }

    /// Says something on the standard error as well.
    pub(crate) fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }

    /// Leaves with another status than [`Status::Done`].
    pub(crate) fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// The bytes for the standard output.
    pub(crate) fn render(&self, format: Format) -> Vec<u8> {
        let text = match (format, &self.body) {
            (Format::Json, _) => {
                let mut json = self.json.clone();
                if let (Value::Object(object), false) = (&mut json, self.warnings.is_empty()) {
                    object.insert("warnings".to_owned(), json!(self.warnings));
                }
                format!("{json:#}")
            }
            (Format::Text, Body::Text(text)) => text.clone(),
            (Format::Text, Body::Message(message)) => return message.clone(),
        };
        let mut bytes = text.into_bytes();
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        bytes
    }
}

/// A table without lines, so that its columns can be cut and searched.
pub(crate) fn table(titles: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_header(titles)
        .add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_in_the_json_and_not_in_the_text() {
        let output = Output::text("done", json!({"key": "a"})).warn("careful");
        assert_eq!(output.render(Format::Text), b"done\n");
        let json: Value = serde_json::from_slice(&output.render(Format::Json)).unwrap();
        assert_eq!(json, json!({"key": "a", "warnings": ["careful"]}));
    }

    #[test]
    fn a_message_stays_byte_for_byte() {
        let output = Output::message(b"A: b\r\n\r\nno end".to_vec(), json!({}));
        assert_eq!(output.render(Format::Text), b"A: b\r\n\r\nno end");
    }

    #[test]
    fn a_table_has_no_lines() {
        let shown = table(
            &["Key", "State"],
            [vec!["a".to_owned(), "active".to_owned()]],
        );
        assert_eq!(shown, "Key  State\na    active");
    }
}
