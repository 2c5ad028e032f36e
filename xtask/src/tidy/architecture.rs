//! `ARCHITECTURE.md` is short and true: what it names exists, and it names every crate and every room.
//!
//! A code span that holds a `/` is a path from the root. In the blocks fenced as `map` each line is a folder and the
//! names of modules in it, up to two spaces that set off a remark.

use std::collections::BTreeSet;

use super::{Finding, Tree, code};

const PAGE: &str = "ARCHITECTURE.md";
const LINES: usize = 300;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(PAGE) else {
        return vec![Finding::new(PAGE, 0, "is missing")];
    };
    let mut findings = Vec::new();
    if text.lines().count() >= LINES {
        findings.push(Finding::new(
            PAGE,
            LINES,
            format!("is to stay under {LINES} lines: it is the map, not the land"),
        ));
    }
    let mut mapped = BTreeSet::new();
    let mut in_map = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            in_map = !in_map && line == "```map";
        } else if in_map {
            let (folder, missing) = map_line(tree, line);
            mapped.insert(folder.to_owned());
            findings.extend(missing.into_iter().map(|path| {
                Finding::new(
                    PAGE,
                    index + 1,
                    format!("{path} is on the map, and not in the tree"),
                )
            }));
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            for span in spans.filter(|span| is_path(span) && !tree.holds(span)) {
                findings.push(Finding::new(
                    PAGE,
                    index + 1,
                    format!("{span} is named, and not in the tree"),
                ));
            }
        }
    }
    let unmapped = rooms(tree)
        .into_iter()
        .filter(|room| !mapped.contains(room));
    findings.extend(unmapped.map(|room| {
        Finding::new(
            PAGE,
            0,
            format!("{room} is in the tree, and not on the map"),
        )
    }));
    findings
}

/// The folder of a line of the map, and the paths on it that do not exist.
fn map_line<'a>(tree: &Tree, line: &'a str) -> (&'a str, Vec<String>) {
    let (folder, modules) = line.split_once(' ').unwrap_or((line, ""));
    let folder = folder.trim_end_matches('/');
    let modules = modules.trim_start();
    let modules = modules
        .split_once("  ")
        .map_or(modules, |(modules, _)| modules);
    let mut missing = Vec::new();
    if !tree.holds(folder) {
        missing.push(folder.to_owned());
    }
    for module in modules.split_whitespace() {
        let path = format!("{folder}/{module}");
        if !tree.holds(&path) && !tree.holds(&format!("{path}.rs")) {
            missing.push(path);
        }
    }
    (folder, missing)
}

/// Every folder that holds Rust sources of a package, other than tests alone.
fn rooms(tree: &Tree) -> BTreeSet<String> {
    let own = tree.rust().filter(|(path, _)| !code::is_test_file(path));
    let folders = own.filter_map(|(path, _)| path.rsplit_once('/'));
    folders
        .map(|(folder, _)| folder.to_owned())
        .filter(|folder| folder.contains("/src"))
        .collect()
}

fn is_path(span: &str) -> bool {
    let known = ["crates/", "tests/", "xtask/", "deploy/", "docs/"];
    known.iter().any(|top| span.starts_with(top)) && !span.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    const TREE: [(&str, &str); 4] = [
        ("crates/a/src/lib.rs", ""),
        ("crates/a/src/room/chair.rs", ""),
        ("crates/a/src/lib/tests.rs", ""),
        ("docs/manual.md", ""),
    ];

    fn page(text: &str, expected: &[&str]) {
        let mut files = TREE.to_vec();
        files.push(("ARCHITECTURE.md", text));
        testing::check(check, &files, expected);
    }

    #[test]
    fn a_true_page_has_no_findings() {
        page(
            "See `docs/manual.md` and `docs/`.\n```map\ncrates/a/src/  lib  the root\ncrates/a/src/room chair\n```\n",
            &[],
        );
    }

    #[test]
    fn finds_what_is_not_there_and_what_is_not_named() {
        let text = "See `docs/gone.md`.\n```map\ncrates/a/src/ lib gone\ncrates/b/src lib\n```\n";
        page(
            text,
            &[
                "ARCHITECTURE.md:1",
                "ARCHITECTURE.md:3",
                "ARCHITECTURE.md:4",
                "ARCHITECTURE.md:4",
                "ARCHITECTURE.md:0",
            ],
        );
    }

    #[test]
    fn finds_a_page_that_grew_or_is_gone() {
        let long =
            "line\n".repeat(300) + "```map\ncrates/a/src lib\ncrates/a/src/room chair\n```\n";
        page(&long, &["ARCHITECTURE.md:300"]);
        testing::check(check, &TREE, &["ARCHITECTURE.md:0"]);
    }
}
