//! mailauth: an npm package in `node/`, with the tree of versions and checksums of `xtask/judges/package-lock.json`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::apt::{self, Need};
use crate::command;
use crate::installation::fresh;

const PACKAGE: &str = include_str!("../../judges/package.json");
const LOCK: &str = include_str!("../../judges/package-lock.json");

const NEEDS: [Need<'_>; 2] = [
    Need {
        what: "Node.js 18 or later",
        probe: &[
            "node",
            "-e",
            "process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)",
        ],
        packages: &["nodejs"],
    },
    Need {
        what: "npm",
        probe: &["npm", "--version"],
        packages: &["npm"],
    },
];

pub(super) fn wanted() -> String {
    format!("{PACKAGE}{LOCK}")
}

pub(super) fn install(judges: &Path) -> Result<()> {
    apt::provide(&NEEDS)?;
    let node = judges.join("node");
    fresh(&node)?;
    std::fs::write(node.join("package.json"), PACKAGE)?;
    std::fs::write(node.join("package-lock.json"), LOCK)?;
    let mut npm = Command::new("npm");
    npm.current_dir(&node).args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]);
    command::run(&mut npm)
}

pub(super) fn load(judges: &Path) -> Result<String> {
    let script = "import('mailauth/lib/dkim/verify.js').then(m => {\n\
                  if (typeof m.default.dkimVerify !== 'function') throw new Error('mailauth has no dkimVerify');\n\
                  console.log(require('mailauth/package.json').version) })";
    command::output(
        Command::new("node")
            .current_dir(judges.join("node"))
            .args(["-e", script]),
    )
}
