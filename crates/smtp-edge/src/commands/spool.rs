//! `spool`: the mail of a server that does not run, read where it lies.

mod check;
mod export;

use std::path::{Path, PathBuf};

use super::place::Places;
use super::{Failure, Status};
use crate::cli::spool::{Place, Verb};

/// Does what the words behind `spool` say.
pub(crate) fn obey(settings: &Path, verb: &Verb) -> Result<Status, Failure> {
    match verb {
        Verb::Check(place) => check::check(&spool(settings, place)?, place),
        Verb::Export { folder, place } => export::export(&spool(settings, place)?, folder, place),
    }
}

fn spool(settings: &Path, place: &Place) -> Result<PathBuf, Failure> {
    match &place.spool {
        Some(spool) => Ok(spool.clone()),
        None => Ok(Places::read(settings)?.spool()),
    }
}
