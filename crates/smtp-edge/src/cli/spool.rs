//! The words behind `spool`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Read everything in the spool, and name what is damaged
    Check(Place),
    /// Write each message as <id>.eml, with its envelope beside it as <id>.json
    Export {
        /// Where to; it is made when it is not there, and what is there in other words is left as it is
        folder: PathBuf,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The spool, in place of the one in data_dir of the settings
    #[arg(long, value_name = "FOLDER")]
    pub(crate) spool: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
