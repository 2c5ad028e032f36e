//! Where the built binaries and the judges are: two variables that `cargo xtask` sets.

use std::path::{Path, PathBuf};

/// The built `smtp-edge` or `keymgmt`.
///
/// # Panics
/// When `EDGE_BIN_DIR` is not set or holds no such binary: a test never passes for want of what it tests.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let path = folder("EDGE_BIN_DIR").join(name);
    assert!(
        path.is_file(),
        "{} is not built: run `cargo xtask test`",
        path.display()
    );
    path
}

/// The folder of the installed judges.
///
/// # Panics
/// When `EDGE_JUDGES` is not set.
#[must_use]
pub fn judges() -> PathBuf {
    folder("EDGE_JUDGES")
}

/// A script of `tests/judges/`, which hands something to a program that is not ours.
#[must_use]
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("judges")
        .join(name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "these two variables are the interface between xtask and this package"
)]
fn folder(variable: &str) -> PathBuf {
    let Some(folder) = std::env::var_os(variable).map(PathBuf::from) else {
        panic!("{variable} is not set: run `cargo xtask test`");
    };
    assert!(
        folder.is_dir(),
        "{variable}={} is not a folder: run `cargo xtask test`",
        folder.display()
    );
    folder
}
