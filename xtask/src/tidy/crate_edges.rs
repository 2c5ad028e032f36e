//! The crates depend on each other as the design has it, and in no other way.

use toml_edit::{DocumentMut, Item};

use super::{Finding, Tree};

/// Folder, package, and the packages of ours that it may depend on.
type Edges = (&'static str, &'static str, &'static [&'static str]);

const EDGES: [Edges; 11] = [
    ("crates/admin-client", "admin-client", &["common-config"]),
    ("crates/common-config", "common-config", &[]),
    ("crates/router-config", "router-config", &["common-config"]),
    ("crates/credstore", "credstore", &["common-config"]),
    ("crates/dkim-core", "dkim-core", &["common-config"]),
    ("crates/dkim-core/fuzz", "dkim-core-fuzz", &["dkim-core"]),
    (
        "crates/smtp-edge",
        "smtp-edge",
        &[
            "admin-client",
            "common-config",
            "router-config",
            "credstore",
            "dkim-core",
        ],
    ),
    (
        "crates/smtp-edge/fuzz",
        "smtp-edge-fuzz",
        &["credstore", "smtp-edge"],
    ),
    (
        "crates/keymgmt-cli",
        "keymgmt-cli",
        &[
            "admin-client",
            "common-config",
            "router-config",
            "credstore",
            "dkim-core",
        ],
    ),
    // The tests start the binaries and read what comes out: our own code does not judge itself.
    ("tests", "edge-tests", &[]),
    ("xtask", "xtask", &[]),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.manifests()
        .flat_map(|(folder, text)| package(folder, text))
        .collect()
}

fn package(folder: &str, text: &str) -> Vec<Finding> {
    let path = format!("{folder}/Cargo.toml");
    let Some((_, _, allowed)) = EDGES.iter().find(|edges| edges.0 == folder) else {
        let text = "a package that the design does not name: give it a row in xtask/src/tidy/crate_edges.rs";
        return vec![Finding::new(&path, 0, text)];
    };
    let manifest = match text.parse::<DocumentMut>() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Finding::new(&path, 0, error.message())],
    };
    dependencies(&manifest)
        .into_iter()
        .filter(|name| {
            EDGES.iter().any(|edges| edges.1 == name) && !allowed.contains(&name.as_str())
        })
        .map(|name| Finding::new(&path, 0, format!("must not depend on {name}")))
        .collect()
}

/// The names of all dependencies, of each kind and for each platform.
fn dependencies(manifest: &DocumentMut) -> Vec<String> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let mut tables: Vec<&Item> = KINDS.iter().filter_map(|kind| manifest.get(kind)).collect();
    let targets = manifest.get("target").and_then(Item::as_table_like);
    for (_, target) in targets.into_iter().flat_map(|targets| targets.iter()) {
        tables.extend(KINDS.iter().filter_map(|kind| target.get(kind)));
    }
    let mut names = Vec::new();
    for (key, dependency) in tables
        .into_iter()
        .filter_map(Item::as_table_like)
        .flat_map(|table| table.iter())
    {
        let renamed = dependency.get("package").and_then(Item::as_str);
        names.push(renamed.unwrap_or(key).to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    #[test]
    fn finds_edges_that_the_design_lacks() {
        let files = [
            (
                "crates/credstore/Cargo.toml",
                "[dependencies]\ndkim-core.workspace = true\nserde = \"1\"\n",
            ),
            (
                "crates/router-config/Cargo.toml",
                "[dependencies]\ncommon-config = { workspace = true }\n",
            ),
            (
                "crates/dkim-core/Cargo.toml",
                "[dev-dependencies]\nx = { package = \"credstore\", path = \"..\" }\n",
            ),
            (
                "xtask/Cargo.toml",
                "[target.'cfg(unix)'.dependencies]\nsmtp-edge.workspace = true\n",
            ),
            ("crates/new/Cargo.toml", "[package]\n"),
        ];
        let expected = [
            "crates/credstore/Cargo.toml:0",
            "crates/dkim-core/Cargo.toml:0",
            "xtask/Cargo.toml:0",
            "crates/new/Cargo.toml:0",
        ];
        testing::check(check, &files, &expected);
    }
}
