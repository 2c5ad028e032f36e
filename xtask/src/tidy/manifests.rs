//! Every package says what it is, under which licence, and keeps the workspace's lints; every crate has a README and,
//! unless it is a workspace of its own that is not published, a CHANGELOG.

use toml_edit::{DocumentMut, Item};

use super::{Finding, Tree};

/// Keys of `[package]` that come from the workspace.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tree
        .manifests()
        .flat_map(|(folder, text)| package(tree, folder, text))
        .collect();
    for file in [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
    ] {
        if tree.text(file).is_none_or(str::is_empty) {
            findings.push(Finding::new(file, 0, "is missing"));
        }
    }
    findings
}

fn package(tree: &Tree, folder: &str, text: &str) -> Vec<Finding> {
    let path = format!("{folder}/Cargo.toml");
    let manifest = match text.parse::<DocumentMut>() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Finding::new(&path, 0, error.message())],
    };
    let mut findings = Vec::new();
    let package = manifest.get("package");
    let field = |key: &str| package.and_then(|package| package.get(key));
    let from_workspace = |item: Option<&Item>| {
        item.and_then(|item| item.get("workspace"))
            .and_then(Item::as_bool)
            == Some(true)
    };
    for key in INHERITED
        .into_iter()
        .filter(|key| !from_workspace(field(key)))
    {
        findings.push(Finding::new(
            &path,
            0,
            format!("`{key}.workspace = true` is missing in [package]"),
        ));
    }
    if !from_workspace(manifest.get("lints")) {
        findings.push(Finding::new(
            &path,
            0,
            "`[lints] workspace = true` is missing",
        ));
    }
    if field("description").is_none() {
        findings.push(Finding::new(
            &path,
            0,
            "`description` is missing in [package]",
        ));
    }
    if folder.starts_with("crates/") {
        // A workspace of its own, as fuzz targets are, is published to nobody who could ask what changed.
        let pages: &[&str] = match manifest.get("workspace") {
            Some(_) if field("publish").and_then(Item::as_bool) == Some(false) => &["README.md"],
            Some(_) | None => &["README.md", "CHANGELOG.md"],
        };
        for file in pages {
            let page = format!("{folder}/{file}");
            if tree.text(&page).is_none_or(|text| text.lines().count() < 3) {
                findings.push(Finding::new(&page, 0, "is missing or says nothing"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    const ROOT: [(&str, &str); 5] = [
        ("README.md", "x"),
        ("CHANGELOG.md", "x"),
        ("CONTRIBUTING.md", "x"),
        ("LICENSE-MIT", "x"),
        ("LICENSE-APACHE", "x"),
    ];
    const GOOD: &str = "[package]\nname = \"a\"\ndescription = \"A\"\nversion.workspace = true\nedition.workspace = true\n\
                        rust-version.workspace = true\nlicense.workspace = true\n[lints]\nworkspace = true\n";

    fn with(files: &[(&str, &str)], expected: &[&str]) {
        let mut all = ROOT.to_vec();
        all.extend(files);
        testing::check(check, &all, expected);
    }

    #[test]
    fn finds_what_a_package_lacks() {
        let page = "# a\n\nWhat it is.\n";
        with(
            &[
                ("crates/a/Cargo.toml", GOOD),
                ("crates/a/README.md", page),
                ("crates/a/CHANGELOG.md", page),
                ("tests/Cargo.toml", GOOD),
            ],
            &[],
        );
        with(
            &[
                ("crates/a/Cargo.toml", GOOD),
                ("crates/a/README.md", "# a\n"),
            ],
            &["crates/a/README.md:0", "crates/a/CHANGELOG.md:0"],
        );
        let private = format!(
            "[workspace]\n{}",
            GOOD.replace("[lints]", "publish = false\n[lints]")
        );
        with(
            &[
                ("crates/a/fuzz/Cargo.toml", &private),
                ("crates/a/fuzz/README.md", page),
            ],
            &[],
        );
        with(
            &[
                ("crates/a/fuzz/Cargo.toml", &private.replace("publish", "x")),
                ("crates/a/fuzz/README.md", page),
            ],
            &["crates/a/fuzz/CHANGELOG.md:0"],
        );
        let unlicensed = GOOD
            .replace("license.workspace", "x.workspace")
            .replace("[lints]", "[other]");
        with(
            &[("tests/Cargo.toml", &unlicensed)],
            &["tests/Cargo.toml:0", "tests/Cargo.toml:0"],
        );
    }

    #[test]
    fn finds_pages_that_are_gone() {
        testing::check(check, &ROOT[..3], &["LICENSE-MIT:0", "LICENSE-APACHE:0"]);
    }
}
