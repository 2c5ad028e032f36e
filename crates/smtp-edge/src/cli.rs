//! The words of the command line.

pub(crate) mod queue;
pub(crate) mod spool;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The DKIM-signing SMTP edge server.
#[derive(Debug, Parser)]
#[command(name = "smtp-edge", version)]
pub(crate) struct Arguments {
    /// The settings file [default: $SMTP_EDGE_SETTINGS, or /etc/smtp-edge/smtp-edge.toml]
    #[arg(long, short, global = true)]
    pub(crate) settings: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serve until SIGTERM or SIGINT; SIGHUP reloads the settings
    Run,
    /// Read the settings and the keys they name, say what is wrong with them, and exit
    Check,
    /// Look at the queue of a running server, and give orders about it
    #[command(after_help = crate::commands::status::HELP)]
    Queue(Box<queue::Arguments>),
    /// Read the spool while no server runs: nothing in it is changed
    #[command(subcommand, after_help = crate::commands::status::HELP)]
    Spool(spool::Verb),
}
