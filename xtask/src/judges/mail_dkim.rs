//! Mail::DKIM of 2024 or later, the first with Ed25519: Debian 12 has an older one, so the package of the release after
//! it is fetched and unpacked in `perl/`, beside the Perl modules of this machine's own release, which it needs.
//!
//! apt fetches it, with a source list and a state of its own under `target/`, so that the machine's settings stay as
//! they are: from the mirror that the machine uses already, trusting exactly the keys in Debian's archive keyring. A
//! release that no key there has signed is refused.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::apt::{self, Need};
use super::fresh;
use crate::command;

/// The Debian release whose package is taken, and the least version of it.
const RELEASE: &str = "trixie";
const LEAST: f64 = 1.2024;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What its package depends on, as the modules that show it.
const NEEDS: [Need<'_>; 8] = [
    module(
        &["perl", "-MCrypt::PK::Ed25519", "-e", "1"],
        &["libcryptx-perl"],
    ),
    module(
        &["perl", "-MCrypt::OpenSSL::RSA", "-e", "1"],
        &["libcrypt-openssl-rsa-perl"],
    ),
    module(
        &["perl", "-MMail::AuthenticationResults", "-e", "1"],
        &["libmail-authenticationresults-perl"],
    ),
    module(
        &["perl", "-MMail::Address", "-e", "1"],
        &["libmailtools-perl"],
    ),
    module(&["perl", "-MNet::DNS", "-e", "1"], &["libnet-dns-perl"]),
    module(&["perl", "-MError", "-e", "1"], &["liberror-perl"]),
    module(&["perl", "-MJSON::PP", "-e", "1"], &["perl"]),
    Need {
        what: "Debian's archive keyring",
        probe: &["test", "-r", KEYRING],
        packages: &["debian-archive-keyring"],
    },
];

const fn module<'a>(probe: &'a [&'a str], packages: &'a [&'a str]) -> Need<'a> {
    Need {
        what: "a Perl module",
        probe,
        packages,
    }
}

pub(super) fn wanted() -> String {
    format!("{RELEASE} {LEAST} in perl/lib")
}

pub(super) fn install(judges: &Path) -> Result<()> {
    apt::provide(&NEEDS)?;
    let state = State::new(judges.join("apt"), &mirror()?)?;
    command::run(&mut state.apt(&["-qq", "update"])).with_context(|| {
        format!(
            "Debian's release {RELEASE} cannot be read from this machine's mirror: the mirror must carry it, and {KEYRING} must hold \
             its key (a newer debian-archive-keyring brings it); or install Mail::DKIM {LEAST} or later under {} by hand",
            judges.join("perl").display()
        )
    })?;
    let package = format!("libmail-dkim-perl/{RELEASE}");
    command::run(
        state
            .apt(&["-qq", "download", &package])
            .current_dir(&state.folder),
    )?;
    let perl = judges.join("perl");
    fresh(&perl)?;
    let mut unpack = Command::new("dpkg-deb");
    command::run(unpack.arg("-x").arg(state.downloaded()?).arg(&perl))?;
    symlink("usr/share/perl5", perl.join("lib"))
        .context("cannot link perl/lib to what was unpacked")
}

pub(super) fn load(judges: &Path) -> Result<String> {
    let script = "print $Mail::DKIM::VERSION";
    let modules = judges.join("perl/lib");
    let mut perl = Command::new("perl");
    perl.arg("-I").arg(&modules).args([
        "-MMail::DKIM",
        "-MMail::DKIM::Verifier",
        "-MCrypt::PK::Ed25519",
        "-e",
        script,
    ]);
    let version = command::output(&mut perl)?;
    if version.parse::<f64>().is_ok_and(|number| number >= LEAST) {
        return Ok(version);
    }
    bail!("Mail::DKIM {version} was loaded; {LEAST} is the first that knows Ed25519")
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
    main_archive(&command::output(&mut targets)?).context(
        "this machine's apt sources name no mirror of Debian's main archive: add one, so that Mail::DKIM can be fetched from it",
    )
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

/// An apt of its own: one source, and nothing shared with the machine's but its settings for the way there.
struct State {
    folder: PathBuf,
}

impl State {
    fn new(folder: PathBuf, mirror: &str) -> Result<Self> {
        fresh(&folder)?;
        fs::create_dir_all(folder.join("lists/partial"))?;
        fs::create_dir_all(folder.join("cache/archives/partial"))?;
        let source = format!(
            "Types: deb\nURIs: {mirror}\nSuites: {RELEASE}\nComponents: main\nSigned-By: {KEYRING}\n"
        );
        fs::write(folder.join("next.sources"), source)?;
        Ok(Self { folder })
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

    fn downloaded(&self) -> Result<PathBuf> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                return Ok(path);
            }
        }
        bail!("apt downloaded no package into {}", self.folder.display())
    }
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
