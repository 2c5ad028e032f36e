//! Where a secret is, never the secret: a file, or a credential that systemd hands to the service.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a secret is. Written as an absolute path, or as `credential:name` for a file of `$CREDENTIALS_DIRECTORY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// In this file.
    File(PathBuf),
    /// In the credential of this name.
    Credential(String),
}

impl SecretRef {
    /// The file to read the secret from; `credentials` is what
    /// [`credentials_directory`](crate::paths::credentials_directory) found.
    ///
    /// # Errors
    ///
    /// [`SecretRefError::NoCredentials`] when a credential is meant and the service was given none.
    pub fn path(&self, credentials: Option<&Path>) -> Result<PathBuf, SecretRefError> {
        match self {
            Self::File(path) => Ok(path.clone()),
            Self::Credential(name) => match credentials {
                Some(directory) => Ok(directory.join(name)),
                None => Err(SecretRefError::NoCredentials { name: name.clone() }),
            },
        }
    }
}

impl FromStr for SecretRef {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        if let Some(name) = text.strip_prefix(SCHEME) {
            let is_name =
                !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
            return if is_name {
                Ok(Self::Credential(name.to_owned()))
            } else {
                Err(SecretRefError::Credential)
            };
        }
        let path = PathBuf::from(text);
        // A secret that was pasted in place of its path is refused, and does not come back in the error.
        if path.is_absolute() {
            Ok(Self::File(path))
        } else {
            Err(SecretRefError::Relative)
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Credential(name) => write!(f, "{SCHEME}{name}"),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(SecretRefVisitor)
    }
}

/// A text does not say where a secret is, or the secret is out of reach. It never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretRefError {
    /// Neither an absolute path nor a credential.
    #[error(
        "not the place of a secret: write an absolute path, or credential:name; never the secret itself"
    )]
    Relative,
    /// What follows `credential:` is no file name.
    #[error("a credential is named by a file name without a folder")]
    Credential,
    /// The service was given no credentials.
    #[error(
        "the credential {name} was not handed over: add LoadCredential={name}:… to the service's unit"
    )]
    NoCredentials {
        /// The credential.
        name: String,
    },
}

struct SecretRefVisitor;

impl Visitor<'_> for SecretRefVisitor {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the absolute path of a secret's file, or \"credential:name\"; never the secret itself",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretRef, E> {
        text.parse()
            .map_err(|_| E::invalid_value(Unexpected::Other("another text"), &self))
    }
}

const SCHEME: &str = "credential:";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let found = text.parse::<SecretRef>().ok();
        let path = found.and_then(|place| place.path(Some(Path::new("/run/credentials/x"))).ok());
        assert_eq!(path.as_deref(), expected.map(Path::new), "{text:?}");
    }

    #[test]
    fn secrets_are_in_files() {
        check("/etc/secret", Some("/etc/secret"));
        check("credential:edge", Some("/run/credentials/x/edge"));
        for text in [
            "",
            "hunter2",
            "secret.txt",
            "credential:",
            "credential:../x",
            "credential:..",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_missing_credential_names_its_unit_setting() {
        let error = SecretRef::Credential("edge".to_owned())
            .path(None)
            .unwrap_err();
        assert!(
            error.to_string().contains("LoadCredential=edge:"),
            "{error}"
        );
    }
}
