//! Tests wait for events, never for a time: a sleep is either too short, and the test fails by chance, or too long.

use super::{Finding, Tree, code};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        for (line, code) in code::test_lines(path, text) {
            if code::has_word(&code, "sleep") {
                findings.push(Finding::new(
                    path,
                    line,
                    "a test sleeps: wait for the event, or move a manual clock",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    #[test]
    fn finds_sleeps_in_tests_only() {
        let call = concat!("tokio::time::sl", "eep(second).await;\n");
        let tested = format!("{call}#[cfg(test)]\nmod tests {{\n{call}}}\n");
        let files = [
            ("crates/a/src/a.rs", tested.as_str()),
            ("tests/cases/b.rs", call),
            ("tests/src/mta.rs", call),
        ];
        testing::check(
            check,
            &files,
            &["crates/a/src/a.rs:4", "tests/cases/b.rs:1"],
        );
    }
}
