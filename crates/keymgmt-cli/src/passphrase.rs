//! Passphrases of NEKs' copies, and passwords of users: asked for without an echo, or read from a file that nobody else can
//! read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use credstore::Secret;
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use crate::exit::Status;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Passphrase,
    Password,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase => "passphrase",
            Self::Password => "password",
        })
    }
}

/// A secret that is chosen now, and so asked for twice.
pub(crate) fn chosen(kind: Kind, file: Option<&Path>) -> Result<Secret, PassphraseError> {
    if let Some(file) = file {
        return read(kind, file);
    }
    let first = ask(kind, kind.prompt())?;
    let second = ask(kind, "The same again: ")?;
    if first.expose() != second.expose() {
        return Err(PassphraseError::Differ { kind });
    }
    Ok(first)
}

/// A secret that was chosen before.
pub(crate) fn known(kind: Kind, file: Option<&Path>) -> Result<Secret, PassphraseError> {
    match file {
        Some(file) => read(kind, file),
        None => ask(kind, kind.prompt()),
    }
}

impl Kind {
    fn prompt(self) -> &'static str {
        match self {
            Self::Passphrase => "Passphrase: ",
            Self::Password => "Password: ",
        }
    }
}

fn ask(kind: Kind, prompt: &str) -> Result<Secret, PassphraseError> {
    let typed = rpassword::prompt_password(prompt);
    let typed = typed.map_err(|source| PassphraseError::NoTerminal { kind, source })?;
    Ok(Secret::new(typed.into_bytes()))
}

/// The file's first line.
fn read(kind: Kind, path: &Path) -> Result<Secret, PassphraseError> {
    let failed = |source| PassphraseError::File {
        kind,
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o7777;
    // A pipe, as a shell's <(…), has no name by which others could open it.
    if metadata.is_file() && mode & 0o077 != 0 {
        let path = path.to_owned();
        return Err(PassphraseError::Permissions { path, mode });
    }
    let mut contents = Vec::new();
    file.read_to_end(&mut contents).map_err(failed)?;
    let line: Zeroizing<Vec<u8>> = contents
        .iter()
        .copied()
        .take_while(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect::<Vec<u8>>()
        .into();
    contents.zeroize();
    Ok(Secret::from(line))
}

/// Why there is no passphrase.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum PassphraseError {
    #[error("the two {kind}s differ; try again")]
    Differ { kind: Kind },
    #[error("there is no terminal to ask for the {kind} on; give it with --{kind}-file <file>")]
    NoTerminal {
        kind: Kind,
        #[source]
        source: io::Error,
    },
    #[error("{} has mode {mode:04o}, so others can read it; run: chmod 600 '{}'", path.display(), path.display())]
    Permissions { path: PathBuf, mode: u32 },
    #[error("cannot read the {kind} from {}; check that the file exists", path.display())]
    File {
        kind: Kind,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl PassphraseError {
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Differ { .. } | Self::NoTerminal { .. } => Status::Nek,
            Self::Permissions { .. } => Status::Permissions,
            Self::File { .. } => Status::File,
        }
    }
}
