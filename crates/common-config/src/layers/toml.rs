//! A TOML file as a layer: its values, with the line of each key.

use std::fs;
use std::io;
use std::path::Path;

use figment::value::{Dict, Value};
use toml_edit::{Array, Document, Item, TableLike};

use super::Presence;
use super::layer::Layer;
use crate::error::SettingsError;
use crate::origin::Origin;

/// Reads the file; nothing when it may be absent, and is.
pub(super) fn read(path: &Path, presence: Presence) -> Result<Option<Layer>, SettingsError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && presence == Presence::Optional => {
            return Ok(None);
        }
        Err(source) => {
            let path = path.to_owned();
            return Err(SettingsError::Read { path, source });
        }
    };
    parse(path, &text).map(Some)
}

fn parse(path: &Path, text: &str) -> Result<Layer, SettingsError> {
    let document = Document::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let (line, column) = position(text, at);
        SettingsError::Syntax {
            path: path.to_owned(),
            line,
            column,
            message: error.message().to_owned(),
        }
    })?;
    let mut reader = Reader {
        path,
        text,
        layer: Layer::new(Some(path.to_owned())),
        key: Vec::new(),
    };
    let values = reader.table(document.as_table());
    for (key, value) in values {
        reader.layer.insert_top(&key, value);
    }
    Ok(reader.layer)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    layer: Layer,
    key: Vec<String>,
}

impl Reader<'_> {
    fn table(&mut self, table: &dyn TableLike) -> Dict {
        let mut dict = Dict::new();
        for (key, item) in table.iter() {
            // The key's own place, since a list may end lines below.
            let span = table
                .key(key)
                .and_then(toml_edit::Key::span)
                .or_else(|| item.span());
            self.key.push(key.to_owned());
            self.note(span);
            if let Some(value) = self.item(item) {
                dict.insert(key.to_owned(), value);
            }
            self.key.pop();
        }
        dict
    }

    fn note(&mut self, span: Option<std::ops::Range<usize>>) {
        if let Some(span) = span {
            let (line, _) = position(self.text, span.start);
            self.layer
                .note_origin(self.key.clone(), Origin::line(self.path, line));
        }
    }

    fn item(&mut self, item: &Item) -> Option<Value> {
        match item {
            Item::None => None,
            Item::Value(value) => Some(self.value(value)),
            Item::Table(table) => Some(Value::from(self.table(table))),
            Item::ArrayOfTables(tables) => {
                let mut list = Vec::new();
                for (index, table) in tables.iter().enumerate() {
                    self.key.push(index.to_string());
                    self.note(table.span());
                    list.push(Value::from(self.table(table)));
                    self.key.pop();
                }
                Some(Value::from(list))
            }
        }
    }

    fn value(&mut self, value: &toml_edit::Value) -> Value {
        match value {
            toml_edit::Value::String(text) => Value::from(text.value().as_str()),
            toml_edit::Value::Integer(number) => Value::from(*number.value()),
            toml_edit::Value::Float(number) => Value::from(*number.value()),
            toml_edit::Value::Boolean(truth) => Value::from(*truth.value()),
            // No setting is a date: where text is expected, it is the text.
            toml_edit::Value::Datetime(date) => Value::from(date.value().to_string()),
            toml_edit::Value::Array(list) => Value::from(self.list(list)),
            toml_edit::Value::InlineTable(table) => Value::from(self.table(table)),
        }
    }

    fn list(&mut self, list: &Array) -> Vec<Value> {
        let mut values = Vec::new();
        for (index, value) in list.iter().enumerate() {
            self.key.push(index.to_string());
            self.note(value.span());
            values.push(self.value(value));
            self.key.pop();
        }
        values
    }
}

/// The line and the column of an offset, from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}
