//! The line of one user: what is in it, its MAC, and what its sealed verifier is bound to.

use std::time::SystemTime;

use common_config::user_name::UserName;

use crate::backend::UserRow;
use crate::error::RowFault;
use crate::record::{LineKeys, instant, seconds};
use crate::scram::ScramVerifier;
use crate::seal::SealError;
use crate::transcript::Transcript;

/// A user as the store holds them, found whole and current. The verifier in it is sealed still.
#[derive(Clone, Debug)]
pub struct StoredUser {
    name: UserName,
    created: SystemTime,
    changed: SystemTime,
    version: u64,
    sealed: Vec<u8>,
}

impl StoredUser {
    /// What the user is called.
    #[must_use]
    pub fn name(&self) -> &UserName {
        &self.name
    }

    /// When the user was added, to the second.
    #[must_use]
    pub fn created(&self) -> SystemTime {
        self.created
    }

    /// When the password was set last, to the second.
    #[must_use]
    pub fn changed(&self) -> SystemTime {
        self.changed
    }

    /// The store's version when this user was changed last: another one, another password.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }
}

impl LineKeys {
    /// The line of a user whose password is set at store version `version`.
    pub(crate) fn user_line(
        &self,
        name: &UserName,
        verifier: &ScramVerifier,
        created: SystemTime,
        now: SystemTime,
        version: i64,
    ) -> Result<UserRow, SealError> {
        let sealed = self
            .seal
            .seal(&self.verifier_of(name, version), &verifier.to_secret())?;
        let mut row = UserRow {
            name: name.as_str().to_owned(),
            created_at: seconds(created),
            changed_at: seconds(now),
            sealed,
            version,
            mac: Vec::new(),
        };
        row.mac = self.mac.mac(&self.whole_user(&row));
        Ok(row)
    }

    /// Believes a line: its MAC is right, and it is the version that the manifest lists.
    pub(crate) fn verify_user(
        &self,
        name: &UserName,
        row: &UserRow,
        listed: Option<i64>,
    ) -> Result<StoredUser, RowFault> {
        if !self.mac.holds(&self.whole_user(row), &row.mac) {
            return Err(RowFault::Altered);
        }
        RowFault::of_version(row.version, listed)?;
        if row.name != name.as_str() {
            return Err(RowFault::Altered);
        }
        Ok(StoredUser {
            name: name.clone(),
            created: instant(row.created_at).ok_or(RowFault::Unreadable)?,
            changed: instant(row.changed_at).ok_or(RowFault::Unreadable)?,
            version: row.version.cast_unsigned(),
            sealed: row.sealed.clone(),
        })
    }

    /// Opens the verifier of a verified line.
    pub(crate) fn unseal_verifier(&self, user: &StoredUser) -> Result<ScramVerifier, SealError> {
        let about = self.verifier_of(&user.name, user.version.cast_signed());
        let secret = self.seal.open(&about, &user.sealed)?;
        ScramVerifier::from_secret(&secret).ok_or(SealError::Open)
    }

    /// What a verifier is bound to: it changes with every password.
    fn verifier_of(&self, name: &UserName, version: i64) -> Transcript {
        Transcript::new("smtp-edge sealed verifier")
            .bytes(&self.store_id)
            .text("scram-sha-256")
            .text(name.as_str())
            .number(version)
    }

    /// What the MAC of a line covers: every column but the MAC.
    fn whole_user(&self, row: &UserRow) -> Transcript {
        Transcript::new("smtp-edge user line")
            .bytes(&self.store_id)
            .text(&row.name)
            .number(row.created_at)
            .number(row.changed_at)
            .bytes(&row.sealed)
            .number(row.version)
    }
}
