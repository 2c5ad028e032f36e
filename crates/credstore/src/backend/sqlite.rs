//! One SQLite file.
//!
//! The journal is a rollback journal (`DELETE`), not a write-ahead log: the store is one file with one mode, copied
//! whole while nobody writes; readers wait some milliseconds for a writer, which an administrator's command is.
//! `synchronous=FULL`: what was reported as done survives a power loss. `secure_delete`: a deleted key's sealed bytes
//! are overwritten in the file.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row as _, SqlSafeStr as _, Sqlite as Database, SqliteConnection, Transaction};

use super::{BackendError, BackendFailure, HeaderRow, KeyRow, UserRow};

/// A store's file, open.
#[derive(Debug)]
pub(crate) struct Sqlite {
    pool: SqlitePool,
}

/// Why the file could not be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// A database of something else.
    Foreign,
    /// A store that a later version of this crate wrote.
    Newer,
    /// The database failed.
    Backend(BackendError),
}

impl<E: Into<BackendError>> From<E> for OpenError {
    fn from(error: E) -> Self {
        Self::Backend(error.into())
    }
}

impl Sqlite {
    /// Opens an existing file; an empty one becomes a store without lines.
    pub(crate) async fn open(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("secure_delete", "ON");
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options)
            .await?;
        let backend = Self { pool };
        backend.migrate().await?;
        Ok(backend)
    }

    /// Closes every connection, so that the file is at rest.
    pub(crate) async fn close(self) {
        self.pool.close().await;
    }

    /// A consistent view for reading; dropping it ends it.
    pub(crate) async fn read(&self) -> Result<Access, BackendError> {
        Ok(Access(self.pool.begin().await?))
    }

    /// The one writer: others wait from the beginning, so that nobody has to give up a change half way.
    pub(crate) async fn write(&self) -> Result<Access, BackendError> {
        Ok(Access(self.pool.begin_with("BEGIN IMMEDIATE").await?))
    }

    /// A connection of its own that tells whether another one has written.
    pub(crate) async fn change_counter(&self) -> Result<ChangeCounter, BackendError> {
        // Detached: the counter's values can only be compared on one and the same connection.
        Ok(ChangeCounter(self.pool.acquire().await?.detach()))
    }

    async fn migrate(&self) -> Result<(), OpenError> {
        let mut connection = self.pool.acquire().await?;
        let application: i64 = sqlx::query_scalar("PRAGMA application_id")
            .fetch_one(&mut *connection)
            .await?;
        if application == 0 {
            // SQLite sets no identity by itself: this is a fresh file, or somebody else's.
            let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
                .fetch_one(&mut *connection)
                .await?;
            if tables > 0 {
                return Err(OpenError::Foreign);
            }
            sqlx::query(SET_APPLICATION_ID)
                .execute(&mut *connection)
                .await?;
        } else if application != APPLICATION_ID {
            return Err(OpenError::Foreign);
        }
        let migrator = migrator();
        // Asked first, since running the migrations takes the writer's lock even when there is nothing to do.
        let applied = match connection.list_applied_migrations("_sqlx_migrations").await {
            Ok(applied) => applied.len(),
            Err(_) => 0,
        };
        if applied == migrator.iter().count() {
            return Ok(());
        }
        migrator.run(&self.pool).await.map_err(|error| match error {
            MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => OpenError::Newer,
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                OpenError::from(error)
            }
            other => OpenError::from(sqlx::Error::from(other)),
        })
    }
}

