//! Programs of other people's that live in a folder under `target/`: installed once, and again when the wish changes or
//! they are gone.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};

/// Something that can be installed and asked for its version.
pub(crate) struct Installation {
    pub(crate) name: &'static str,
    /// All that decides what is installed: another text means that it is installed anew.
    pub(crate) wanted: fn() -> String,
    /// Installs into the folder, over whatever is there.
    pub(crate) install: fn(&Path) -> Result<()>,
    /// Loads what was installed and answers its version.
    pub(crate) load: fn(&Path) -> Result<String>,
}

impl Installation {
    /// Loads it if its stamp says what we want, and installs it otherwise.
    pub(crate) fn settle(&self, folder: &Path) -> Result<String> {
        // Virtual environments cannot be moved, so the place is part of what is wanted.
        let wanted = format!("{}\n{}", folder.display(), (self.wanted)());
        let stamp = folder.join(format!("{}.stamp", self.name.replace("::", "-")));
        if fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == wanted)
            && let Ok(version) = (self.load)(folder)
        {
            return Ok(version);
        }
        println!("installing {}", self.name);
        (self.install)(folder)?;
        let version = (self.load)(folder)?;
        fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
        Ok(version)
    }
}

/// Makes a folder for installations and waits until nobody else installs there; ours as long as the file is held.
pub(crate) fn occupy(folder: &Path) -> Result<File> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join("lock");
    let lock = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    lock.lock()
        .with_context(|| format!("cannot wait for {}", path.display()))?;
    Ok(lock)
}

/// Empties a folder that something is installed into.
pub(crate) fn fresh(folder: &Path) -> Result<()> {
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

    use super::Installation;

    /// An installation that is a file, which loading reads.
    fn installation(wanted: fn() -> String) -> Installation {
        Installation {
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
    fn is_done_once_and_again_when_the_wish_changes_or_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (
            installation(|| "1".to_owned()),
            installation(|| "2".to_owned()),
        );
        assert_eq!(first.settle(folder.path()).unwrap(), "x");
        assert_eq!(first.settle(folder.path()).unwrap(), "x");
        assert_eq!(second.settle(folder.path()).unwrap(), "xx");
        fs::remove_file(folder.path().join("tries")).unwrap();
        assert_eq!(second.settle(folder.path()).unwrap(), "x");
    }

    #[test]
    fn what_does_not_load_is_an_error_and_leaves_no_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let mut broken = installation(String::new);
        broken.load = |_| anyhow::bail!("does not load");
        assert!(broken.settle(folder.path()).is_err());
        assert!(!folder.path().join("Sol-Omon.stamp").exists());
    }
}
