//! The store: what is kept, for whom, and what must hold before it is believed.
//!
//! Every read is one snapshot: header and line of the same moment. Every change is one transaction of line, manifest and
//! header, on stable storage when the call returns. The lines themselves are [`crate::backend`]'s. Here are the keys;
//! [`crate::users`] does the same for users.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use common_config::name::KeyName;

use crate::backend::sqlite::{Access, Sqlite};
use crate::backend::{BackendError, BackendFailure, HeaderRow};
use crate::error::{CredStoreError, HeaderFault, RowFault};
use crate::header::Header;
use crate::lifecycle::{KeyEvent, KeyState, transition};
use crate::nek::Fingerprint;
use crate::record::{LineKeys, NewKey, StoredKey};
use crate::secret::Secret;

/// An open store of signing keys and users. Clones share it; so may tasks and threads. Several processes may have it open.
#[derive(Clone)]
pub struct CredStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) path: PathBuf,
    pub(crate) backend: Sqlite,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) keys: LineKeys,
    /// The latest version that was seen: no later read may find an earlier one.
    pub(crate) seen: AtomicI64,
}

impl CredStore {
    /// Where the store is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The fingerprint of the NEK under which the store is sealed.
    #[must_use]
    pub fn nek_fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// The store's version: it grows by one with every change, so that a reader can tell whether anything changed.
    ///
    /// # Errors
    /// [`CredStoreError::StoreTampered`], and what the database says.
    pub async fn version(&self) -> Result<u64, CredStoreError> {
        let (_, header) = self.read().await?;
        Ok(header.version.cast_unsigned())
    }

    /// Puts a key into the store, active, created `now`.
    ///
    /// # Errors
    /// [`CredStoreError::Exists`] when there is one of that name; otherwise what failed. Nothing is stored then.
    pub async fn insert(&self, new: NewKey, now: SystemTime) -> Result<StoredKey, CredStoreError> {
        let (mut access, mut header) = self.write().await?;
        if header.manifest.version(&new.name).is_some() {
            return Err(CredStoreError::Exists { name: new.name });
        }
        header.version += 1;
        let row = self
            .0
            .keys
            .line(&new, now, header.version)
            .map_err(CredStoreError::Seal)?;
        header.manifest.set(new.name.clone(), header.version);
        access
            .put_key(&row)
            .await
            .map_err(|source| self.failed(source))?;
        let listed = Some(header.version);
        self.commit(access, header).await?;
        let key = self.0.keys.verify(&new.name, &row, listed);
        key.map_err(|fault| tampered(&new.name, fault))
    }

    /// The key called `name`.
    ///
    /// # Errors
    /// [`CredStoreError::NotFound`]; [`CredStoreError::Tampered`] when its line is not the one that was written last.
    pub async fn key(&self, name: &KeyName) -> Result<StoredKey, CredStoreError> {
        let (mut access, header) = self.read().await?;
        self.line(&mut access, &header, name).await
    }

