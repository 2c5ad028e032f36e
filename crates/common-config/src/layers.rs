//! The layers of settings: defaults < TOML < notes.ini < environment < command line.
//!
//! The defaults are those of the type that is read (`#[serde(default)]`). Lines of notes.ini do not become keys of
//! that type: they are handed over as a list with their origins, since a name may hold dots, come twice, and be written
//! in any case. The keys `notes_ini` and `[notes]` are consumed here. figment merges the rest; this module adds what it
//! lacks: the line of a TOML key, and errors that a person can act on.

mod environment;
mod fault;
mod layer;
mod notes;
mod origins;
mod toml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::error::{Error, Kind};
use figment::value::Dict;
use figment::{Figment, Metadata, Profile, Provider};
use serde::de::DeserializeOwned;

use self::layer::Layer;
pub use self::origins::Origins;
use crate::error::SettingsError;
use crate::notes_ini::{NotesEntry, NotesIni};

/// Where settings are looked for. Each method adds a source; their order of precedence is fixed, and among sources of
/// one kind the later one wins.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    files: Vec<TomlFile>,
    notes_ini: Option<PathBuf>,
    environment: Vec<(String, Vec<(String, String)>)>,
    command_line: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
struct TomlFile {
    path: PathBuf,
    presence: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

impl Layers {
    /// No source yet: all settings have their defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the TOML file `path`, which must be there.
    #[must_use]
    pub fn toml(self, path: impl Into<PathBuf>) -> Self {
        self.file(path.into(), Presence::Required)
    }

    /// Reads the TOML file `path` if it is there.
    #[must_use]
    pub fn toml_optional(self, path: impl Into<PathBuf>) -> Self {
        self.file(path.into(), Presence::Optional)
    }

    /// Reads this notes.ini, whatever the key `notes_ini` says.
    #[must_use]
    pub fn notes_ini(mut self, path: impl Into<PathBuf>) -> Self {
        self.notes_ini = Some(path.into());
        self
    }

    /// Reads the environment's variables that start with `prefix`: `SMTP_EDGE_SMTP__HOSTNAME` is `smtp.hostname`, and
    /// `SMTP_EDGE_NOTES__RouterDKIMSigning` that line of notes.ini. Lists are written `["a", "b"]`.
    /// [`SETTINGS_VARIABLE`](crate::paths::SETTINGS_VARIABLE) is not among them: it names the file.
    #[must_use]
    pub fn environment(self, prefix: &str) -> Self {
        self.variables(prefix, environment::process())
    }

    /// As [`Layers::environment`], with variables that the caller has.
    #[must_use]
    pub fn variables(
        mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        self.environment
            .push((prefix.to_owned(), variables.into_iter().collect()));
        self
    }

    /// Gives `key` (`smtp.hostname`) a value, as an option of the command line does. `notes.NAME` is a line of
    /// notes.ini; `notes_ini` names the file.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if key == notes::PATH_KEY {
            return self.notes_ini(value);
        }
        self.command_line.push((key.to_owned(), value));
        self
    }

    fn file(mut self, path: PathBuf, presence: Presence) -> Self {
        self.files.push(TomlFile { path, presence });
        self
    }

    /// Reads everything into a `T`. `T` and its sections carry `#[serde(default, deny_unknown_fields)]`, so that what
    /// is left out has its default and what is misspelt is an error.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] for a file that cannot be read, an unknown key, a bad value.
    pub fn extract<T: DeserializeOwned>(&self) -> Result<Loaded<T>, SettingsError> {
        self.load(Reader::Whole)
    }

    /// Reads the sections that `T` has, and lets the file's other top-level keys be: they are another program's.
    ///
    /// # Errors
    ///
    /// As [`Layers::extract`], for the sections that `T` has.
    pub fn extract_part<T: DeserializeOwned>(&self) -> Result<Loaded<T>, SettingsError> {
        self.load(Reader::Part)
    }

    fn load<T: DeserializeOwned>(&self, reader: Reader) -> Result<Loaded<T>, SettingsError> {
        let mut read = Vec::new();
        let mut layers = Vec::new();
        for file in &self.files {
            if let Some(layer) = toml::read(&file.path, file.presence)? {
                read.push(file.path.clone());
                layers.push(layer);
            }
        }
        layers.extend(
            self.environment
                .iter()
                .map(|(prefix, variables)| environment::layer(prefix, variables)),
        );
        layers.push(Layer::command_line(&self.command_line));

        let named = notes::take_path(&mut layers)?;
        let mut lines = notes::take(&mut layers)?;
        if let Some(path) = self.notes_ini.clone().or(named) {
            lines.insert_file(NotesIni::read(&path)?.entries());
            read.push(path);
        }
        Ok(Loaded {
            origins: Origins::new(layers.clone()),
            settings: extract(layers, reader)?,
            notes: lines.merge(),
            files: read,
        })
    }
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The settings.
    pub settings: T,
    /// The lines of notes.ini and what stands in their stead: a higher layer replaces a name, and duplicates within one
    /// layer stay, for whoever knows what they mean to refuse.
    pub notes: Vec<NotesEntry>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// Where each setting stands.
    pub origins: Origins,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Whole,
    Part,
}

fn extract<T: DeserializeOwned>(
    mut layers: Vec<Layer>,
    reader: Reader,
) -> Result<T, SettingsError> {
    loop {
        let merged = layers
            .iter()
            .fold(Figment::new(), |figment, layer| figment.merge(layer));
        let error = match merged.extract() {
            Ok(settings) => return Ok(settings),
            Err(error) => error,
        };
        // Each way round takes something away from the layers, so that the loop ends.
        let is_elsewhere = reader == Reader::Part
            && error.path.len() == 1
            && matches!(error.kind, Kind::UnknownField(..));
        let again = if is_elsewhere {
            layers
                .iter_mut()
                .any(|layer| layer.remove(&error.path).is_some())
        } else {
            matches!(error.kind, Kind::InvalidType(..))
                && layer::read_as_text(&mut layers, &error.path)
        };
        if !again {
            return Err(fault::explain(&error, &layers));
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("settings")
    }

    fn data(&self) -> Result<BTreeMap<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values().clone()))
    }
}

/// `path` as it is meant by a file: relative to the folder that the file is in.
fn relative_to(file: &Path, path: &str) -> PathBuf {
    match file.parent() {
        Some(folder) => folder.join(path),
        None => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests;
