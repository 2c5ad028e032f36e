//! How a store comes into being, and how it is opened: whole or not at all, by its own NEK, and while nobody else can
//! read it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::rand;

use crate::backend::HeaderRow;
use crate::backend::sqlite::Sqlite;
use crate::error::{CredStoreError, HeaderFault};
use crate::header::Header;
use crate::nek::{Fingerprint, Nek};
use crate::nek_dir::NekDir;
use crate::private_file::{self, Audience};
use crate::record::LineKeys;
use crate::seal::{SealError, SealKey};
use crate::seen::SeenVersions;
use crate::store::{CredStore, Inner, store_tampered};
use crate::transcript::{MacKey, Transcript};

impl CredStore {
    /// Makes an empty store at `path`, sealed under `nek`: whole and with mode 0600, or not at all.
    ///
    /// # Errors
    /// [`CredStoreError::StoreExists`] when there is something at `path`; otherwise what failed in making it.
    pub async fn create(path: &Path, nek: &Nek) -> Result<Self, CredStoreError> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(CredStoreError::StoreExists {
                path: path.to_owned(),
            });
        }
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => CredStoreError::StoreExists {
                path: path.to_owned(),
            },
            _ => CredStoreError::Io {
                path: path.to_owned(),
                source,
            },
        };
        let draft = private_file::draft(path).map_err(io)?;
        let mut store_id = vec![0; STORE_ID_LENGTH];
        rand::fill(&mut store_id).map_err(|_| CredStoreError::Seal(SealError::Seal))?;
        let backend = Sqlite::open(draft.path())
            .await
            .map_err(|error| CredStoreError::open(path.to_owned(), error))?;
        let header = Header::default().seal(nek.fingerprint(), &line_keys(nek, store_id));
        let written = async {
            let mut access = backend.write().await?;
            access.put_header(&header).await?;
            access.commit().await
        };
        let written = written.await;
        backend.close().await;
        written.map_err(|source| CredStoreError::backend(path.to_owned(), source))?;
        private_file::publish(draft, path).map_err(io)?;
        Self::open_with(path, nek).await
    }

    /// Opens the store at `path` with the NEK in `neks` that has the fingerprint which the store names.
    ///
    /// # Errors
    /// [`CredStoreError::Missing`], [`CredStoreError::Permissions`] when others can read it,
    /// [`CredStoreError::NekMissing`], [`CredStoreError::StoreTampered`], and what the database says.
    pub async fn open(path: &Path, neks: &NekDir) -> Result<Self, CredStoreError> {
        Self::open_named(path, neks, &SeenVersions::default()).await
    }

    /// The same, unless the store has gone back behind a version of it that is among `seen`, which all that is read of it
    /// from now on goes into.
    ///
    /// # Errors
    /// As [`CredStore::open`]; [`CredStoreError::StoreTampered`] also for an older copy.
    pub async fn open_remembering(
        path: &Path,
        neks: &NekDir,
        seen: &SeenVersions,
    ) -> Result<Self, CredStoreError> {
        let store = Self::open_named(path, neks, seen).await?;
        // The line by which it was opened may have been read before another reader saw a later one.
        store.version().await?;
        Ok(store)
    }

    async fn open_named(
        path: &Path,
        neks: &NekDir,
        seen: &SeenVersions,
    ) -> Result<Self, CredStoreError> {
        let (backend, header) = open_file(path).await?;
        let fingerprint = fingerprint_of(&header).ok_or_else(|| altered(path))?;
        let nek = neks
            .find(fingerprint)
            .map_err(|source| CredStoreError::NekMissing {
                path: path.to_owned(),
                source,
            })?;
        Self::verified(path, backend, &header, &nek, seen)
    }

    /// Opens the store at `path` with this NEK.
    ///
    /// # Errors
    /// As [`CredStore::open`], and [`CredStoreError::WrongNek`] when the store was made with another.
    pub async fn open_with(path: &Path, nek: &Nek) -> Result<Self, CredStoreError> {
        let (backend, header) = open_file(path).await?;
        let needed = fingerprint_of(&header).ok_or_else(|| altered(path))?;
        if needed != nek.fingerprint() {
            return Err(CredStoreError::WrongNek {
                path: path.to_owned(),
                nek: nek.name().clone(),
                given: nek.fingerprint(),
                needed,
            });
        }
        Self::verified(path, backend, &header, nek, &SeenVersions::default())
    }

    fn verified(
        path: &Path,
        backend: Sqlite,
        header: &HeaderRow,
        nek: &Nek,
        seen: &SeenVersions,
    ) -> Result<Self, CredStoreError> {
        let keys = line_keys(nek, header.store_id.clone());
        // Nothing is remembered of a store that is not believed.
        Header::verify(header, nek.fingerprint(), &keys, 0)
            .map_err(|fault| store_tampered(path, fault))?;
        let store = Self(Arc::new(Inner {
            path: path.to_owned(),
            backend,
            fingerprint: nek.fingerprint(),
            keys,
            seen: seen.of(&header.store_id),
        }));
        store.believe(header, 0)?;
        Ok(store)
    }
}

async fn open_file(path: &Path) -> Result<(Sqlite, HeaderRow), CredStoreError> {
    usable(path)?;
    let failed = |source| CredStoreError::backend(path.to_owned(), source);
    let backend = Sqlite::open(path)
        .await
        .map_err(|error| CredStoreError::open(path.to_owned(), error))?;
    let header = backend
        .read()
        .await
        .map_err(failed)?
        .header()
        .await
        .map_err(failed)?;
    let header = header.ok_or_else(|| store_tampered(path, HeaderFault::Missing))?;
    Ok((backend, header))
}

/// Asks the file system, without opening it, whether `path` may be a store: a file that only its owner can read.
pub(crate) fn usable(path: &Path) -> Result<fs::Metadata, CredStoreError> {
    let metadata = fs::metadata(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => CredStoreError::Missing {
            path: path.to_owned(),
        },
        _ => CredStoreError::Io {
            path: path.to_owned(),
            source,
        },
    })?;
    if let Some(mode) = Audience::Owner.refuses(&metadata) {
        return Err(CredStoreError::Permissions {
            path: path.to_owned(),
            mode,
        });
    }
    // SQLite would take an empty file for an empty database; a directory is none.
    if !metadata.is_file() || metadata.len() == 0 {
        return Err(CredStoreError::NotAStore {
            path: path.to_owned(),
        });
    }
    Ok(metadata)
}

fn line_keys(nek: &Nek, store_id: Vec<u8>) -> LineKeys {
    let purpose = |label: &str| nek.derive(&Transcript::new(label).bytes(&store_id));
    LineKeys {
        seal: SealKey::new(purpose("smtp-edge store seal")),
        mac: MacKey::new(purpose("smtp-edge store MAC")),
        store_id,
    }
}

fn fingerprint_of(header: &HeaderRow) -> Option<Fingerprint> {
    Fingerprint::from_bytes(&header.nek_fingerprint)
}

fn altered(path: &Path) -> CredStoreError {
    store_tampered(path, HeaderFault::Altered)
}

const STORE_ID_LENGTH: usize = 16;
