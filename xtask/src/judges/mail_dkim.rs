//! Mail::DKIM of 2024 or later, the first with Ed25519: Debian 12 has an older one, so the package of the release after
//! it is fetched and unpacked in `perl/`, beside the Perl modules of this machine's own release, which it needs.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::next_release::{KEYRING_NEED, NextRelease, RELEASE};
use crate::apt::{self, Need};
use crate::command;

/// The least version that is taken.
const LEAST: f64 = 1.2024;

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
    KEYRING_NEED,
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
    let perl = judges.join("perl");
    NextRelease::read(judges.join("apt"))?
        .unpack_package("libmail-dkim-perl", &perl)
        .with_context(|| {
            format!(
                "install Mail::DKIM {LEAST} or later under {} by hand",
                perl.display()
            )
        })?;
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
