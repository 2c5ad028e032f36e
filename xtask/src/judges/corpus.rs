//! Real messages, in `corpus/`, that other programs ship as test data: those of CPython's email package, of Mail::DKIM,
//! and of the crates mail-parser and mail-auth. They are read where they lie and never shipped.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::next_release::{KEYRING_NEED, NextRelease, RELEASE};
use crate::apt::{self, Need};
use crate::installation::fresh;
use crate::workspace::Workspace;

/// Debian's packages of the release that messages are taken from.
const CPYTHON: &str = "libpython3.13-testsuite";
const MAIL_DKIM: &str = "libmail-dkim-perl";
/// Crates of the workspace's lock file that hold messages.
const CRATES: [&str; 2] = ["mail-parser", "mail-auth"];
/// Fewer messages than this mean that one of the sources has moved them.
const LEAST: usize = 250;

const NEEDS: [Need<'_>; 1] = [KEYRING_NEED];

/// Gathers the messages, unless they are there, and answers how many they are.
pub(super) fn install(workspace: &Workspace, judges: &Path) -> Result<usize> {
    let corpus = judges.join("corpus");
    let sources = crate_folders(workspace)?;
    let wanted = format!("{CPYTHON} {MAIL_DKIM} {RELEASE} {sources:?}");
    let stamp = judges.join("corpus.stamp");
    if !fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == wanted) {
        println!("gathering real messages");
        apt::provide(&NEEDS)?;
        fresh(&corpus)?;
        let unpacked = judges.join("corpus-sources");
        let release = NextRelease::read(judges.join("corpus-apt"))?;
        release.unpack_package(CPYTHON, &unpacked)?;
        take(&unpacked, &corpus.join("cpython"), |path| {
            path.ends_with(".txt") && path.contains("/test_email/data/msg_")
        })?;
        release.unpack_source(MAIL_DKIM, &unpacked)?;
        take(&unpacked, &corpus.join("mail-dkim"), |path| {
            path.contains("/t/corpus/")
        })?;
        for (name, folder) in &sources {
            take(folder, &corpus.join(name), |path| path.ends_with(".eml"))?;
        }
        fs::remove_dir_all(&unpacked)?;
        fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    let count = files(&corpus)?.len();
    if count < LEAST {
        bail!(
            "only {count} real messages were gathered in {}: their sources have moved",
            corpus.display()
        );
    }
    Ok(count)
}

/// The crates' folders, as cargo has unpacked them.
fn crate_folders(workspace: &Workspace) -> Result<Vec<(String, PathBuf)>> {
    let metadata = workspace.packages()?;
    let packages = metadata.get("packages").and_then(Value::as_array);
    let mut folders = Vec::new();
    for package in packages.into_iter().flatten() {
        let text = |key| package.get(key).and_then(Value::as_str);
        let (Some(name), Some(manifest)) = (text("name"), text("manifest_path")) else {
            continue;
        };
        if CRATES.contains(&name)
            && let Some(folder) = Path::new(manifest).parent()
        {
            folders.push((name.to_owned(), folder.to_path_buf()));
        }
    }
    if folders.len() != CRATES.len() {
        bail!("the lock file names {folders:?}, expected each of {CRATES:?} once");
    }
    Ok(folders)
}

/// Copies the files below `source` whose paths are wanted; the path becomes the name.
fn take(source: &Path, target: &Path, wanted: fn(&str) -> bool) -> Result<()> {
    fresh(target)?;
    for file in files(source)? {
        let path = file.to_string_lossy();
        if wanted(&path) {
            let name = file.strip_prefix(source)?.to_string_lossy();
            let name = name.replace('/', "_");
            fs::copy(&file, target.join(&name)).with_context(|| format!("cannot copy {path}"))?;
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => found.extend(files(&entry.path())?),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    Ok(found)
}
