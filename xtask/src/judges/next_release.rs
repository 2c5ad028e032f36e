//! Packages of Debian's next release, for what this machine's own is too old for.
//!
//! apt fetches them, with a source list and a state of its own under `target/`, so that the machine's settings stay as
//! they are: from the mirror that the machine uses already, trusting exactly the keys in Debian's archive keyring. A
//! release that no key there has signed is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt::Need;
use crate::command;
use crate::installation::fresh;

/// The release.
pub(super) const RELEASE: &str = "trixie";

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What fetching needs.
pub(super) const KEYRING_NEED: Need<'_> = Need {
    what: "Debian's archive keyring",
    probe: &["test", "-r", KEYRING],
    packages: &["debian-archive-keyring"],
};

/// An apt of its own: one source, and nothing shared with the machine's but its settings for the way there.
pub(super) struct NextRelease {
    folder: PathBuf,
}

impl NextRelease {
    /// Reads the release's lists into `folder`, which is emptied.
    pub(super) fn read(folder: PathBuf) -> Result<Self> {
        fresh(&folder)?;
        fs::create_dir_all(folder.join("lists/partial"))?;
        fs::create_dir_all(folder.join("cache/archives/partial"))?;
        let source = format!(
            "Types: deb deb-src\nURIs: {}\nSuites: {RELEASE}\nComponents: main\nSigned-By: {KEYRING}\n",
            mirror()?
        );
        fs::write(folder.join("next.sources"), source)?;
        let release = Self { folder };
        command::run(&mut release.apt(&["-qq", "update"])).with_context(|| {
            format!(
                "Debian's release {RELEASE} cannot be read from this machine's mirror: the mirror must carry it, and {KEYRING} \
                 must hold its key (a newer debian-archive-keyring brings it)"
            )
        })?;
        Ok(release)
    }

    /// Unpacks a package into `target`, which is emptied.
    pub(super) fn unpack_package(&self, name: &str, target: &Path) -> Result<()> {
        let package = format!("{name}/{RELEASE}");
        let fetched = self.fetch(&["download", &package], "deb")?;
        fresh(target)?;
        command::run(Command::new("dpkg-deb").arg("-x").arg(fetched).arg(target))
    }

    /// Unpacks the upstream source of a package into `target`, which is emptied.
    pub(super) fn unpack_source(&self, name: &str, target: &Path) -> Result<()> {
        let package = format!("{name}/{RELEASE}");
        let arguments = ["source", "--download-only", "--tar-only", &package];
        let fetched = self.fetch(&arguments, "gz")?;
        fresh(target)?;
        command::run(
            Command::new("tar")
                .arg("-xf")
                .arg(fetched)
                .arg("-C")
                .arg(target),
        )
    }

    /// Has apt fetch one file, and answers where it is.
    fn fetch(&self, arguments: &[&str], extension: &str) -> Result<PathBuf> {
        let landing = self.folder.join("fetched");
        fresh(&landing)?;
        let mut apt = self.apt(&["-qq"]);
        command::run(apt.args(arguments).current_dir(&landing))?;
        for entry in fs::read_dir(&landing)? {
            let path = entry?.path();
            if path.extension().is_some_and(|own| own == extension) {
                return Ok(path);
            }
        }
        bail!(
            "apt fetched nothing that ends in .{extension} into {}",
            landing.display()
        )
    }

    fn apt(&self, arguments: &[&str]) -> Command {
        let mut apt = Command::new("apt-get");
        let folder = self.folder.display();
        for option in [
            format!("Dir::Etc::SourceList={folder}/next.sources"),
            "Dir::Etc::SourceParts=-".to_owned(),
            format!("Dir::State::Lists={folder}/lists"),
            format!("Dir::Cache={folder}/cache"),
            "Acquire::AllowInsecureRepositories=false".to_owned(),
            "APT::Get::AllowUnauthenticated=false".to_owned(),
            "Acquire::Languages=none".to_owned(),
            // Its user often cannot enter the folder of a checkout; what is fetched is checked all the same.
            "APT::Sandbox::User=root".to_owned(),
        ] {
            apt.arg("-o").arg(option);
        }
        apt.args(arguments);
        apt
    }
}

/// The mirror of Debian's main archive that this machine's own apt reads.
fn mirror() -> Result<String> {
    let mut targets = Command::new("apt-get");
    targets.args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
    ]);
    main_archive(&command::output(&mut targets)?)
        .context("this machine's apt sources name no mirror of Debian's main archive: add one")
}

/// The first repository with the component `main` whose release is one of Debian's own, not an add-on to it.
fn main_archive(targets: &str) -> Option<String> {
    targets.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (uri, release, component) = (words.next()?, words.next()?, words.next()?);
        let is_debian = uri.trim_end_matches('/').ends_with("/debian");
        let is_whole = !release.contains(['-', '/']);
        (component == "main" && is_debian && is_whole).then(|| uri.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::main_archive;

    #[test]
    fn the_mirror_is_the_one_of_the_main_archive() {
        let rows = [
            (
                "https://m.example/debian/ bookworm main",
                Some("https://m.example/debian/"),
            ),
            (
                "https://m.example/debian-security/ bookworm-security main",
                None,
            ),
            ("https://m.example/debian/ bookworm-updates main", None),
            ("https://m.example/debian/ bookworm contrib", None),
            ("https://tools.example/apt stable main", None),
            ("", None),
        ];
        for (line, expected) in rows {
            assert_eq!(main_archive(line).as_deref(), expected, "{line}");
        }
        let last = "https://tools.example/apt stable main\nhttps://m.example/debian bookworm main";
        assert_eq!(
            main_archive(last).as_deref(),
            Some("https://m.example/debian")
        );
    }
}
