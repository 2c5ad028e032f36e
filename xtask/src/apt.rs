//! What is needed from the system: installed by apt where we are root, asked for by name where we are not.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command;

/// Something that must be there, the command that shows whether it is, and the Debian packages that bring it.
pub(crate) struct Need<'a> {
    /// For messages.
    pub(crate) what: &'a str,
    /// A program and its arguments, which ends well when the need is met.
    pub(crate) probe: &'a [&'a str],
    /// Debian's names.
    pub(crate) packages: &'a [&'a str],
}

impl Need<'_> {
    fn is_met(&self) -> bool {
        let Some((program, arguments)) = self.probe.split_first() else {
            return true;
        };
        command::succeeds(Command::new(program).args(arguments))
    }
}

/// Meets the needs that are not met.
pub(crate) fn provide(needs: &[Need<'_>]) -> Result<()> {
    let missing: Vec<&Need<'_>> = needs.iter().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| need.packages.iter().copied())
        .collect();
    if !is_root() || !command::succeeds(Command::new("apt-get").arg("--version")) {
        let whats: Vec<&str> = missing.iter().map(|need| need.what).collect();
        bail!(
            "{} missing; as root run: apt-get update && apt-get install {} (or install the like by hand), then repeat",
            whats.join(" and "),
            packages.join(" ")
        );
    }
    update()?;
    let mut install = apt(&["-qq", "-y", "--no-install-recommends", "install"]);
    command::run(install.args(packages))?;
    for need in missing {
        if !need.is_met() {
            bail!(
                "{} is still missing after apt installed {}: an installation outside Debian's may stand before it in PATH; \
                 put it right by hand, so that `{}` ends well, then repeat",
                need.what,
                need.packages.join(" "),
                need.probe.join(" ")
            );
        }
    }
    Ok(())
}

/// Reads the lists of packages anew.
pub(crate) fn update() -> Result<()> {
    command::run(&mut apt(&["-qq", "update"]))
}

/// An apt-get that asks nothing.
fn apt(arguments: &[&str]) -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
    apt
}

fn is_root() -> bool {
    command::output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

#[cfg(test)]
mod tests {
    use super::{Need, provide};

    #[test]
    fn a_need_that_is_met_costs_nothing() {
        provide(&[Need {
            what: "a shell",
            probe: &["sh", "-c", "exit 0"],
            packages: &["no-such-package"],
        }])
        .unwrap();
    }

    #[test]
    fn a_probe_that_fails_or_is_not_there_is_a_need_not_met() {
        for probe in [&["sh", "-c", "exit 1"][..], &["no-such-program"]] {
            assert!(
                !Need {
                    what: "it",
                    probe,
                    packages: &[]
                }
                .is_met()
            );
        }
    }
}
