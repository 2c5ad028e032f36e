//! Our own reader of notes.ini: an ordered list of names, values and lines.
//!
//! It takes a Domino server's real file: names in any case, the `[Notes]` header, thousands of lines that are not ours,
//! CRLF or LF, a byte-order mark, and text in an old code page wherever the line is not ours. A comment starts at the
//! start of a line only, since values hold `;`; a line never continues on the next, since values end in `\`.
//! What a value means is for others to say. A file is changed line by line: every other line stays byte for byte.

mod line;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use self::line::{Line, LineFault};
pub use crate::origin::Origin;

/// One setting of a notes.ini, or one that another layer gave in its stead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotesEntry {
    /// The name, in the case it was written in. Compare it without regard to case.
    pub name: String,
    /// The value, without blanks around it.
    pub value: String,
    /// Where it was found.
    pub origin: Origin,
}

impl NotesEntry {
    /// Whether this setting has that name; case does not matter.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// A notes.ini.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotesIni {
    path: PathBuf,
    has_mark: bool,
    lines: Vec<Line>,
    entries: Vec<NotesEntry>,
}

impl NotesIni {
    /// Reads the file `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or [`NotesIni::parse`] refuses it.
    pub fn read(path: &Path) -> Result<Self, NotesIniError> {
        let bytes = fs::read(path).map_err(|source| NotesIniError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &bytes)
    }

    /// Takes `bytes` as the content of a notes.ini; `origin` is what the lines are said to come from.
    ///
    /// # Errors
    ///
    /// When the file is UTF-16, or when a line of ours (`DKIM_KEY_…`, `RouterDKIMSigning`) has no `=` or is not UTF-8.
    /// Other lines may be anything.
    pub fn parse(origin: &Path, bytes: &[u8]) -> Result<Self, NotesIniError> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(NotesIniError::Utf16 {
                path: origin.to_owned(),
            });
        }
        let rest = bytes.strip_prefix(BYTE_ORDER_MARK);
        let mut lines = Vec::new();
        for (index, raw) in rest
            .unwrap_or(bytes)
            .split_inclusive(|b| *b == b'\n')
            .enumerate()
        {
            let line = Line::parse(raw).map_err(|fault| {
                let path = origin.to_owned();
                let line = index + 1;
                match fault {
                    LineFault::NotUtf8 { name } => NotesIniError::NotUtf8 { path, line, name },
                    LineFault::NoValue { name } => NotesIniError::NoValue { path, line, name },
                }
            })?;
            lines.push(line);
        }
        let mut file = Self {
            path: origin.to_owned(),
            has_mark: rest.is_some(),
            lines,
            entries: Vec::new(),
        };
        file.collect();
        Ok(file)
    }

    /// The settings, in the order of their lines. A name may come more than once.
    pub fn entries(&self) -> &[NotesEntry] {
        &self.entries
    }

    /// Gives `name` the value: on the first line that has that name, taking the others out, or on a line of its own at
    /// the end.
    ///
    /// # Errors
    ///
    /// When a file with that line could not be read back: a line break, `=` in the name, a name that starts a comment
    /// or a section, or blanks around either.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), NotesIniError> {
        let line = Line::setting(name, value).ok_or_else(|| NotesIniError::Unwritable {
            name: name.to_owned(),
        })?;
        let is_named = |line: &Line| {
            line.name()
                .is_some_and(|found| found.eq_ignore_ascii_case(name))
        };
        match self.lines.iter().position(is_named) {
            Some(first) => {
                let mut index = 0;
                self.lines.retain(|line| {
                    index += 1;
                    index <= first + 1 || !is_named(line)
                });
                if let Some(old) = self.lines.get_mut(first) {
                    *old = line.with_ending_of(old);
                }
            }
            None => {
                if let Some(last) = self.lines.last_mut() {
                    last.end();
                }
                self.lines.push(match self.lines.last() {
                    Some(last) => line.with_ending_of(last),
                    None => line,
                });
            }
        }
        self.collect();
        Ok(())
    }

    /// The file as it stands on disk: byte for byte what was read, apart from the lines that were set.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mark = if self.has_mark { BYTE_ORDER_MARK } else { b"" };
        let mut bytes = mark.to_vec();
        bytes.extend(self.lines.iter().flat_map(Line::raw));
        bytes
    }

    /// The file as text. Lines that are not UTF-8 are read as Latin-1, so write [`NotesIni::to_bytes`] to disk.
    pub fn to_text(&self) -> String {
        self.lines
            .iter()
            .map(|line| line::decode(line.raw()))
            .collect()
    }

    fn collect(&mut self) {
        self.entries = self
            .lines
            .iter()
            .enumerate()
            .filter_map(|(index, line)| {
                Some(NotesEntry {
                    name: line.name()?.to_owned(),
                    value: line.value()?.to_owned(),
                    origin: Origin::line(&self.path, index + 1),
                })
            })
            .collect();
    }
}

/// A notes.ini that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotesIniError {
    /// The file cannot be read.
    #[error("cannot read {}: check that it exists and that this user may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is in UTF-16.
    #[error("{} is in UTF-16: save it as UTF-8", path.display())]
    Utf16 {
        /// The file.
        path: PathBuf,
    },
    /// A line of ours is not UTF-8.
    #[error("{}:{line}: {name} is not written in UTF-8: write the domain with A-labels (xn--…)", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The setting, its name read as Latin-1.
        name: String,
    },
    /// A line of ours has no `=`.
    #[error("{}:{line}: {name} has no value: write {name}=…, or take the line out", path.display())]
    NoValue {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands on it.
        name: String,
    },
    /// A setting that no line can hold.
    #[error(
        "{name:?} cannot be written as a line of notes.ini: take line breaks, '=' and blanks at its ends out"
    )]
    Unwritable {
        /// The name that was to be set.
        name: String,
    },
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests;
