//! Debian's packages, unpacked in a folder and not installed: no service of theirs starts, and packages may stand beside each
//! other that exclude each other where they are installed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::installation::fresh;

/// Has apt fetch the packages, and those that they need and the machine lacks, and unpacks them into `folder`, which is
/// emptied.
pub(crate) fn unpack(packages: &[&str], folder: &Path) -> Result<()> {
    let fetched = folder.with_extension("packages");
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
    command::run(apt.arg("install").args(packages))?;
    fresh(folder)?;
    for entry in std::fs::read_dir(&fetched)? {
        let archive = entry?.path();
        if archive
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            let mut dpkg = Command::new("dpkg-deb");
            command::run(dpkg.arg("-x").arg(archive).arg(folder))?;
        }
    }
    std::fs::remove_dir_all(&fetched)
        .with_context(|| format!("cannot remove {}", fetched.display()))
}

/// An unpacked program that finds its unpacked libraries, those in the folders `own` of its package, too.
pub(crate) fn program(folder: &Path, path: &str, own: &[&str]) -> Command {
    let mut program = Command::new(folder.join(path));
    program.env("LD_LIBRARY_PATH", libraries(folder, own));
    program
}

/// Where unpacked libraries are, as `LD_LIBRARY_PATH` has it.
pub(crate) fn libraries(folder: &Path, own: &[&str]) -> String {
    let machine = format!("{}-linux-gnu", std::env::consts::ARCH);
    let places = [
        "usr/lib".to_owned(),
        format!("usr/lib/{machine}"),
        format!("lib/{machine}"),
    ];
    let places = places.iter().map(String::as_str).chain(own.iter().copied());
    let places: Vec<String> = places
        .map(|place| folder.join(place).display().to_string())
        .collect();
    places.join(":")
}
