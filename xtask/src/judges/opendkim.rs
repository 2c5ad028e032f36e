//! OpenDKIM, where this machine's apt has it: its packages are unpacked in `opendkim/`, not installed, so that no service
//! of theirs starts.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::fresh;
use crate::command;

pub(super) fn wanted() -> String {
    "opendkim, unpacked".to_owned()
}

pub(super) fn install(judges: &Path) -> Result<()> {
    let fetched = judges.join("opendkim-packages");
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
    command::run(apt.args(["install", "opendkim"]))?;
    let folder = judges.join("opendkim");
    fresh(&folder)?;
    for entry in std::fs::read_dir(&fetched)? {
        let package = entry?.path();
        if package
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            let mut unpack = Command::new("dpkg-deb");
            command::run(unpack.arg("-x").arg(package).arg(&folder))?;
        }
    }
    Ok(())
}

pub(super) fn load(judges: &Path) -> Result<String> {
    let folder = judges.join("opendkim");
    let mut opendkim = Command::new(folder.join("usr/sbin/opendkim"));
    opendkim
        .arg("-V")
        .env("LD_LIBRARY_PATH", libraries(&folder));
    let text = command::output(&mut opendkim)?;
    let version = text
        .split_whitespace()
        .find_map(|word| word.strip_prefix('v'));
    Ok(version.context("opendkim -V names no version")?.to_owned())
}

/// Where the unpacked libraries are, as the dynamic linker takes it.
fn libraries(folder: &Path) -> String {
    let library: PathBuf = folder.join("usr/lib");
    let of_machine = library.join(format!("{}-linux-gnu", std::env::consts::ARCH));
    format!("{}:{}", of_machine.display(), library.display())
}
