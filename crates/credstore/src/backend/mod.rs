//! Where the lines of a store are kept. A backend knows no keys: it moves sealed bytes and MACs in transactions, and
//! the store above it decides what they are worth.

pub(crate) mod sqlite;

use thiserror::Error;

/// The store's own line, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderRow {
    pub(crate) store_id: Vec<u8>,
    pub(crate) nek_fingerprint: Vec<u8>,
    pub(crate) version: i64,
    pub(crate) manifest: Vec<u8>,
    pub(crate) mac: Vec<u8>,
}

/// The line of one key, as it was found: nothing in it is believed before its MAC was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRow {
    pub(crate) domain: String,
    pub(crate) selector: String,
    pub(crate) generation: i64,
    pub(crate) algorithm: String,
    pub(crate) state: String,
    pub(crate) created_at: i64,
    pub(crate) revoked_at: i64,
    pub(crate) record: String,
    pub(crate) sealed: Vec<u8>,
    pub(crate) version: i64,
    pub(crate) mac: Vec<u8>,
}

/// The line of one user, as it was found: nothing in it is believed before its MAC was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserRow {
    pub(crate) name: String,
    pub(crate) created_at: i64,
    pub(crate) changed_at: i64,
    pub(crate) sealed: Vec<u8>,
    pub(crate) version: i64,
    pub(crate) mac: Vec<u8>,
}

/// What the database said when it failed.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct BackendError(sqlx::Error);

impl From<sqlx::Error> for BackendError {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

/// What kind of failure it was, as far as the store above must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackendFailure {
    /// Another process or task holds the database; it works again in a moment.
    Busy,
    /// The disk or the file system refused, or is full.
    Io,
    /// The file is no database, or a damaged one.
    NotADatabase,
    /// A column holds what its type does not allow.
    Malformed,
    /// Anything else.
    Other,
}

impl BackendError {
    pub(crate) fn failure(&self) -> BackendFailure {
        match &self.0 {
            sqlx::Error::PoolTimedOut => BackendFailure::Busy,
            sqlx::Error::Io(_) => BackendFailure::Io,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => BackendFailure::Malformed,
            sqlx::Error::Database(error) => {
                let code: Option<u32> = error.code().and_then(|code| code.parse().ok());
                sqlite::failure(code.unwrap_or_default())
            }
            _ => BackendFailure::Other,
        }
    }
}
