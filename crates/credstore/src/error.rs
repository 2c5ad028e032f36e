//! What can go wrong with a store, by whose fault it is, with what to do next.

use std::io;
use std::path::PathBuf;

use common_config::name::KeyName;
use common_config::user_name::UserName;
use thiserror::Error;

pub use crate::backend::BackendError;
use crate::backend::{BackendFailure, sqlite::OpenError};
use crate::lifecycle::TransitionError;
use crate::nek::{Fingerprint, NekName};
use crate::nek_dir::NekError;
use crate::seal::SealError;

/// Why an operation on a store failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CredStoreError {
    /// There is no key of that name.
    #[error("there is no key {name} in the store; list the keys with `keymgmt show DKIM ALL`")]
    NotFound {
        /// The name that was asked for.
        name: KeyName,
    },
    /// There is a key of that name.
    #[error("the key {name} exists already; choose another selector, or delete it first")]
    Exists {
        /// The name.
        name: KeyName,
    },
    /// The key was revoked: it does not sign.
    #[error("the key {name} is revoked and signs no more; create a key under another selector")]
    Revoked {
        /// The name.
        name: KeyName,
    },
    /// The key cannot be changed so.
    #[error("the key {name} stays as it is")]
    Lifecycle {
        /// The name.
        name: KeyName,
        /// Why.
        #[source]
        source: TransitionError,
    },
    /// The line of a key is not what was written.
    #[error(
        "the store's line of {row} was tampered with; restore the store from a backup, or delete the key and create it anew"
    )]
    Tampered {
        /// The key, as the line or the manifest names it.
        row: Box<str>,
        /// What is wrong with the line.
        #[source]
        fault: RowFault,
    },
    /// The store's own line is not what was written: nothing in it is believed.
    #[error("the store {} was tampered with; restore it from a backup", path.display())]
    StoreTampered {
        /// The store.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: HeaderFault,
    },
    /// A private key that does not open: it was sealed for another line, or altered with the MAC key at hand.
    #[error(
        "the private key of {name} cannot be opened; restore the store from a backup, or create the key anew"
    )]
    Unseal {
        /// The key.
        name: KeyName,
        /// Why.
        #[source]
        source: SealError,
    },
    /// A private key, or a user's verifier, could not be sealed.
    #[error("the secret could not be sealed")]
    Seal(#[source] SealError),
    /// There is no user of that name.
    #[error("there is no user {name} in the store; list the users with `keymgmt user show ALL`")]
    NoUser {
        /// The name that was asked for.
        name: UserName,
    },
    /// There is a user of that name.
    #[error(
        "the user {name} exists already; choose another name, or set a new password with `keymgmt user passwd`"
    )]
    UserExists {
        /// The name.
        name: UserName,
    },
    /// The line of a user is not what was written.
    #[error(
        "the store's line of the user {name} was tampered with; restore the store from a backup, or delete the user and add them anew"
    )]
    UserTampered {
        /// The user, as the line or the manifest names them.
        name: Box<str>,
        /// What is wrong with the line.
        #[source]
        fault: RowFault,
    },
    /// A verifier that does not open: it was sealed for another line, or altered with the MAC key at hand.
    #[error(
        "the password of the user {name} cannot be checked; restore the store from a backup, or set a new one with `keymgmt user passwd`"
    )]
    UnsealUser {
        /// The user.
        name: UserName,
        /// Why.
        #[source]
        source: SealError,
    },
    /// The NEK is another than the store was made with.
    #[error("the NEK \"{nek}\" ({given}) is not the one of the store {}, which needs {needed}; name the right one", path.display())]
    WrongNek {
        /// The store.
        path: PathBuf,
        /// The NEK that was given.
        nek: NekName,
        /// Its fingerprint.
        given: Fingerprint,
        /// The fingerprint of the store's NEK.
        needed: Fingerprint,
    },
    /// The store's NEK is not at hand.
    #[error("the store {} cannot be opened without its NEK", path.display())]
    NekMissing {
        /// The store.
        path: PathBuf,
        /// What was looked for, and where.
        #[source]
        source: NekError,
    },
    /// There is no store.
    #[error("there is no credential store {}; create it with `keymgmt create credstore <nek>`, or name the right --data-dir", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is a store, or something else, of that name.
    #[error("{} exists already and is left as it is; use it, or move it away first", path.display())]
    StoreExists {
        /// The file.
        path: PathBuf,
    },
    /// Others than the owner can read the store.
    #[error("{} has mode {mode:04o}, so others can read it; run: chmod 600 '{}'", path.display(), path.display())]
    Permissions {
        /// The store.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is something else, or was cut short.
    #[error("{} is not a credential store, or is damaged; restore it from a backup", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// Written by a later version.
    #[error("the store {} was written by a later version; upgrade this program", path.display())]
    Newer {
        /// The store.
        path: PathBuf,
    },
    /// Another process or task holds the store.
    #[error("the store {} is busy with another change; try again in a moment", path.display())]
    Busy {
        /// The store.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: BackendError,
    },
    /// The file or its folder could not be read or written.
    #[error("cannot read or write {}; check that the folder exists, whose it is, and that the disk is not full", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database failed.
    #[error("the database of the store {} failed", path.display())]
    Backend {
        /// The store.
        path: PathBuf,
        /// What it said.
        #[source]
        source: BackendError,
    },
}

