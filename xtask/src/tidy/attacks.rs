//! `docs/attacks.md`: each test that it names exists, and each attack has one.

use std::collections::BTreeSet;

use super::{Finding, Tree};

const TABLE: &str = "docs/attacks.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut functions = BTreeSet::new();
    for (_, text) in tree.rust() {
        functions.extend(text.lines().filter_map(function));
    }
    let lines = tree.text(TABLE).unwrap_or_default().lines().enumerate();
    for (index, line) in lines.filter(|(_, line)| line.starts_with("| ")).skip(1) {
        let tests = line.trim_end_matches([' ', '|']).rsplit('|').next();
        let tests: Vec<&str> = tests
            .unwrap_or_default()
            .split('`')
            .skip(1)
            .step_by(2)
            .collect();
        if tests.is_empty() {
            let text = "an attack without a test that shows what holds";
            findings.push(Finding::new(TABLE, index + 1, text));
        }
        for test in tests.iter().filter(|test| !functions.contains(**test)) {
            let text = format!("there is no test {test}");
            findings.push(Finding::new(TABLE, index + 1, text));
        }
    }
    findings
}

/// The name of the function that is declared on this line.
fn function(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line.strip_prefix("async ").unwrap_or(line);
    let name = rest.strip_prefix("fn ")?;
    name.split_once('(').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::{TABLE, check};
    use crate::tidy::testing;

    #[test]
    fn finds_tests_that_are_not_there() {
        let table = "| Attack | Tests |\n|---|---|\n| one | `a_test` `another` |\n| two | `gone` |\n| three | |\n";
        let source = "//! A.\n#[test]\nfn a_test() {}\n    async fn another() {}\n";
        testing::check(
            check,
            &[(TABLE, table), ("a.rs", source)],
            &["docs/attacks.md:4", "docs/attacks.md:5"],
        );
    }
}
