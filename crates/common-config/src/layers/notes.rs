//! The lines of notes.ini that layers hold: the keys `notes_ini` and `[notes]`, taken out before the rest is read.

use std::path::PathBuf;

use figment::value::{Num, Value};

use super::layer::Layer;
use super::{fault, relative_to};
use crate::error::SettingsError;
use crate::notes_ini::NotesEntry;
use crate::origin::Origin;

/// The key that names the notes.ini.
pub(super) const PATH_KEY: &str = "notes_ini";

/// The table of its lines.
pub(super) const TABLE_KEY: &str = "notes";

/// Lines in layers, the lowest first.
pub(super) struct Lines {
    files: Vec<Vec<NotesEntry>>,
    notes_ini: Vec<NotesEntry>,
    others: Vec<Vec<NotesEntry>>,
}

impl Lines {
    /// The lines of the notes.ini itself, which stand above TOML's and below the environment's.
    pub(super) fn insert_file(&mut self, entries: &[NotesEntry]) {
        self.notes_ini = entries.to_vec();
    }

    /// One list: a name in a higher layer replaces all that a lower one has of it.
    pub(super) fn merge(self) -> Vec<NotesEntry> {
        let layers = self
            .files
            .into_iter()
            .chain([self.notes_ini])
            .chain(self.others);
        layers.fold(Vec::new(), |mut merged, layer| {
            merged.retain(|lower: &NotesEntry| {
                !layer.iter().any(|higher| higher.is_named(&lower.name))
            });
            merged.extend(layer);
            merged
        })
    }
}

/// The path under `notes_ini` in the highest layer that has one; in a file it is relative to the file's folder.
pub(super) fn take_path(layers: &mut [Layer]) -> Result<Option<PathBuf>, SettingsError> {
    let key = [PATH_KEY.to_owned()];
    let mut path = None;
    for layer in layers {
        let Some(value) = layer.remove(&key) else {
            continue;
        };
        let text = match (layer.typed(&key), &value) {
            (Some(text), _) => text,
            (None, Value::String(_, text)) => text.as_str(),
            (None, _) => return Err(bad_value(layer, &key, &value, "the path of a notes.ini")),
        };
        path = Some(match layer.file() {
            Some(file) => relative_to(file, text),
            None => PathBuf::from(text),
        });
    }
    Ok(path)
}

/// The lines under `[notes]` of each layer.
pub(super) fn take(layers: &mut [Layer]) -> Result<Lines, SettingsError> {
    let mut lines = Lines {
        files: Vec::new(),
        notes_ini: Vec::new(),
        others: Vec::new(),
    };
    let key = vec![TABLE_KEY.to_owned()];
    for layer in layers {
        let Some(value) = layer.remove(&key) else {
            continue;
        };
        let Value::Dict(_, table) = &value else {
            return Err(bad_value(
                layer,
                &key,
                &value,
                "a table of lines such as RouterDKIMSigning = 2",
            ));
        };
        let mut entries = Vec::new();
        for (name, value) in table {
            collect(
                layer,
                &mut vec![TABLE_KEY.to_owned(), name.clone()],
                value,
                &mut entries,
            )?;
        }
        entries.sort_by(|a, b| a.origin.cmp(&b.origin));
        match layer.file() {
            Some(_) => lines.files.push(entries),
            None => lines.others.push(entries),
        }
    }
    Ok(lines)
}

/// TOML reads `DKIM_KEY_acme.com = "1"` as a table unless the name is in quotes; both mean the line.
fn collect(
    layer: &Layer,
    path: &mut Vec<String>,
    value: &Value,
    entries: &mut Vec<NotesEntry>,
) -> Result<(), SettingsError> {
    if let (None, Value::Dict(_, table)) = (layer.typed(path), value) {
        for (key, value) in table {
            path.push(key.clone());
            collect(layer, path, value, entries)?;
            path.pop();
        }
        return Ok(());
    }
    let text = match (layer.typed(path), value) {
        (Some(text), _) => text.to_owned(),
        (None, Value::String(_, text)) => text.clone(),
        (None, Value::Num(_, Num::I64(number))) => number.to_string(),
        (None, _) => return Err(bad_value(layer, path, value, "text or a whole number")),
    };
    entries.push(NotesEntry {
        name: path.get(1..).unwrap_or_default().join("."),
        value: text.trim().to_owned(),
        origin: layer.origin(path).cloned().unwrap_or(Origin::Default),
    });
    Ok(())
}

fn bad_value(layer: &Layer, path: &[String], value: &Value, expected: &str) -> SettingsError {
    SettingsError::BadValue {
        origin: layer.origin(path).cloned().unwrap_or(Origin::Default),
        key: fault::key(path),
        found: fault::actual(&value.to_actual()),
        expected: expected.to_owned(),
    }
}
