//! Where NEKs are kept: the data directory's `nek/`, and the service manager's credentials.
//!
//! Owns the files, their names (`<name>.nek`) and their permissions. Reads and writes block for a moment; the files are
//! a few lines long.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::nek::{Fingerprint, Nek, NekFormatError, NekName};
use crate::private_file::{self, Audience};
use crate::secret::Secret;
use crate::transfer::{self, TransferError};

/// The NEKs of one installation.
///
/// A NEK is looked for among the service manager's credentials first, so that a server without access to the data
/// directory's `nek/` still finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NekDir {
    path: PathBuf,
    credentials: Option<PathBuf>,
}

impl NekDir {
    /// The NEKs in the folder `path`, which [`NekDir::create`] makes when it does not exist.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            credentials: None,
        }
    }

    /// Looks into `credentials` as well: the value of `$CREDENTIALS_DIRECTORY`, which the caller has read.
    #[must_use]
    pub fn with_credentials_directory(mut self, credentials: Option<PathBuf>) -> Self {
        self.credentials = credentials;
        self
    }

    /// The folder that new NEKs are written to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a NEK from random numbers and writes it to a file of mode 0600.
    ///
    /// # Errors
    /// [`NekError::Exists`] when there is one of that name; otherwise what failed in making or writing it.
    pub fn create(&self, name: &NekName) -> Result<Nek, NekError> {
        let nek = Nek::generate(name.clone()).map_err(|source| NekError::Format {
            path: self.file(name),
            source,
        })?;
        self.write(&nek)?;
        Ok(nek)
    }

    /// Reads the NEK called `name`.
    ///
    /// # Errors
    /// [`NekError::NotFound`], [`NekError::Permissions`] when others can read the file, and what else may be wrong with
    /// it.
    pub fn open(&self, name: &NekName) -> Result<Nek, NekError> {
        for (folder, audience) in self.folders() {
            let path = folder.join(file_name(name));
            match read(&path, audience) {
                Ok(contents) => {
                    return Nek::from_file(name.clone(), &contents)
                        .map_err(|source| NekError::Format { path, source });
                }
                Err(NekError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(NekError::NotFound {
            name: name.clone(),
            folder: self.path.clone(),
        })
    }

    /// The names of the NEKs that are there, in order. They may still prove unreadable.
    ///
    /// # Errors
    /// [`NekError::Io`] when a folder cannot be listed; a folder that does not exist holds none.
    pub fn list(&self) -> Result<Vec<NekName>, NekError> {
        let mut names = BTreeSet::new();
        for (folder, _) in self.folders() {
            let failed = |source| NekError::Io {
                path: folder.to_owned(),
                source,
            };
            let entries = match fs::read_dir(folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            for entry in entries {
                names.extend(
                    entry
                        .map_err(failed)?
                        .file_name()
                        .to_str()
                        .and_then(name_of),
                );
            }
        }
        Ok(names.into_iter().collect())
    }

    /// The NEK with this fingerprint.
    ///
    /// # Errors
    /// [`NekError::NoMatch`], with the first file that could not be read as its source, if there was one.
    pub fn find(&self, fingerprint: Fingerprint) -> Result<Nek, NekError> {
        let mut unreadable = None;
        match self.list() {
            Ok(names) => {
                for name in names {
                    match self.open(&name) {
                        Ok(nek) if nek.fingerprint() == fingerprint => return Ok(nek),
                        Ok(_) => {}
                        Err(error) => unreadable = unreadable.or(Some(Box::new(error))),
                    }
                }
            }
            Err(error) => unreadable = Some(Box::new(error)),
        }
        Err(NekError::NoMatch {
            fingerprint,
            folder: self.path.clone(),
            unreadable,
        })
    }

    /// Writes the NEK called `name` to a new file at `to`, sealed under a passphrase: the form to keep a copy in.
    ///
    /// # Errors
    /// What keeps the NEK from being read, sealed or written; an existing file is left as it is.
    pub fn export(&self, name: &NekName, passphrase: &Secret, to: &Path) -> Result<Nek, NekError> {
        let nek = self.open(name)?;
        let sealed = transfer::seal(&nek, passphrase)?;
        private_file::create(to, sealed.as_bytes()).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => NekError::FileExists {
                path: to.to_owned(),
            },
            _ => NekError::Io {
                path: to.to_owned(),
                source,
            },
        })?;
        Ok(nek)
    }

    /// Brings back what [`NekDir::export`] wrote, under its own name or under `rename`.
    ///
    /// # Errors
    /// What keeps the file from being read or opened; [`NekError::Exists`] when there is a NEK of that name.
    pub fn import(
        &self,
        from: &Path,
        passphrase: &Secret,
        rename: Option<&NekName>,
    ) -> Result<Nek, NekError> {
        let contents = fs::read(from).map_err(|source| NekError::Io {
            path: from.to_owned(),
            source,
        })?;
        let nek = transfer::open(&contents, passphrase, rename)?;
        self.write(&nek)?;
        Ok(nek)
    }

    /// The file of the NEK called `name` in the folder that new NEKs are written to.
    #[must_use]
    pub fn file(&self, name: &NekName) -> PathBuf {
        self.path.join(file_name(name))
    }

    fn write(&self, nek: &Nek) -> Result<(), NekError> {
        let path = self.file(nek.name());
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| NekError::Io { path, source }
        };
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(&self.path)(error));
            }
            Ok(()) => private_file::adopt(&self.path).map_err(failed(&self.path))?,
            Err(_) => {}
        }
        private_file::create(&path, nek.to_file().as_bytes()).map_err(|source| {
            match source.kind() {
                io::ErrorKind::AlreadyExists => NekError::Exists {
                    name: nek.name().clone(),
                    path: path.clone(),
                },
                _ => failed(&path)(source),
            }
        })
    }

    fn folders(&self) -> impl Iterator<Item = (&Path, Audience)> {
        let credentials = self
            .credentials
            .as_deref()
            .map(|path| (path, Audience::Credential));
        credentials
            .into_iter()
            .chain([(self.path.as_path(), Audience::Owner)])
    }
}

