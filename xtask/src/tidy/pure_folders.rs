//! The folders that decide and do no IO name no runtime, resolver, TLS or database: neither in code nor in a manifest.

use super::{Finding, Tree, code};

/// Where no effect may be had.
const PURE: [&str; 4] = [
    "crates/common-config/",
    "crates/dkim-core/",
    "crates/router-config/",
    "crates/smtp-edge/src/smtp/",
];

/// The crates whose presence means an effect.
const EFFECTS: [&str; 8] = [
    "tokio",
    "tokio_rustls",
    "rustls",
    "hickory_resolver",
    "hickory_proto",
    "hickory_server",
    "mail_send",
    "sqlx",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files() {
        if !PURE.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let is_manifest = path.ends_with("/Cargo.toml");
        if !is_manifest && !path.ends_with(".rs") {
            continue;
        }
        for (line, code) in code::lines(text) {
            for effect in EFFECTS {
                let named = if is_manifest {
                    manifest_names(&code, effect)
                } else {
                    code::has_word(&code, effect)
                        && (code.contains("::") || code.trim_start().starts_with("use "))
                };
                if named {
                    findings.push(Finding::new(
                        path,
                        line,
                        format!(
                            "{effect} has no place in a pure folder: hand the effect's result in"
                        ),
                    ));
                }
            }
        }
    }
    findings
}

/// Whether a line of a manifest makes the crate a dependency.
fn manifest_names(line: &str, krate: &str) -> bool {
    let name = krate.replace('_', "-");
    line.trim_start()
        .strip_prefix(&name)
        .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    #[test]
    fn finds_effects_in_pure_folders_only() {
        let files = [
            (
                "crates/dkim-core/Cargo.toml",
                "[dependencies]\ntokio.workspace = true\ntokio-stream = \"1\"\n",
            ),
            (
                "crates/dkim-core/src/a.rs",
                "//! Not for tokio::spawn.\nuse tokio::io;\nlet tokio = 1;\n",
            ),
            (
                "crates/smtp-edge/src/net/listener.rs",
                "use tokio::net::TcpListener;\n",
            ),
            (
                "crates/smtp-edge/src/smtp/line.rs",
                "let a = rustls::version();\n",
            ),
        ];
        let expected = [
            "crates/dkim-core/Cargo.toml:2",
            "crates/dkim-core/src/a.rs:2",
            "crates/smtp-edge/src/smtp/line.rs:1",
        ];
        testing::check(check, &files, &expected);
    }
}
