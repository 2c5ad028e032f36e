//! How a command ends: the exit status, and the one line that says what went wrong and what to do.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use admin_client::AdminError;
use common_config::chain::Chain;
pub(crate) use common_config::chain::printable;
use common_config::error::SettingsError;
use common_config::name::KeyName;
use common_config::origin::Origin;
use common_config::paths::FileNameError;
use credstore::{CredStoreError, NekError, PasswordError, TransferError};
use router_config::{QuestionError, RouterConfigError};
use thiserror::Error;

use crate::dns::DnsError;
use crate::input::InputError;
use crate::passphrase::PassphraseError;
use crate::signing::SigningError;

/// The exit status. Scripts read it: the numbers stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It was done.
    Done,
    /// `verify`: no signature holds. `diff`: the signature does not survive.
    NotVerified,
    /// A word of the command line is wrong: a verb, a domain, a selector, an algorithm, a size, a file name.
    Usage,
    /// There is one of that name: a NEK, a store, a key, a user or a file.
    Exists,
    /// There is none of that name: a NEK, a store, a key or a user.
    NotFound,
    /// The NEK, the passphrase or the password is the wrong one, or missing.
    Nek,
    /// Others can read what is secret.
    Permissions,
    /// The store, a line of it, or a NEK file was altered or is damaged.
    Tampered,
    /// A file or folder cannot be read or written.
    File,
    /// Later may work: the store is busy, or the DNS or the server does not answer.
    Later,
    /// The settings or the notes.ini are wrong.
    Settings,
    /// The message is not signed: by policy, by its own fault, or for want of a usable key.
    NotSigned,
    /// A fault of the program or the system.
    Internal,
}

impl Status {
    /// The table for the help text and the manual.
    pub(crate) const HELP: &'static str = "\
Exit status:
   0  done
   1  verify: no signature holds; diff: the signature does not survive
   2  a word of the command line is wrong
   3  a NEK, store, key, user or file of that name exists
   4  there is no NEK, store, key or user of that name
   5  the NEK, passphrase or password is the wrong one, or missing
   6  others can read what is secret
   7  the store or a NEK was altered or is damaged
   8  a file cannot be read or written
   9  later may work: the store is busy, or the DNS or the server does not answer
  10  the settings or the notes.ini are wrong
  11  the message was not signed
  70  a fault of the program or the system";

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NotVerified => 1,
            Self::Usage => 2,
            Self::Exists => 3,
            Self::NotFound => 4,
            Self::Nek => 5,
            Self::Permissions => 6,
            Self::Tampered => 7,
            Self::File => 8,
            Self::Later => 9,
            Self::Settings => 10,
            Self::NotSigned => 11,
            Self::Internal => 70,
        }
    }
}

