//! Why settings cannot be used: which file, which line, which key, what was found, what was expected.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::notes_ini::NotesIniError;
use crate::origin::Origin;

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A settings file cannot be read.
    #[error("cannot read {}: check that it exists and that this user may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A settings file is not TOML.
    #[error("{}:{line}:{column}: not TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the reader of TOML said.
        message: String,
    },
    /// A notes.ini cannot be used.
    #[error("the settings name a notes.ini that cannot be used")]
    NotesIni(#[from] NotesIniError),
    /// A key that there is not.
    #[error("{origin}: unknown key {key}: {}", Suggestion(nearest.as_deref(), known))]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
        /// The key with the tables it is in.
        key: String,
        /// The known key that it looks like.
        nearest: Option<String>,
        /// The keys that may stand there.
        known: Vec<String>,
    },
    /// A value that a key cannot have.
    #[error("{origin}: {key}: found {found}, expected {expected}")]
    BadValue {
        /// Where it stands.
        origin: Origin,
        /// The key with the tables it is in.
        key: String,
        /// The value.
        found: String,
        /// What it could be.
        expected: String,
    },
    /// A key that must be there.
    #[error("{origin}: {key} is missing: add it")]
    MissingKey {
        /// Where its table stands.
        origin: Origin,
        /// The key with the tables it is in.
        key: String,
    },
}

struct Suggestion<'a>(Option<&'a str>, &'a [String]);

impl fmt::Display for Suggestion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Some(nearest), _) => write!(f, "did you mean {nearest}?"),
            Self(None, []) => f.write_str("no key can stand there"),
            Self(None, known) => {
                write!(f, "the keys that can stand there are {}", known.join(", "))
            }
        }
    }
}
