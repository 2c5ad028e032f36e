//! OpenDKIM, where this machine's apt has it: unpacked in `opendkim/`, not installed, so that no service of its starts.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{command, unpacked};

const PACKAGE: &str = "opendkim";

pub(super) fn wanted() -> String {
    PACKAGE.to_owned()
}

pub(super) fn install(judges: &Path) -> Result<()> {
    unpacked::unpack(&[PACKAGE], &judges.join("opendkim"))
}

pub(super) fn load(judges: &Path) -> Result<String> {
    let mut opendkim = unpacked::program(&judges.join("opendkim"), "usr/sbin/opendkim", &[]);
    let text = command::output(opendkim.arg("-V"))?;
    let version = text
        .split_whitespace()
        .find_map(|word| word.strip_prefix('v'));
    Ok(version.context("opendkim -V names no version")?.to_owned())
}
