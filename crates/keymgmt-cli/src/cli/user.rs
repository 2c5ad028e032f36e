//! The nouns of `user`.

use std::path::PathBuf;

use clap::Subcommand;

/// What is done with a user.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a user
    Add {
        /// What the user is to be called, in any case
        name: String,
        /// A file with the password, in place of asking for it
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Set another password
    Passwd {
        /// The user
        name: String,
        /// A file with the password, in place of asking for it
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Show a user, never the password
    Show {
        /// A user, or ALL
        name: String,
    },
    /// Remove a user
    Delete {
        /// The user
        name: String,
    },
}
