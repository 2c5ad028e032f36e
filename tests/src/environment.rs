//! Where the built binaries, the judges and the mail clients are, and how long the storm of reloads blows: variables that
//! `cargo xtask` sets.

use std::ffi::OsString;
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

/// The folder of the installed mail clients.
///
/// # Panics
/// When `EDGE_CLIENTS` is not set.
#[must_use]
pub fn clients() -> PathBuf {
    folder("EDGE_CLIENTS")
}

/// A script of `tests/judges/`, which hands something to a program that is not ours.
#[must_use]
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("judges")
        .join(name)
}

/// A script of `tests/clients/`, which sends a message.
#[must_use]
pub fn client_script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(name)
}

/// Seconds of the storm of reloads: `EDGE_STORM_SECONDS`, or five.
///
/// # Panics
/// When it is not a number.
#[must_use]
pub fn storm_seconds() -> u64 {
    number("EDGE_STORM_SECONDS", 5)
}

/// Kills of the edge under load: `EDGE_CRASH_KILLS`, or ten.
///
/// # Panics
/// When it is not a number.
#[must_use]
pub fn crash_kills() -> usize {
    number("EDGE_CRASH_KILLS", 10)
}

fn number<T: std::str::FromStr>(name: &str, usual: T) -> T {
    let Some(value) = variable(name) else {
        return usual;
    };
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.unwrap_or_else(|| panic!("{name} is a number"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "these variables are the interface between xtask and this package"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn folder(name: &str) -> PathBuf {
    let Some(folder) = variable(name).map(PathBuf::from) else {
        panic!("{name} is not set: run `cargo xtask test`");
    };
    assert!(
        folder.is_dir(),
        "{name}={} is not a folder: run `cargo xtask test`",
        folder.display()
    );
    folder
}
