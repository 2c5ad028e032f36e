//! `cargo xtask judges`: the independent verifiers, in `target/judges/`, that the tests and the demo hand signatures to.
//!
//! Three are installed: dkimpy in `venv/`, mailauth in `node/`, Mail::DKIM in `perl/`; the fourth, mail-auth, is a crate.
//! Versions are pinned in `xtask/judges/`. Each judge is loaded after its installation and before each use; one that
//! cannot be had is an error that says what to install by hand, never a test left out. OpenDKIM and rspamd
//! are asked, too, where apt has them. Beside them lies a corpus of real messages to judge.

mod apt;
mod corpus;
mod mail_dkim;
mod mailauth;
mod next_release;
mod python;
mod unpacked;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use self::apt::Need;
use crate::workspace::Workspace;

/// A verifier that can be installed and asked for its version.
struct Judge {
    name: &'static str,
    /// All that decides what is installed: another text means that it is installed anew.
    wanted: fn() -> String,
    /// Installs into the folder of the judges, over whatever is there.
    install: fn(&Path) -> Result<()>,
    /// Loads the installed judge and answers its version.
    load: fn(&Path) -> Result<String>,
}

const JUDGES: [Judge; 3] = [
    Judge {
        name: "dkimpy",
        wanted: python::wanted,
        install: python::install,
        load: python::load,
    },
    Judge {
        name: "Mail::DKIM",
        wanted: mail_dkim::wanted,
        install: mail_dkim::install,
        load: mail_dkim::load,
    },
    Judge {
        name: "mailauth",
        wanted: mailauth::wanted,
        install: mailauth::install,
        load: mailauth::load,
    },
];

/// Reads exported records.
const NSUPDATE: Need<'_> = Need {
    what: "nsupdate",
    probe: &["nsupdate", "-V"],
    packages: &["bind9-dnsutils"],
};

/// Those that are not everywhere.
const WHERE_APT_HAS_THEM: [Judge; 2] = [
    Judge {
        name: "OpenDKIM",
        wanted: || "opendkim".to_owned(),
        install: unpacked::opendkim,
        load: unpacked::opendkim_version,
    },
    Judge {
        name: "rspamd",
        wanted: || "rspamd".to_owned(),
        install: unpacked::rspamd,
        load: unpacked::rspamd_version,
    },
];

/// Installs what is missing or outdated and answers the folder of the judges.
pub(crate) fn install(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.judges();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let lock = File::create(folder.join("lock")).context("cannot create the lock of the judges")?;
    lock.lock()
        .context("cannot wait for another installation of the judges")?;
    for judge in &JUDGES {
        let version = settle(judge, &folder)
            .with_context(|| format!("the judge {} cannot be installed", judge.name))?;
        println!("judge {} {version}", judge.name);
    }
    for judge in &WHERE_APT_HAS_THEM {
        match settle(judge, &folder) {
            Ok(version) => println!("judge {} {version}", judge.name),
            Err(error) => {
                let place = folder.join(judge.name.to_ascii_lowercase());
                fresh(&place)?;
                fs::remove_dir(place)?;
                println!(
                    "the judge {} is not asked, since it cannot be had here: {error:#}",
                    judge.name
                );
            }
        }
    }
    apt::provide(&[NSUPDATE])?;
    let messages =
        corpus::install(workspace, &folder).context("the real messages cannot be gathered")?;
    println!("corpus {messages} real messages");
    Ok(folder)
}

/// Loads the judge if its stamp says what we want, and installs it otherwise.
fn settle(judge: &Judge, folder: &Path) -> Result<String> {
    // Virtual environments cannot be moved, so the place is part of what is wanted.
    let wanted = format!("{}\n{}", folder.display(), (judge.wanted)());
    let stamp = folder.join(format!("{}.stamp", judge.name.replace("::", "-")));
    if fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == wanted)
        && let Ok(version) = (judge.load)(folder)
    {
        return Ok(version);
    }
    println!("installing the judge {}", judge.name);
    (judge.install)(folder)?;
    let version = (judge.load)(folder)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(version)
}

/// Empties a folder that a judge is installed into.
fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Judge, settle};

    /// A judge whose installation is a file and whose loading reads it.
    fn judge(wanted: fn() -> String) -> Judge {
        Judge {
            name: "Sol::Omon",
            wanted,
            install: |folder| {
                let tries = fs::read_to_string(folder.join("tries")).unwrap_or_default();
                Ok(fs::write(folder.join("tries"), tries + "x")?)
            },
            load: |folder: &Path| Ok(fs::read_to_string(folder.join("tries"))?),
        }
    }

    #[test]
    fn is_installed_once_and_again_when_the_wish_changes_or_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (judge(|| "1".to_owned()), judge(|| "2".to_owned()));
        assert_eq!(settle(&first, folder.path()).unwrap(), "x");
        assert_eq!(settle(&first, folder.path()).unwrap(), "x");
        assert_eq!(settle(&second, folder.path()).unwrap(), "xx");
        fs::remove_file(folder.path().join("tries")).unwrap();
        assert_eq!(settle(&second, folder.path()).unwrap(), "x");
    }

    #[test]
    fn what_does_not_load_is_an_error_and_leaves_no_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let mut broken = judge(String::new);
        broken.load = |_| anyhow::bail!("does not load");
        assert!(settle(&broken, folder.path()).is_err());
        assert!(!folder.path().join("Sol-Omon.stamp").exists());
    }
}