fn file_name(name: &NekName) -> String {
    format!("{name}{SUFFIX}")
}

/// The NEK that a file of this name would hold. Upper case is not ours: the file would not be found again.
fn name_of(file_name: &str) -> Option<NekName> {
    let stem = file_name.strip_suffix(SUFFIX)?;
    stem.parse()
        .ok()
        .filter(|name: &NekName| name.as_str() == stem)
}

const SUFFIX: &str = ".nek";

/// A NEK file is some 200 octets; nothing larger is read.
const LARGEST: u64 = 4096;

fn read(path: &Path, audience: Audience) -> Result<Zeroizing<Vec<u8>>, NekError> {
    let failed = |source| NekError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    // The open file is asked, not the path, which may name another by now.
    let metadata = file.metadata().map_err(failed)?;
    if let Some(mode) = audience.refuses(&metadata) {
        return Err(NekError::Permissions {
            path: path.to_owned(),
            mode,
        });
    }
    // Room for all at once: a buffer that grew would leave copies behind.
    let mut contents = Zeroizing::new(Vec::with_capacity(LARGEST as usize + 1));
    file.take(LARGEST)
        .read_to_end(&mut contents)
        .map_err(failed)?;
    Ok(contents)
}

/// Why a NEK could not be made, read or moved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NekError {
    /// There is none of that name.
    #[error("there is no NEK \"{name}\" in {}; list them with `keymgmt show nek ALL`, or make it with `keymgmt create nek {name}`", folder.display())]
    NotFound {
        /// The name that was asked for.
        name: NekName,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// There is one of that name.
    #[error("the NEK \"{name}\" exists already ({}); choose another name", path.display())]
    Exists {
        /// The name.
        name: NekName,
        /// Its file.
        path: PathBuf,
    },
    /// An export would overwrite a file.
    #[error("{} exists already and is left as it is; choose another file name", path.display())]
    FileExists {
        /// The file.
        path: PathBuf,
    },
    /// No NEK has the fingerprint that a store asks for.
    #[error("no NEK in {} has the fingerprint {fingerprint}; restore it there with `keymgmt import nek <file>`", folder.display())]
    NoMatch {
        /// The fingerprint that was asked for.
        fingerprint: Fingerprint,
        /// Where it was looked for.
        folder: PathBuf,
        /// The first NEK that could not be read, which may be the one.
        #[source]
        unreadable: Option<Box<NekError>>,
    },
    /// Others than the owner can read the file.
    #[error("{} has mode {mode:04o}, so others can read it; run: chmod 600 '{}'", path.display(), path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold a NEK.
    #[error("the NEK file {} cannot be used", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: NekFormatError,
    },
    /// An exported NEK could not be made or opened.
    #[error("the NEK could not be moved")]
    Transfer(#[from] TransferError),
    /// The file or folder could not be read or written.
    #[error("cannot read or write {}; check that it exists and whose it is", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

#[cfg(test)]
#[path = "nek_dir_tests.rs"]
mod tests;
