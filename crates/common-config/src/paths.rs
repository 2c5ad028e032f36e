//! Where things are: the settings file and the data directory.

use std::path::{Component, Path, PathBuf};

/// The data directory when none is set.
pub const DEFAULT_DATA_DIR: &str = "/var/lib/smtp-edge";

/// The settings file when none is named.
pub const DEFAULT_SETTINGS: &str = "/etc/smtp-edge/smtp-edge.toml";

/// The environment variable that names another settings file.
pub const SETTINGS_VARIABLE: &str = "SMTP_EDGE_SETTINGS";

/// The environment variable in which systemd names the folder of a service's credentials.
pub const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// The settings file that the environment names, if it names one.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub fn settings_from_environment() -> Option<PathBuf> {
    std::env::var_os(SETTINGS_VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// The folder of the credentials that systemd gave this service, if it gave any.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub fn credentials_directory() -> Option<PathBuf> {
    std::env::var_os(CREDENTIALS_VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// The folder that holds the credential store, the NEKs, the spool and what is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// This folder. It need not exist yet.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of the NEKs.
    pub fn nek_dir(&self) -> PathBuf {
        self.0.join("nek")
    }

    /// The credential store's file.
    pub fn credstore(&self) -> PathBuf {
        self.0.join("credstore.db")
    }

    /// The folder of the spool.
    pub fn spool(&self) -> PathBuf {
        self.0.join("spool")
    }

    /// Where a file that a user named is written: a base name, straight in the folder.
    ///
    /// # Errors
    ///
    /// [`FileNameError::NotABaseName`] for anything with a folder in it, [`FileNameError::Reserved`] for a name of our
    /// own, such as the store's: an export written there would destroy every key.
    pub fn file(&self, base_name: &str) -> Result<PathBuf, FileNameError> {
        let mut components = Path::new(base_name).components();
        let (Some(Component::Normal(first)), None) = (components.next(), components.next()) else {
            return Err(FileNameError::NotABaseName {
                name: base_name.to_owned(),
            });
        };
        if first != base_name || base_name.contains('\0') {
            return Err(FileNameError::NotABaseName {
                name: base_name.to_owned(),
            });
        }
        let lower = base_name.to_ascii_lowercase();
        if lower == "nek" || lower == "spool" || lower.starts_with("credstore.db") {
            return Err(FileNameError::Reserved {
                name: base_name.to_owned(),
            });
        }
        Ok(self.0.join(base_name))
    }
}

impl Default for DataDir {
    fn default() -> Self {
        Self(PathBuf::from(DEFAULT_DATA_DIR))
    }
}

/// A name under which nothing can be written into the data directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileNameError {
    /// It is a path.
    #[error(
        "{name:?} is not a base name: write a file name without a folder; it goes into the data directory"
    )]
    NotABaseName {
        /// What was asked for.
        name: String,
    },
    /// The data directory has something of its own there.
    #[error("{name:?} is a name that the data directory keeps for itself: choose another")]
    Reserved {
        /// What was asked for.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        let found = DataDir::new(PathBuf::from("/data")).file(name).ok();
        assert_eq!(found.as_deref(), expected.map(Path::new), "{name:?}");
    }

    #[test]
    fn exported_files_stay_in_the_folder() {
        check("renovations.txt", Some("/data/renovations.txt"));
        check("..txt", Some("/data/..txt"));
        for name in [
            "",
            ".",
            "..",
            "/etc/passwd",
            "a/b",
            "a/",
            "./a",
            "../a",
            "a\0",
        ] {
            check(name, None);
        }
        for name in [
            "nek",
            "spool",
            "credstore.db",
            "credstore.db-wal",
            "CREDSTORE.DB",
        ] {
            check(name, None);
        }
    }
}
