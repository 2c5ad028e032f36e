//! OpenDKIM and rspamd, where this machine's apt has them: their packages, and those that they need and the machine lacks,
//! are unpacked in a folder, not installed, so that no service of theirs starts.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::fresh;
use crate::command;

pub(super) fn opendkim(judges: &Path) -> Result<()> {
    unpack(judges, "opendkim")
}

pub(super) fn opendkim_version(judges: &Path) -> Result<String> {
    let text = command::output(program(judges, "opendkim", "usr/sbin/opendkim").arg("-V"))?;
    let version = text
        .split_whitespace()
        .find_map(|word| word.strip_prefix('v'));
    Ok(version.context("opendkim -V names no version")?.to_owned())
}

pub(super) fn rspamd(judges: &Path) -> Result<()> {
    unpack(judges, "rspamd")
}

pub(super) fn rspamd_version(judges: &Path) -> Result<String> {
    let text = command::output(program(judges, "rspamd", "usr/bin/rspamd").arg("--version"))?;
    let version = text.split_whitespace().next_back();
    Ok(version.context("rspamd --version says nothing")?.to_owned())
}

fn unpack(judges: &Path, package: &str) -> Result<()> {
    let fetched = judges.join(format!("{package}-packages"));
    fresh(&fetched)?;
    std::fs::create_dir_all(fetched.join("partial"))?;
    let mut apt = Command::new("apt-get");
    apt.args([
        "-qq",
        "-y",
        "--no-install-recommends",
        "--reinstall",
        "--download-only",
    ]);
    let archives = format!("Dir::Cache::archives={}", fetched.display());
    for option in [&archives, "Debug::NoLocking=1", "APT::Sandbox::User=root"] {
        apt.arg("-o").arg(option);
    }
    command::run(apt.args(["install", package]))?;
    let folder = judges.join(package);
    fresh(&folder)?;
    for entry in std::fs::read_dir(&fetched)? {
        let archive = entry?.path();
        if archive
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            let mut dpkg = Command::new("dpkg-deb");
            command::run(dpkg.arg("-x").arg(archive).arg(&folder))?;
        }
    }
    std::fs::remove_dir_all(&fetched)
        .with_context(|| format!("cannot remove {}", fetched.display()))
}

/// An unpacked program that finds its unpacked libraries.
fn program(judges: &Path, package: &str, path: &str) -> Command {
    let folder = judges.join(package);
    let machine = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let places = [
        "usr/lib".to_owned(),
        machine.clone(),
        "usr/lib/rspamd".to_owned(),
        format!("{machine}/rspamd"),
    ];
    let libraries = places.map(|place| folder.join(place).display().to_string());
    let mut program = Command::new(folder.join(path));
    program.env("LD_LIBRARY_PATH", libraries.join(":"));
    program
}