    /// The keys called `names`, all of one moment, each with what is wrong with it if something is.
    ///
    /// # Errors
    /// [`CredStoreError::StoreTampered`] and what the database says; nothing is known of any key then.
    pub async fn keys_named<'a>(
        &self,
        names: impl IntoIterator<Item = &'a KeyName>,
    ) -> Result<Vec<(KeyName, Result<StoredKey, CredStoreError>)>, CredStoreError> {
        let (mut access, header) = self.read().await?;
        let mut keys = Vec::new();
        for name in names {
            let key = match self.line(&mut access, &header, name).await {
                Err(error) if !error.is_of_one_line() => return Err(error),
                key => key,
            };
            keys.push((name.clone(), key));
        }
        Ok(keys)
    }

    /// Every key, in the order of their domains and selectors.
    ///
    /// # Errors
    /// The first [`CredStoreError::Tampered`]; [`CredStore::inspect`] tells the good from the bad.
    pub async fn keys(&self) -> Result<Vec<StoredKey>, CredStoreError> {
        self.inspect()
            .await?
            .into_iter()
            .map(|(_, key)| key)
            .collect()
    }

    /// Every key by name, each with what is wrong with it if something is: so that one bad line hides no other.
    ///
    /// # Errors
    /// [`CredStoreError::StoreTampered`] and what the database says; nothing is known of any key then.
    pub async fn inspect(
        &self,
    ) -> Result<Vec<(Box<str>, Result<StoredKey, CredStoreError>)>, CredStoreError> {
        let (mut access, header) = self.read().await?;
        let mut keys = Vec::new();
        for name in header.manifest.names() {
            let key = match self.line(&mut access, &header, name).await {
                Err(error) if !error.is_of_one_line() => return Err(error),
                key => key,
            };
            keys.push((name.to_string().into(), key));
        }
        for (domain, selector) in access.names().await.map_err(|source| self.failed(source))? {
            let row = format!("{selector}._domainkey.{domain}");
            let listed = row
                .parse()
                .is_ok_and(|name| header.manifest.version(&name).is_some());
            if !listed {
                let row: Box<str> = row.into();
                let fault = RowFault::Unlisted;
                keys.push((row.clone(), Err(CredStoreError::Tampered { row, fault })));
            }
        }
        Ok(keys)
    }

    /// Opens the private key of `key`.
    ///
    /// # Errors
    /// [`CredStoreError::Revoked`]: a revoked key signs nothing. [`CredStoreError::Unseal`] when the sealed bytes are
    /// not the key's.
    pub fn unseal(&self, key: &StoredKey) -> Result<Secret, CredStoreError> {
        match key.state() {
            KeyState::Active => {}
            KeyState::Revoked { .. } => {
                let name = key.name().clone();
                return Err(CredStoreError::Revoked { name });
            }
        }
        self.0
            .keys
            .unseal(key)
            .map_err(|source| CredStoreError::Unseal {
                name: key.name().clone(),
                source,
            })
    }

    /// Takes the key called `name` out of use for good, from `now` on.
    ///
    /// # Errors
    /// [`CredStoreError::NotFound`], [`CredStoreError::Lifecycle`] when it is revoked already, and what else failed;
    /// nothing is changed then.
    pub async fn revoke(
        &self,
        name: &KeyName,
        now: SystemTime,
    ) -> Result<StoredKey, CredStoreError> {
        let (mut access, mut header) = self.write().await?;
        let key = self.line(&mut access, &header, name).await?;
        let state = transition(key.state(), KeyEvent::Revoke { at: now }).map_err(|source| {
            let name = name.clone();
            CredStoreError::Lifecycle { name, source }
        })?;
        let row = access
            .key(name.domain().as_str(), name.selector().as_str())
            .await;
        let row = row.map_err(|source| self.failed(source))?;
        let row = row.ok_or_else(|| tampered(name, RowFault::Missing))?;
        header.version += 1;
        let row = self.0.keys.with_state(row, state, header.version);
        header.manifest.set(name.clone(), header.version);
        access
            .put_key(&row)
            .await
            .map_err(|source| self.failed(source))?;
        let listed = Some(header.version);
        self.commit(access, header).await?;
        let key = self.0.keys.verify(name, &row, listed);
        key.map_err(|fault| tampered(name, fault))
    }

    /// Removes the key called `name`; its private key is gone for good. A line that was tampered with can be removed.
    ///
    /// # Errors
    /// [`CredStoreError::NotFound`], and what else failed; nothing is changed then.
    pub async fn delete(&self, name: &KeyName) -> Result<(), CredStoreError> {
        let (mut access, mut header) = self.write().await?;
        let (domain, selector) = (name.domain().as_str(), name.selector().as_str());
        let listed = header.manifest.version(name).is_some();
        let present = match access.key(domain, selector).await {
            Ok(row) => row.is_some(),
            Err(error) if error.failure() == BackendFailure::Malformed => true,
            Err(error) => return Err(self.failed(error)),
        };
        if !listed && !present {
            return Err(CredStoreError::NotFound { name: name.clone() });
        }
        access
            .delete_key(domain, selector)
            .await
            .map_err(|source| self.failed(source))?;
        header.manifest.remove(name);
        header.version += 1;
        self.commit(access, header).await
    }

    /// The verified line of one key, within the snapshot or change that `access` is.
    async fn line(
        &self,
        access: &mut Access,
        header: &Header,
        name: &KeyName,
    ) -> Result<StoredKey, CredStoreError> {
        let listed = header.manifest.version(name);
        let row = match access
            .key(name.domain().as_str(), name.selector().as_str())
            .await
        {
            Ok(row) => row,
            Err(error) if error.failure() == BackendFailure::Malformed => {
                return Err(tampered(name, RowFault::Altered));
            }
            Err(error) => return Err(self.failed(error)),
        };
        match (row, listed) {
            (Some(row), listed) => {
                let key = self.0.keys.verify(name, &row, listed);
                key.map_err(|fault| tampered(name, fault))
            }
            (None, Some(_)) => Err(tampered(name, RowFault::Missing)),
            (None, None) => Err(CredStoreError::NotFound { name: name.clone() }),
        }
    }

    pub(crate) async fn read(&self) -> Result<(Access, Header), CredStoreError> {
        // Taken before the snapshot begins: a version that was seen before it must be in it.
        let floor = self.0.seen.load(Ordering::SeqCst);
        let access = self.0.backend.read().await;
        self.begun(access, floor).await
    }

    pub(crate) async fn write(&self) -> Result<(Access, Header), CredStoreError> {
        let floor = self.0.seen.load(Ordering::SeqCst);
        let access = self.0.backend.write().await;
        self.begun(access, floor).await
    }

    async fn begun(
        &self,
        access: Result<Access, BackendError>,
        floor: i64,
    ) -> Result<(Access, Header), CredStoreError> {
        let mut access = access.map_err(|source| self.failed(source))?;
        let header = access
            .header()
            .await
            .map_err(|source| self.failed(source))?;
        let header = header.ok_or_else(|| store_tampered(&self.0.path, HeaderFault::Missing))?;
        let header = self.believe(&header, floor)?;
        Ok((access, header))
    }

    /// Believes a header: it is the store's own, and the store did not go back behind `floor`.
    pub(crate) fn believe(&self, row: &HeaderRow, floor: i64) -> Result<Header, CredStoreError> {
        let header = Header::verify(row, self.0.fingerprint, &self.0.keys, floor)
            .map_err(|fault| store_tampered(&self.0.path, fault))?;
        self.0.seen.fetch_max(header.version, Ordering::SeqCst);
        Ok(header)
    }

    pub(crate) async fn commit(
        &self,
        mut access: Access,
        header: Header,
    ) -> Result<(), CredStoreError> {
        let row = header.seal(self.0.fingerprint, &self.0.keys);
        access
            .put_header(&row)
            .await
            .map_err(|source| self.failed(source))?;
        access
            .commit()
            .await
            .map_err(|source| self.failed(source))?;
        self.0.seen.fetch_max(row.version, Ordering::SeqCst);
        Ok(())
    }

    pub(crate) fn failed(&self, source: BackendError) -> CredStoreError {
        CredStoreError::backend(self.0.path.clone(), source)
    }
}

impl fmt::Debug for CredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredStore")
            .field("path", &self.0.path)
            .field("nek_fingerprint", &self.0.fingerprint)
            .finish_non_exhaustive()
    }
}

pub(crate) fn store_tampered(path: &Path, fault: HeaderFault) -> CredStoreError {
    let path = path.to_owned();
    CredStoreError::StoreTampered { path, fault }
}

fn tampered(name: &KeyName, fault: RowFault) -> CredStoreError {
    let row = name.to_string().into();
    CredStoreError::Tampered { row, fault }
}
