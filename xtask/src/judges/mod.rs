//! `cargo xtask judges`: the independent verifiers, in `target/judges/`, that the tests and the demo hand signatures to.
//!
//! Three are installed: dkimpy in `venv/`, mailauth in `node/`, Mail::DKIM in `perl/`; the fourth, mail-auth, is a crate.
//! Versions are pinned in `xtask/judges/`. Each judge is loaded after its installation and before each use; one that
//! cannot be had is an error that says what to install by hand, never a test left out. OpenDKIM and rspamd
//! are asked, too, where apt has them. Beside them lies a corpus of real messages to judge.

mod corpus;
mod mail_dkim;
mod mailauth;
mod next_release;
mod opendkim;
mod python;
mod rspamd;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::apt::{self, Need};
use crate::installation::{Installation, fresh, occupy};
use crate::workspace::Workspace;

const JUDGES: [Installation; 3] = [
    Installation {
        name: "dkimpy",
        wanted: python::wanted,
        install: python::install,
        load: python::load,
    },
    Installation {
        name: "Mail::DKIM",
        wanted: mail_dkim::wanted,
        install: mail_dkim::install,
        load: mail_dkim::load,
    },
    Installation {
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
const WHERE_APT_HAS_THEM: [Installation; 2] = [
    Installation {
        name: "OpenDKIM",
        wanted: opendkim::wanted,
        install: opendkim::install,
        load: opendkim::load,
    },
    Installation {
        name: "rspamd",
        wanted: rspamd::wanted,
        install: rspamd::install,
        load: rspamd::load,
    },
];

/// Installs what is missing or outdated and answers the folder of the judges.
pub(crate) fn install(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.judges();
    let _ours = occupy(&folder)?;
    for judge in &JUDGES {
        let version = judge
            .settle(&folder)
            .with_context(|| format!("the judge {} cannot be installed", judge.name))?;
        println!("judge {} {version}", judge.name);
    }
    for judge in &WHERE_APT_HAS_THEM {
        match judge.settle(&folder) {
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
