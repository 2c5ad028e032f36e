//! One layer: its values, and where each of them was found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Value};

use crate::origin::Origin;

/// The values of one source, as figment merges them, and their origins.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    values: Dict,
    /// The origin of each key that the source has, by its path.
    origins: BTreeMap<Vec<String>, Origin>,
    /// What was typed, where a source has nothing but text.
    typed: BTreeMap<Vec<String>, String>,
    file: Option<PathBuf>,
}

impl Layer {
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Self {
            values: Dict::new(),
            origins: BTreeMap::new(),
            typed: BTreeMap::new(),
            file,
        }
    }

    /// The options of a command line. The name of a line of notes.ini is what follows `notes.`, dots and all.
    pub(super) fn command_line(options: &[(String, String)]) -> Self {
        let mut layer = Self::new(None);
        for (key, value) in options {
            let path = match key.split_once('.') {
                Some((table, name)) if table == super::notes::TABLE_KEY => {
                    vec![table.to_owned(), name.to_owned()]
                }
                _ => key.split('.').map(str::to_owned).collect(),
            };
            layer.insert_typed(path, value, Origin::CommandLine);
        }
        layer
    }

    pub(super) fn values(&self) -> &Dict {
        &self.values
    }

    /// The file that the layer is, if it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Takes `text` for the value that it looks like: a number, a list, or itself.
    pub(super) fn insert_typed(&mut self, path: Vec<String>, text: &str, origin: Origin) {
        let value = match text.parse() {
            Ok(value) => value,
            Err(never) => match never {},
        };
        put(&mut self.values, &path, value);
        for length in 1..path.len() {
            let table = path.iter().take(length).cloned().collect();
            self.origins.entry(table).or_insert_with(|| origin.clone());
        }
        self.typed.insert(path.clone(), text.to_owned());
        self.origins.insert(path, origin);
    }

    pub(super) fn insert_top(&mut self, key: &str, value: Value) {
        self.values.insert(key.to_owned(), value);
    }

    pub(super) fn note_origin(&mut self, path: Vec<String>, origin: Origin) {
        self.origins.insert(path, origin);
    }

    /// Where `path` stands, if it does.
    pub(super) fn origin(&self, path: &[String]) -> Option<&Origin> {
        self.origins.get(path)
    }

    /// What was typed for `path`, where the source has nothing but text.
    pub(super) fn typed(&self, path: &[String]) -> Option<&str> {
        self.typed.get(path).map(String::as_str)
    }

    /// The value of `path`.
    pub(super) fn value(&self, path: &[String]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(self.values.get(first)?, |value, key| match value {
                Value::Dict(_, dict) => dict.get(key),
                Value::Array(_, list) => list.get(key.parse::<usize>().ok()?),
                Value::String(..)
                | Value::Char(..)
                | Value::Bool(..)
                | Value::Num(..)
                | Value::Empty(..) => None,
            })
    }

    /// Whether the value of `path` is a list.
    pub(super) fn holds_list(&self, path: &[String]) -> bool {
        matches!(self.value(path), Some(Value::Array(..)))
    }

    /// Takes a top-level key out.
    pub(super) fn remove(&mut self, path: &[String]) -> Option<Value> {
        match path {
            [key] => self.values.remove(key),
            _ => None,
        }
    }
}

/// Lets the value of `path` be the text that was typed: a host named `12`, or a bracketed address, is not a number or
/// a list where text is expected. False when it was text already, or stands in a file.
pub(super) fn read_as_text(layers: &mut [Layer], path: &[String]) -> bool {
    let Some(layer) = layers
        .iter_mut()
        .rev()
        .find(|layer| layer.value(path).is_some())
    else {
        return false;
    };
    let Some(text) = layer.typed.get(path).cloned() else {
        return false;
    };
    if matches!(layer.value(path), Some(Value::String(..))) {
        return false;
    }
    put(&mut layer.values, path, Value::from(text));
    true
}

fn put(dict: &mut Dict, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => {
            dict.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            let mut inner = match dict.remove(key) {
                Some(Value::Dict(_, inner)) => inner,
                Some(_) | None => Dict::new(),
            };
            put(&mut inner, rest, value);
            dict.insert(key.clone(), Value::from(inner));
        }
    }
}
