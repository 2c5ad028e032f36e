//! `cargo xtask tidy`: the house's rules that a compiler cannot know, one file a rule.
//!
//! A rule reads the [`Tree`] (the text files of the workspace) and answers what breaks it. Each has a test that feeds it
//! a violation, so that a rule that sees nothing is seen.

mod architecture;
mod attacks;
mod build_paths;
mod code;
mod crate_edges;
mod examples;
mod file_length;
mod file_names;
mod ignored_tests;
mod licences;
mod manifests;
mod manual;
mod module_docs;
mod pure_folders;
mod sleeping_tests;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use tree::Tree;

/// One place that breaks a rule, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; 0 when it is the whole file or a file that is missing.
    line: usize,
    text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.path, self.text)
        } else {
            write!(f, "{}:{}: {}", self.path, self.line, self.text)
        }
    }
}

/// A rule that needs no more than the files.
type Rule = (&'static str, fn(&Tree) -> Vec<Finding>);

const RULES: [Rule; 13] = [
    ("architecture", architecture::check),
    ("attacks", attacks::check),
    ("build-paths", build_paths::check),
    ("crate-edges", crate_edges::check),
    ("examples", examples::check),
    ("file-length", file_length::check),
    ("file-names", file_names::check),
    ("ignored-tests", ignored_tests::check),
    ("manifests", manifests::check),
    ("manual", manual::check),
    ("module-docs", module_docs::check),
    ("pure-folders", pure_folders::check),
    ("sleeping-tests", sleeping_tests::check),
];

/// Checks every rule and prints what breaks one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tree = Tree::read(workspace.root())?;
    let mut findings = Vec::new();
    for (name, check) in RULES {
        findings.extend(check(&tree).into_iter().map(|finding| (name, finding)));
    }
    let packages = workspace.packages()?;
    findings.extend(
        licences::check(&tree, &packages)
            .into_iter()
            .map(|finding| ("licences", finding)),
    );
    for (name, finding) in &findings {
        println!("{finding} [{name}]");
    }
    if !findings.is_empty() {
        bail!("{} places break a rule of the house", findings.len());
    }
    println!("{} files keep {} rules", tree.len(), RULES.len() + 1);
    Ok(())
}

/// What the rules' tests share.
#[cfg(test)]
mod testing {
    use super::{Finding, Tree};

    /// Runs a rule on files given by path and text, and compares the places it names.
    pub(super) fn check(
        rule: fn(&Tree) -> Vec<Finding>,
        files: &[(&str, &str)],
        expected: &[&str],
    ) {
        let found = rule(&Tree::of(files));
        let places: Vec<String> = found
            .iter()
            .map(|finding| format!("{}:{}", finding.path, finding.line))
            .collect();
        assert_eq!(places, expected, "{found:#?}");
    }
}
