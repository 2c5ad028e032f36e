//! dkimpy, and the parser of Prometheus's client library: a Python virtual environment in `venv/`, with the versions of `xtask/judges/requirements.txt`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::apt::{self, Need};
use crate::command;

const REQUIREMENTS: &str = include_str!("../../judges/requirements.txt");

const NEEDS: [Need<'_>; 1] = [Need {
    what: "python3 with venv",
    probe: &["python3", "-c", "import venv, ensurepip"],
    packages: &["python3", "python3-venv"],
}];

pub(super) fn wanted() -> String {
    REQUIREMENTS.to_owned()
}

pub(super) fn install(judges: &Path) -> Result<()> {
    apt::provide(&NEEDS)?;
    let venv = judges.join("venv");
    command::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&venv),
    )?;
    let requirements = judges.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS)?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ]);
    command::run(pip.arg(&requirements))
}

pub(super) fn load(judges: &Path) -> Result<String> {
    let script = "import dkim, dns.resolver, nacl.signing, prometheus_client.parser, importlib.metadata as m; print(m.version('dkimpy'))";
    command::output(Command::new(judges.join("venv/bin/python")).args(["-c", script]))
}
