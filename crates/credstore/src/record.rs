//! The line of one key: what is in it, its MAC, and what its sealed secret is bound to.

use std::time::{Duration, SystemTime};

use common_config::name::KeyName;

use crate::algorithm::KeyAlgorithm;
use crate::backend::KeyRow;
use crate::error::RowFault;
use crate::lifecycle::KeyState;
use crate::seal::{SealError, SealKey};
use crate::secret::Secret;
use crate::transcript::{MacKey, Transcript};

/// A key to be stored.
#[derive(Debug)]
pub struct NewKey {
    /// Where its public record is found in the DNS.
    pub name: KeyName,
    /// What kind it is.
    pub algorithm: KeyAlgorithm,
    /// The private key, as the caller wants it back: PKCS #8 (RFC 5958) by custom; the store does not look into it.
    pub pkcs8: Secret,
    /// The value of the public TXT record.
    pub record: String,
}

/// A key as the store holds it, found whole and current. The private key in it is sealed still.
#[derive(Clone, Debug)]
pub struct StoredKey {
    name: KeyName,
    algorithm: KeyAlgorithm,
    state: KeyState,
    created: SystemTime,
    record: String,
    generation: u64,
    version: u64,
    sealed: Vec<u8>,
}

impl StoredKey {
    /// Where its public record is found in the DNS.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// What kind it is.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Whether it signs.
    #[must_use]
    pub fn state(&self) -> KeyState {
        self.state
    }

    /// When it was put into the store, to the second.
    #[must_use]
    pub fn created(&self) -> SystemTime {
        self.created
    }

    /// The value of its public TXT record.
    #[must_use]
    pub fn record(&self) -> &str {
        &self.record
    }

    /// Tells this key from an earlier one of the same name: the store's version when it was put in.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The store's version when this key was changed last.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// The keys that one store's lines are sealed and authenticated under, and the store's identity.
pub(crate) struct LineKeys {
    pub(crate) store_id: Vec<u8>,
    pub(crate) seal: SealKey,
    pub(crate) mac: MacKey,
}

impl LineKeys {
    /// The line of a new key, born at store version `version`.
    pub(crate) fn line(
        &self,
        new: &NewKey,
        now: SystemTime,
        version: i64,
    ) -> Result<KeyRow, SealError> {
        let mut row = KeyRow {
            domain: new.name.domain().as_str().to_owned(),
            selector: new.name.selector().as_str().to_owned(),
            generation: version,
            algorithm: new.algorithm.to_string(),
            state: ACTIVE.to_owned(),
            created_at: seconds(now),
            revoked_at: 0,
            record: new.record.clone(),
            sealed: Vec::new(),
            version,
            mac: Vec::new(),
        };
        row.sealed = self.seal.seal(&self.secret_of(&row), &new.pkcs8)?;
        row.mac = self.mac.mac(&self.whole(&row));
        Ok(row)
    }

    /// The same line in another state, changed at store version `version`.
    pub(crate) fn with_state(&self, mut row: KeyRow, state: KeyState, version: i64) -> KeyRow {
        (row.state, row.revoked_at) = match state {
            KeyState::Active => (ACTIVE.to_owned(), 0),
            KeyState::Revoked { at } => (REVOKED.to_owned(), seconds(at)),
        };
        row.version = version;
        row.mac = self.mac.mac(&self.whole(&row));
        row
    }

    /// Believes a line: its MAC is right, and it is the version that the manifest lists.
    pub(crate) fn verify(
        &self,
        name: &KeyName,
        row: &KeyRow,
        listed: Option<i64>,
    ) -> Result<StoredKey, RowFault> {
        if !self.mac.holds(&self.whole(row), &row.mac) {
            return Err(RowFault::Altered);
        }
        RowFault::of_version(row.version, listed)?;
        if (row.domain.as_str(), row.selector.as_str())
            != (name.domain().as_str(), name.selector().as_str())
        {
            return Err(RowFault::Altered);
        }
        let state = match row.state.as_str() {
            ACTIVE => KeyState::Active,
            REVOKED => KeyState::Revoked {
                at: instant(row.revoked_at).ok_or(RowFault::Unreadable)?,
            },
            _ => return Err(RowFault::Unreadable),
        };
        Ok(StoredKey {
            name: name.clone(),
            algorithm: row.algorithm.parse().map_err(|_| RowFault::Unreadable)?,
            state,
            created: instant(row.created_at).ok_or(RowFault::Unreadable)?,
            record: row.record.clone(),
            generation: row.generation.cast_unsigned(),
            version: row.version.cast_unsigned(),
            sealed: row.sealed.clone(),
        })
    }

    /// Opens the private key of a verified line.
    pub(crate) fn unseal(&self, key: &StoredKey) -> Result<Secret, SealError> {
        let about = self.about(
            key.name.domain().as_str(),
            key.name.selector().as_str(),
            &key.algorithm.to_string(),
            key.generation.cast_signed(),
        );
        self.seal.open(&about, &key.sealed)
    }

    /// What the secret of a line is bound to: not its state, which changes while the secret does not.
    fn secret_of(&self, row: &KeyRow) -> Transcript {
        self.about(&row.domain, &row.selector, &row.algorithm, row.generation)
    }

    fn about(&self, domain: &str, selector: &str, algorithm: &str, generation: i64) -> Transcript {
        Transcript::new("smtp-edge sealed key")
            .bytes(&self.store_id)
            .text("dkim")
            .text(domain)
            .text(selector)
            .text(algorithm)
            .number(generation)
    }

    /// What the MAC of a line covers: every column but the MAC.
    fn whole(&self, row: &KeyRow) -> Transcript {
        Transcript::new("smtp-edge key line")
            .bytes(&self.store_id)
            .text("dkim")
            .text(&row.domain)
            .text(&row.selector)
            .number(row.generation)
            .text(&row.algorithm)
            .text(&row.state)
            .number(row.created_at)
            .number(row.revoked_at)
            .text(&row.record)
            .bytes(&row.sealed)
            .number(row.version)
    }
}

const ACTIVE: &str = "active";
const REVOKED: &str = "revoked";

/// Whole seconds since 1970; a time before is 0, one beyond the type's end is that end.
pub(crate) fn seconds(time: SystemTime) -> i64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

pub(crate) fn instant(seconds: i64) -> Option<SystemTime> {
    let since = Duration::from_secs(u64::try_from(seconds).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}
