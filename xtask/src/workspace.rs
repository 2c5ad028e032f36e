//! Where things are: the workspace's root, cargo's target folder, and what `cargo metadata` says of the packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command;

/// The workspace that this xtask belongs to.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask/ lies in no workspace")?
            .to_path_buf();
        let metadata = metadata(&root, &["--no-deps"])?;
        let target = metadata
            .get("target_directory")
            .and_then(Value::as_str)
            .context("`cargo metadata` names no target_directory")?;
        Ok(Self {
            root,
            target: PathBuf::from(target),
        })
    }

    /// The folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where `cargo build` puts binaries.
    pub(crate) fn binaries(&self) -> PathBuf {
        self.target.join("debug")
    }

    /// Where the judges are installed.
    pub(crate) fn judges(&self) -> PathBuf {
        self.target.join("judges")
    }

    /// Where the mail clients are installed.
    pub(crate) fn clients(&self) -> PathBuf {
        self.target.join("clients")
    }

    /// Every package that is built, of ours and of others, as `cargo metadata` describes it.
    pub(crate) fn packages(&self) -> Result<Value> {
        metadata(&self.root, &["--locked"])
    }

    /// A cargo command in the root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root).args(arguments);
        cargo
    }
}

fn metadata(root: &Path, arguments: &[&str]) -> Result<Value> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(root)
        .args(["metadata", "--format-version", "1"])
        .args(arguments);
    let text = command::output(&mut cargo)?;
    serde_json::from_str(&text).context("`cargo metadata` printed something else than JSON")
}
