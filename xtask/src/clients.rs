//! `cargo xtask clients`: the programs that the tests send mail with, in `target/clients/`, each started by the script of
//! its name in `bin/` there: curl, msmtp, swaks, and of Postfix `master`, `sendmail`, `postconf` and `smtp-source`.
//!
//! They are Debian's packages, unpacked, so that the machine's own mail stays as it is. One that cannot be had is an error
//! that says what to do by hand, never a test left out. The fifth client is the judges' Python.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::apt::{self, Need};
use crate::installation::{Installation, occupy};
use crate::workspace::Workspace;
use crate::{command, unpacked};

const CLIENTS: Installation = Installation {
    name: "mail clients",
    wanted: || include_str!("clients.rs").to_owned(),
    install: unpack,
    load,
};

/// The clients, and what two of them load when they are asked for it: TLS for swaks, AUTH for Postfix.
const PACKAGES: [&str; 6] = [
    "curl",
    "msmtp",
    "postfix",
    "swaks",
    "libnet-ssleay-perl",
    "libsasl2-modules",
];

/// Where the packages have the programs.
const PROGRAMS: [&str; 7] = [
    "usr/bin/curl",
    "usr/bin/msmtp",
    "usr/bin/swaks",
    "usr/lib/postfix/sbin/master",
    "usr/sbin/postconf",
    "usr/sbin/sendmail",
    "usr/sbin/smtp-source",
];

/// How the clients say their versions; those of Postfix have one together.
const VERSIONS: [(&str, &[&str]); 4] = [
    ("curl", &["--version"]),
    ("msmtp", &["--version"]),
    ("swaks", &["--version"]),
    ("postconf", &["-d", "-h", "mail_version"]),
];

/// The Perl that Debian's modules are built for, which runs swaks.
const PERL: &str = "/usr/bin/perl";

const NEEDS: [Need<'_>; 1] = [Need {
    what: "Debian's Perl",
    probe: &[PERL, "-MJSON::PP", "-e", "1"],
    packages: &["perl"],
}];

/// Installs what is missing or outdated and answers the folder of the clients.
pub(crate) fn install(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.clients();
    let _ours = occupy(&folder)?;
    apt::provide(&NEEDS)?;
    let versions = CLIENTS.settle(&folder).with_context(|| {
        let (bin, packages) = (folder.join("bin"), PACKAGES.join(" "));
        format!(
            "the mail clients cannot be had from apt: bring this machine's apt to fetch {packages} (apt-get update), or fill {} \
             as {} does",
            bin.display(),
            file!()
        )
    })?;
    println!("{versions}");
    Ok(folder)
}

fn unpack(clients: &Path) -> Result<()> {
    let root = clients.join("root");
    if let Err(error) = unpacked::unpack(&PACKAGES, &root) {
        println!("the lists of packages may be old or missing: {error:#}");
        apt::update()?;
        unpacked::unpack(&PACKAGES, &root)?;
    }
    let bin = clients.join("bin");
    fs::create_dir_all(&bin)?;
    for program in PROGRAMS {
        let (_, name) = program.rsplit_once('/').context("a path")?;
        let script = bin.join(name);
        fs::write(&script, starter(&root, program)?)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// A script that starts an unpacked program where its libraries, Perl modules and SASL mechanisms are found.
fn starter(root: &Path, program: &str) -> Result<String> {
    let libraries = unpacked::libraries(root, &["usr/lib/postfix"]);
    let folders = "use Config; print join ' ', @Config{vendorarch, vendorlib}";
    let modules = command::output(Command::new(PERL).args(["-e", folders]))?;
    let modules: Vec<String> = modules
        .split(' ')
        .map(|folder| format!("{}{folder}", root.display()))
        .collect();
    let machine = std::env::consts::ARCH;
    Ok(format!(
        "#!/bin/sh\n\
         export LD_LIBRARY_PATH='{libraries}'\n\
         export PERL5LIB='{modules}'\n\
         export SASL_PATH='{root}/usr/lib/{machine}-linux-gnu/sasl2'\n\
         exec '{root}/{program}' \"$@\"\n",
        modules = modules.join(":"),
        root = root.display(),
    ))
}

fn load(clients: &Path) -> Result<String> {
    let mut versions = Vec::new();
    for (name, arguments) in VERSIONS {
        let mut program = Command::new(clients.join("bin").join(name));
        let text = command::output(program.args(arguments))?;
        let line = text.lines().next().unwrap_or_default();
        let version = line.split(" (").next().unwrap_or(line);
        versions.push(format!("client {name}: {version}"));
    }
    Ok(versions.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::starter;
    use crate::command;

    #[test]
    fn a_starter_hands_on_what_it_is_told_and_where_libraries_are() {
        let root = tempfile::Builder::new()
            .prefix("with blanks ")
            .tempdir()
            .unwrap();
        let script = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        script("client", "#!/bin/sh\necho \"$# $2 $LD_LIBRARY_PATH\"\n");
        let starter = script("starter", &starter(root.path(), "client").unwrap());
        let said = command::output(Command::new(starter).args(["--to", "a  b"])).unwrap();
        let libraries = format!("2 a  b {}/usr/lib:", root.path().display());
        assert!(said.starts_with(&libraries), "{said}");
    }
}