/// Why a command did nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Question(#[from] QuestionError),
    #[error(transparent)]
    FileName(#[from] FileNameError),
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Router(#[from] RouterConfigError),
    #[error(transparent)]
    Nek(#[from] NekError),
    #[error(transparent)]
    Store(#[from] CredStoreError),
    #[error("the key {name} could not be made")]
    KeyGeneration {
        name: KeyName,
        #[source]
        source: dkim_core::KeyError,
    },
    #[error("the public record of {name} in the store cannot be read; create the key anew")]
    Record {
        name: KeyName,
        #[source]
        source: dkim_core::RecordError,
    },
    #[error(transparent)]
    AliasNotAligned(#[from] Box<AliasNotAligned>),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error(transparent)]
    Dns(#[from] DnsError),
    #[error(transparent)]
    Server(#[from] AdminError),
    #[error("{} exists already and is left as it is; {advice}", path.display())]
    FileExists { path: PathBuf, advice: &'static str },
    #[error("cannot {step} {}; check that its folder exists and that this user may {step} it", path.display())]
    File {
        step: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the system does not let the program start its tasks")]
    Runtime(#[source] io::Error),
}

/// An alias whose mail carries the primary's `d=`.
#[derive(Debug, Error)]
#[error(
    "nothing is published at {name}: mail from {} is signed by {key} with d={} ({origin}); set signing.aligned_aliases = true to sign it with d={}, then export again",
    name.domain(), key.domain(), name.domain()
)]
pub(crate) struct AliasNotAligned {
    pub(crate) name: KeyName,
    pub(crate) key: KeyName,
    pub(crate) origin: Origin,
}

impl Failure {
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Input(_) | Self::Question(_) | Self::FileName(_) => Status::Usage,
            Self::Passphrase(error) => error.status(),
            Self::Password(PasswordError::TooShort | PasswordError::Character) => Status::Nek,
            Self::Password(_) => Status::Internal,
            Self::Settings(_) | Self::Router(_) => Status::Settings,
            Self::Nek(error) => nek_status(error),
            Self::Store(error) => store_status(error),
            Self::Record { .. } => Status::Tampered,
            Self::AliasNotAligned(_) => Status::NotFound,
            Self::Signing(_) => Status::NotSigned,
            Self::Dns(_) => Status::Later,
            Self::Server(error) => server_status(error),
            Self::FileExists { .. } => Status::Exists,
            Self::File { .. } => Status::File,
            Self::KeyGeneration { .. } | Self::Runtime(_) => Status::Internal,
        }
    }

    /// The error and its causes in one line without control characters.
    pub(crate) fn line(&self) -> String {
        chain(self)
    }
}

/// An error and its causes, in one line. Remote and user text in it is made printable.
pub(crate) fn chain(error: &dyn Error) -> String {
    printable(&Chain(error).to_string())
}

fn server_status(error: &AdminError) -> Status {
    match error {
        AdminError::NoAddress | AdminError::Foreign { .. } => Status::Settings,
        AdminError::Absent { .. }
        | AdminError::Silent { .. }
        | AdminError::Lost { .. }
        | AdminError::Unready { .. } => Status::Later,
        AdminError::Forbidden { .. } | AdminError::NotAllowed { .. } => Status::File,
        AdminError::TooLong | AdminError::Refused { .. } => Status::Usage,
        AdminError::NotFound { .. } => Status::NotFound,
        _ => Status::Internal,
    }
}

fn nek_status(error: &NekError) -> Status {
    match error {
        NekError::NotFound { .. } => Status::NotFound,
        NekError::Exists { .. } | NekError::FileExists { .. } => Status::Exists,
        NekError::NoMatch { .. } => Status::Nek,
        NekError::Permissions { .. } => Status::Permissions,
        NekError::Format { .. } => Status::Tampered,
        NekError::Transfer(TransferError::WrongPassphrase | TransferError::PassphraseTooShort) => {
            Status::Nek
        }
        NekError::Transfer(_) => Status::Tampered,
        NekError::Io { .. } => Status::File,
        _ => Status::Internal,
    }
}

fn store_status(error: &CredStoreError) -> Status {
    match error {
        CredStoreError::NotFound { .. }
        | CredStoreError::NoUser { .. }
        | CredStoreError::Missing { .. } => Status::NotFound,
        CredStoreError::Exists { .. }
        | CredStoreError::UserExists { .. }
        | CredStoreError::StoreExists { .. }
        | CredStoreError::Lifecycle { .. } => Status::Exists,
        CredStoreError::Revoked { .. } => Status::NotSigned,
        CredStoreError::WrongNek { .. } => Status::Nek,
        CredStoreError::NekMissing { source, .. } => match source {
            NekError::NoMatch {
                unreadable: Some(unreadable),
                ..
            } => nek_status(unreadable),
            _ => Status::Nek,
        },
        CredStoreError::Permissions { .. } => Status::Permissions,
        CredStoreError::Tampered { .. }
        | CredStoreError::UserTampered { .. }
        | CredStoreError::StoreTampered { .. }
        | CredStoreError::Unseal { .. }
        | CredStoreError::UnsealUser { .. }
        | CredStoreError::NotAStore { .. } => Status::Tampered,
        CredStoreError::Io { .. } => Status::File,
        CredStoreError::Busy { .. } => Status::Later,
        CredStoreError::Backend { .. } if error.is_transient() => Status::File,
        _ => Status::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_and_the_manual_list_every_status() {
        for status in [
            Status::Done,
            Status::NotVerified,
            Status::Usage,
            Status::Exists,
            Status::NotFound,
            Status::Nek,
            Status::Permissions,
            Status::Tampered,
            Status::File,
            Status::Later,
            Status::Settings,
            Status::NotSigned,
            Status::Internal,
        ] {
            let code = format!("{:>4}  ", status.code());
            let help = Status::HELP
                .lines()
                .find_map(|line| line.strip_prefix(&code));
            let row = format!(
                "| {} | {} |",
                status.code(),
                help.unwrap_or("not in the help")
            );
            let manual = include_str!("../README.md").replace('`', "");
            assert!(manual.contains(&row), "{status:?}: {row}");
        }
    }

    #[test]
    fn an_error_is_one_printable_line() {
        let error = Failure::File {
            step: "read",
            path: PathBuf::from("a\nb\u{1b}[31m"),
            source: io::Error::from(io::ErrorKind::NotFound),
        };
        assert!(
            !error.line().chars().any(char::is_control),
            "{}",
            error.line()
        );
    }
}
