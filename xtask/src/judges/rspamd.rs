//! rspamd, where this machine's apt has it: unpacked in `rspamd/`, not installed, so that no service of its starts.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{command, unpacked};

const PACKAGE: &str = "rspamd";

pub(super) fn wanted() -> String {
    PACKAGE.to_owned()
}

pub(super) fn install(judges: &Path) -> Result<()> {
    unpacked::unpack(&[PACKAGE], &judges.join("rspamd"))
}

pub(super) fn load(judges: &Path) -> Result<String> {
    let own = ["usr/lib/rspamd"];
    let mut rspamd = unpacked::program(&judges.join("rspamd"), "usr/bin/rspamd", &own);
    let text = command::output(rspamd.arg("--version"))?;
    let version = text.split_whitespace().next_back();
    Ok(version.context("rspamd --version says nothing")?.to_owned())
}
