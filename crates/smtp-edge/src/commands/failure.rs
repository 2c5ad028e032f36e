//! Why a command did nothing, and with which status it ends.

use std::io;
use std::path::PathBuf;

use admin_client::AdminError;
use common_config::error::SettingsError;
use smtp_edge::spool::SpoolError;
use thiserror::Error;

use super::Status;

/// Why a command did nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(
        "the settings name no admin.listen, so that a running server cannot be asked; set admin.listen = \"unix:/run/smtp-edge/admin.sock\" in [admin] and restart it, or name its address with --admin"
    )]
    NoAddress,
    #[error("name messages by their queue ids or by a filter, or say --all")]
    NothingMeant,
    #[error("the spool cannot be read")]
    Spool(#[from] SpoolError),
    #[error("cannot {step} {}; check that its folder exists and that this user may {step} it", path.display())]
    File {
        step: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("what is said cannot be written")]
    Output(#[source] io::Error),
}

impl Failure {
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Admin(error) => admin_status(error),
            Self::Settings(_) | Self::NoAddress => Status::Settings,
            Self::NothingMeant => Status::Usage,
            Self::Spool(SpoolError::InUse { .. }) => Status::Later,
            Self::Spool(SpoolError::NoSpool { .. }) => Status::NotFound,
            Self::Spool(_) | Self::File { .. } => Status::Failed,
            // Who reads has heard enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Done,
            Self::Output(_) => Status::Failed,
        }
    }
}

fn admin_status(error: &AdminError) -> Status {
    match error {
        AdminError::NoAddress | AdminError::Foreign { .. } => Status::Settings,
        AdminError::Absent { .. } => Status::NoServer,
        AdminError::Silent { .. } | AdminError::Lost { .. } | AdminError::Unready { .. } => {
            Status::Later
        }
        AdminError::Forbidden { .. } | AdminError::NotAllowed { .. } => Status::NotAllowed,
        AdminError::TooLong | AdminError::Refused { .. } => Status::Usage,
        AdminError::NotFound { .. } => Status::NotFound,
        _ => Status::Failed,
    }
}