impl CredStoreError {
    /// Whether the same call may work later, with the keys as they are: the store or its NEK cannot be reached now, and
    /// a moment or the administrator will change that. A key that is missing, revoked or tampered with stays so.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::WrongNek { .. }
            | Self::NekMissing { .. }
            | Self::Missing { .. }
            | Self::Permissions { .. }
            | Self::Busy { .. }
            | Self::Io { .. } => true,
            Self::Backend { source, .. } => source.failure() == BackendFailure::Io,
            Self::NotFound { .. }
            | Self::Exists { .. }
            | Self::Revoked { .. }
            | Self::Lifecycle { .. }
            | Self::Tampered { .. }
            | Self::StoreTampered { .. }
            | Self::Unseal { .. }
            | Self::Seal(_)
            | Self::NoUser { .. }
            | Self::UserExists { .. }
            | Self::UserTampered { .. }
            | Self::UnsealUser { .. }
            | Self::StoreExists { .. }
            | Self::NotAStore { .. }
            | Self::Newer { .. } => false,
        }
    }

    /// Whether it says something of one key or user, and nothing of the others.
    pub(crate) fn is_of_one_line(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. }
                | Self::Tampered { .. }
                | Self::NoUser { .. }
                | Self::UserTampered { .. }
        )
    }

    pub(crate) fn backend(path: PathBuf, source: BackendError) -> Self {
        match source.failure() {
            BackendFailure::Busy => Self::Busy { path, source },
            BackendFailure::NotADatabase => Self::NotAStore { path },
            BackendFailure::Io | BackendFailure::Malformed | BackendFailure::Other => {
                Self::Backend { path, source }
            }
        }
    }

    pub(crate) fn open(path: PathBuf, error: OpenError) -> Self {
        match error {
            OpenError::Foreign => Self::NotAStore { path },
            OpenError::Newer => Self::Newer { path },
            OpenError::Backend(source) => Self::backend(path, source),
        }
    }
}

/// What is wrong with the line of a key, or of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RowFault {
    /// Its MAC does not fit its contents.
    #[error("it was altered, or swapped with another line")]
    Altered,
    /// It was right once.
    #[error("it is an old copy: version {found}, where the store lists {expected}")]
    Replayed {
        /// The version of the line that was found.
        found: u64,
        /// The version that the store lists.
        expected: u64,
    },
    /// The store does not list it.
    #[error("the store does not list it: it was deleted before, or put there by hand")]
    Unlisted,
    /// The store lists it, and it is not there.
    #[error("the store lists it, but the line is gone")]
    Missing,
    /// Its MAC is right, but this version does not understand it.
    #[error("this version cannot read it")]
    Unreadable,
}

impl RowFault {
    /// Compares the version of a line with the one that the manifest lists.
    pub(crate) fn of_version(found: i64, listed: Option<i64>) -> Result<(), Self> {
        let listed = listed.ok_or(Self::Unlisted)?;
        if found == listed {
            return Ok(());
        }
        Err(Self::Replayed {
            found: found.cast_unsigned(),
            expected: listed.cast_unsigned(),
        })
    }
}

/// What is wrong with the store's own line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderFault {
    /// It is not there.
    #[error("its header is gone")]
    Missing,
    /// Its MAC does not fit its contents.
    #[error("its header or the manifest of its lines was altered")]
    Altered,
    /// The store was seen at a later version by this process.
    #[error(
        "it went back from version {seen} to {found}; if you restored a backup on purpose, restart the program"
    )]
    WentBack {
        /// The latest version that was seen.
        seen: u64,
        /// The version that was found.
        found: u64,
    },
}