/// A transaction: a view, and for the writer the changes that [`Access::commit`] makes last.
pub(crate) struct Access(Transaction<'static, Database>);

impl Access {
    /// The store's own line, if there is one.
    pub(crate) async fn header(&mut self) -> Result<Option<HeaderRow>, BackendError> {
        let row = sqlx::query(
            "SELECT store_id, nek_fingerprint, version, manifest, mac FROM store WHERE id = 1",
        )
        .fetch_optional(&mut *self.0)
        .await?;
        row.as_ref()
            .map(header_row)
            .transpose()
            .map_err(BackendError::from)
    }

    pub(crate) async fn put_header(&mut self, header: &HeaderRow) -> Result<(), BackendError> {
        sqlx::query(
            "INSERT OR REPLACE INTO store (id, store_id, nek_fingerprint, version, manifest, mac)
             VALUES (1, ?, ?, ?, ?, ?)",
        )
        .bind(&header.store_id)
        .bind(&header.nek_fingerprint)
        .bind(header.version)
        .bind(&header.manifest)
        .bind(&header.mac)
        .execute(&mut *self.0)
        .await?;
        Ok(())
    }

    /// The line of one key. A line whose columns cannot be read is a failure of its own.
    pub(crate) async fn key(
        &mut self,
        domain: &str,
        selector: &str,
    ) -> Result<Option<KeyRow>, BackendError> {
        let row = sqlx::query("SELECT * FROM dkim_key WHERE domain = ? AND selector = ?")
            .bind(domain)
            .bind(selector)
            .fetch_optional(&mut *self.0)
            .await?;
        row.as_ref()
            .map(key_row)
            .transpose()
            .map_err(BackendError::from)
    }

    /// The names of every line, in order: domain, selector.
    pub(crate) async fn names(&mut self) -> Result<Vec<(String, String)>, BackendError> {
        let rows = sqlx::query("SELECT domain, selector FROM dkim_key ORDER BY domain, selector")
            .fetch_all(&mut *self.0)
            .await?;
        let names = rows
            .iter()
            .map(|row| Ok((row.try_get("domain")?, row.try_get("selector")?)));
        names
            .collect::<Result<_, sqlx::Error>>()
            .map_err(BackendError::from)
    }

    pub(crate) async fn put_key(&mut self, key: &KeyRow) -> Result<(), BackendError> {
        sqlx::query(
            "INSERT OR REPLACE INTO dkim_key
             (domain, selector, generation, algorithm, state, created_at, revoked_at, record, sealed, version, mac)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&key.domain)
        .bind(&key.selector)
        .bind(key.generation)
        .bind(&key.algorithm)
        .bind(&key.state)
        .bind(key.created_at)
        .bind(key.revoked_at)
        .bind(&key.record)
        .bind(&key.sealed)
        .bind(key.version)
        .bind(&key.mac)
        .execute(&mut *self.0)
        .await?;
        Ok(())
    }

    pub(crate) async fn delete_key(
        &mut self,
        domain: &str,
        selector: &str,
    ) -> Result<(), BackendError> {
        sqlx::query("DELETE FROM dkim_key WHERE domain = ? AND selector = ?")
            .bind(domain)
            .bind(selector)
            .execute(&mut *self.0)
            .await?;
        Ok(())
    }

    /// The line of one user. A line whose columns cannot be read is a failure of its own.
    pub(crate) async fn user(&mut self, name: &str) -> Result<Option<UserRow>, BackendError> {
        let row = sqlx::query("SELECT * FROM smtp_user WHERE name = ?")
            .bind(name)
            .fetch_optional(&mut *self.0)
            .await?;
        row.as_ref()
            .map(user_row)
            .transpose()
            .map_err(BackendError::from)
    }

    /// The names of every user's line, in order.
    pub(crate) async fn user_names(&mut self) -> Result<Vec<String>, BackendError> {
        let names = sqlx::query_scalar("SELECT name FROM smtp_user ORDER BY name");
        Ok(names.fetch_all(&mut *self.0).await?)
    }

    pub(crate) async fn put_user(&mut self, user: &UserRow) -> Result<(), BackendError> {
        sqlx::query(
            "INSERT OR REPLACE INTO smtp_user (name, created_at, changed_at, sealed, version, mac)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&user.name)
        .bind(user.created_at)
        .bind(user.changed_at)
        .bind(&user.sealed)
        .bind(user.version)
        .bind(&user.mac)
        .execute(&mut *self.0)
        .await?;
        Ok(())
    }

    pub(crate) async fn delete_user(&mut self, name: &str) -> Result<(), BackendError> {
        sqlx::query("DELETE FROM smtp_user WHERE name = ?")
            .bind(name)
            .execute(&mut *self.0)
            .await?;
        Ok(())
    }

    /// Makes the changes last: on stable storage when this returns.
    pub(crate) async fn commit(self) -> Result<(), BackendError> {
        Ok(self.0.commit().await?)
    }
}

/// Counts the changes that other connections made, in this process or another.
#[derive(Debug)]
pub(crate) struct ChangeCounter(SqliteConnection);

impl ChangeCounter {
    /// A number that differs from the last one if something was written in between.
    pub(crate) async fn read(&mut self) -> Result<i64, BackendError> {
        let count = sqlx::query_scalar("PRAGMA data_version");
        Ok(count.fetch_one(&mut self.0).await?)
    }
}

/// The kind of failure that a SQLite result code names; its low octet is the primary code.
pub(crate) fn failure(code: u32) -> BackendFailure {
    match code & 0xff {
        5 | 6 => BackendFailure::Busy, // SQLITE_BUSY, SQLITE_LOCKED
        8 | 10 | 13 | 14 | 23 => BackendFailure::Io, // READONLY, IOERR, FULL, CANTOPEN, AUTH
        11 | 26 => BackendFailure::NotADatabase, // CORRUPT, NOTADB
        _ => BackendFailure::Other,
    }
}

fn header_row(row: &SqliteRow) -> Result<HeaderRow, sqlx::Error> {
    Ok(HeaderRow {
        store_id: row.try_get("store_id")?,
        nek_fingerprint: row.try_get("nek_fingerprint")?,
        version: row.try_get("version")?,
        manifest: row.try_get("manifest")?,
        mac: row.try_get("mac")?,
    })
}

fn key_row(row: &SqliteRow) -> Result<KeyRow, sqlx::Error> {
    Ok(KeyRow {
        domain: row.try_get("domain")?,
        selector: row.try_get("selector")?,
        generation: row.try_get("generation")?,
        algorithm: row.try_get("algorithm")?,
        state: row.try_get("state")?,
        created_at: row.try_get("created_at")?,
        revoked_at: row.try_get("revoked_at")?,
        record: row.try_get("record")?,
        sealed: row.try_get("sealed")?,
        version: row.try_get("version")?,
        mac: row.try_get("mac")?,
    })
}

fn user_row(row: &SqliteRow) -> Result<UserRow, sqlx::Error> {
    Ok(UserRow {
        name: row.try_get("name")?,
        created_at: row.try_get("created_at")?,
        changed_at: row.try_get("changed_at")?,
        sealed: row.try_get("sealed")?,
        version: row.try_get("version")?,
        mac: row.try_get("mac")?,
    })
}

fn migrator() -> Migrator {
    let steps = [
        (1, "keys", include_str!("../../migrations/0001_keys.sql")),
        (2, "users", include_str!("../../migrations/0002_users.sql")),
    ];
    let steps = steps.map(|(version, description, sql)| {
        let kind = MigrationType::Simple;
        Migration::new(
            version,
            Cow::Borrowed(description),
            kind,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(steps.into())
}

/// How long a reader or writer waits for another before it reports that the store is busy.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Readers at once in one process.
const CONNECTIONS: u32 = 4;

/// "DKIM": what makes a SQLite file a store of ours.
const APPLICATION_ID: i64 = 0x444B_494D;
const SET_APPLICATION_ID: &str = "PRAGMA application_id = 1145784653";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_sets_the_identity_that_is_asked_for() {
        assert!(SET_APPLICATION_ID.ends_with(&format!(" {APPLICATION_ID}")));
    }

    #[test]
    fn result_codes() {
        let check =
            |code: u32, expected: BackendFailure| assert_eq!(failure(code), expected, "{code}");
        check(5, BackendFailure::Busy);
        check(517, BackendFailure::Busy); // SQLITE_BUSY_SNAPSHOT
        check(6, BackendFailure::Busy);
        check(13, BackendFailure::Io);
        check(26, BackendFailure::NotADatabase);
        check(1, BackendFailure::Other);
    }
}
