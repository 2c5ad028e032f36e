//! Passphrases: asked for without an echo, or read from a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use credstore::Secret;
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use crate::exit::Status;

/// A passphrase that is chosen now, and so asked for twice.
pub(crate) fn chosen(file: Option<&Path>) -> Result<Secret, PassphraseError> {
    if let Some(file) = file {
        return read(file);
    }
    let first = ask("Passphrase: ")?;
    let second = ask("The same again: ")?;
    if first.expose() != second.expose() {
        return Err(PassphraseError::Differ);
    }
    Ok(first)
}

/// A passphrase that was chosen before.
pub(crate) fn known(file: Option<&Path>) -> Result<Secret, PassphraseError> {
    match file {
        Some(file) => read(file),
        None => ask("Passphrase: "),
    }
}

fn ask(prompt: &str) -> Result<Secret, PassphraseError> {
    let typed = rpassword::prompt_password(prompt).map_err(PassphraseError::NoTerminal)?;
    Ok(Secret::new(typed.into_bytes()))
}

/// The file's first line.
fn read(file: &Path) -> Result<Secret, PassphraseError> {
    let mut contents = fs::read(file).map_err(|source| PassphraseError::File {
        path: file.to_owned(),
        source,
    })?;
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
    #[error("the two passphrases differ; try again")]
    Differ,
    #[error(
        "there is no terminal to ask for the passphrase on; give it with --passphrase-file <file>"
    )]
    NoTerminal(#[source] io::Error),
    #[error("cannot read the passphrase from {}; check that the file exists", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl PassphraseError {
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Differ | Self::NoTerminal(_) => Status::Nek,
            Self::File { .. } => Status::File,
        }
    }
}
