//! The store's users: who may authenticate, each with the verifier of a password. Their lines are kept as the keys' are: in one
//! transaction with manifest and header, believed only when they are whole and current.

use std::time::SystemTime;

use common_config::user_name::UserName;

use crate::backend::BackendFailure;
use crate::backend::sqlite::Access;
use crate::error::{CredStoreError, RowFault};
use crate::header::Header;
use crate::scram::ScramVerifier;
use crate::store::CredStore;
use crate::user_line::StoredUser;

impl CredStore {
    /// Adds a user, `now`.
    ///
    /// # Errors
    /// [`CredStoreError::UserExists`] when there is one of that name; otherwise what failed. Nothing is stored then.
    pub async fn add_user(
        &self,
        name: &UserName,
        verifier: &ScramVerifier,
        now: SystemTime,
    ) -> Result<StoredUser, CredStoreError> {
        let (access, header) = self.write().await?;
        if header.manifest.user_version(name).is_some() {
            return Err(CredStoreError::UserExists { name: name.clone() });
        }
        self.put_user(access, header, name, verifier, now, now)
            .await
    }

    /// Gives the user called `name` another password, `now`.
    ///
    /// # Errors
    /// [`CredStoreError::NoUser`], [`CredStoreError::UserTampered`], and what else failed; nothing is changed then.
    pub async fn set_password(
        &self,
        name: &UserName,
        verifier: &ScramVerifier,
        now: SystemTime,
    ) -> Result<StoredUser, CredStoreError> {
        let (mut access, header) = self.write().await?;
        let user = self.user_line(&mut access, &header, name).await?;
        self.put_user(access, header, name, verifier, user.created(), now)
            .await
    }

    /// The user called `name`.
    ///
    /// # Errors
    /// [`CredStoreError::NoUser`]; [`CredStoreError::UserTampered`] when the line is not the one that was written last.
    pub async fn user(&self, name: &UserName) -> Result<StoredUser, CredStoreError> {
        let (mut access, header) = self.read().await?;
        self.user_line(&mut access, &header, name).await
    }

    /// Every user, in the order of their names.
    ///
    /// # Errors
    /// The first [`CredStoreError::UserTampered`]; [`CredStore::inspect_users`] tells the good from the bad.
    pub async fn users(&self) -> Result<Vec<StoredUser>, CredStoreError> {
        let users = self.inspect_users().await?;
        users.into_iter().map(|(_, user)| user).collect()
    }

    /// Every user by name, all of one moment, each with what is wrong with their line if something is: so that one bad
    /// line hides no other.
    ///
    /// # Errors
    /// [`CredStoreError::StoreTampered`] and what the database says; nothing is known of any user then.
    pub async fn inspect_users(
        &self,
    ) -> Result<Vec<(Box<str>, Result<StoredUser, CredStoreError>)>, CredStoreError> {
        let (mut access, header) = self.read().await?;
        let mut users = Vec::new();
        for name in header.manifest.users() {
            let user = match self.user_line(&mut access, &header, name).await {
                Err(error) if !error.is_of_one_line() => return Err(error),
                user => user,
            };
            users.push((name.as_str().into(), user));
        }
        let rows = access.user_names().await;
        for row in rows.map_err(|source| self.failed(source))? {
            let name: Option<UserName> = row
                .parse()
                .ok()
                .filter(|name: &UserName| name.as_str() == row);
            if name.is_none_or(|name| header.manifest.user_version(&name).is_none()) {
                let row: Box<str> = row.into();
                let error = tampered(&row, RowFault::Unlisted);
                users.push((row, Err(error)));
            }
        }
        Ok(users)
    }

    /// Opens the verifier of `user`.
    ///
    /// # Errors
    /// [`CredStoreError::UnsealUser`] when the sealed bytes are not the user's.
    pub fn verifier(&self, user: &StoredUser) -> Result<ScramVerifier, CredStoreError> {
        let verifier = self.0.keys.unseal_verifier(user);
        verifier.map_err(|source| CredStoreError::UnsealUser {
            name: user.name().clone(),
            source,
        })
    }

    /// Removes the user called `name`. A line that was tampered with can be removed.
    ///
    /// # Errors
    /// [`CredStoreError::NoUser`], and what else failed; nothing is changed then.
    pub async fn delete_user(&self, name: &UserName) -> Result<(), CredStoreError> {
        let (mut access, mut header) = self.write().await?;
        let listed = header.manifest.user_version(name).is_some();
        let present = match access.user(name.as_str()).await {
            Ok(row) => row.is_some(),
            Err(error) if error.failure() == BackendFailure::Malformed => true,
            Err(error) => return Err(self.failed(error)),
        };
        if !listed && !present {
            return Err(CredStoreError::NoUser { name: name.clone() });
        }
        let deleted = access.delete_user(name.as_str()).await;
        deleted.map_err(|source| self.failed(source))?;
        header.manifest.remove_user(name);
        header.version += 1;
        self.commit(access, header).await
    }

    /// Writes the line of a user and all that goes with it.
    async fn put_user(
        &self,
        mut access: Access,
        mut header: Header,
        name: &UserName,
        verifier: &ScramVerifier,
        created: SystemTime,
        now: SystemTime,
    ) -> Result<StoredUser, CredStoreError> {
        header.version += 1;
        let keys = &self.0.keys;
        let row = keys.user_line(name, verifier, created, now, header.version);
        let row = row.map_err(CredStoreError::Seal)?;
        header.manifest.set_user(name.clone(), header.version);
        let put = access.put_user(&row).await;
        put.map_err(|source| self.failed(source))?;
        let listed = Some(header.version);
        self.commit(access, header).await?;
        let user = keys.verify_user(name, &row, listed);
        user.map_err(|fault| tampered(name.as_str(), fault))
    }

    /// The verified line of one user, within the snapshot or change that `access` is.
    async fn user_line(
        &self,
        access: &mut Access,
        header: &Header,
        name: &UserName,
    ) -> Result<StoredUser, CredStoreError> {
        let listed = header.manifest.user_version(name);
        let row = match access.user(name.as_str()).await {
            Ok(row) => row,
            Err(error) if error.failure() == BackendFailure::Malformed => {
                return Err(tampered(name.as_str(), RowFault::Altered));
            }
            Err(error) => return Err(self.failed(error)),
        };
        match (row, listed) {
            (Some(row), listed) => {
                let user = self.0.keys.verify_user(name, &row, listed);
                user.map_err(|fault| tampered(name.as_str(), fault))
            }
            (None, Some(_)) => Err(tampered(name.as_str(), RowFault::Missing)),
            (None, None) => Err(CredStoreError::NoUser { name: name.clone() }),
        }
    }
}

fn tampered(name: &str, fault: RowFault) -> CredStoreError {
    let name = name.into();
    CredStoreError::UserTampered { name, fault }
}
