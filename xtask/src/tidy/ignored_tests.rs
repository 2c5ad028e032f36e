//! No test is left out: neither by the attribute nor, in documentation, by the fence's word.

use super::{Finding, Tree};

/// Written in two parts, so that this file does not find itself.
const ATTRIBUTE: &str = concat!("#[ig", "nore");
const FENCE: &str = concat!("```ig", "nore");

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        for (index, line) in text.lines().enumerate() {
            // An example of what a feature brings runs wherever the feature is on, so in CI.
            let by_feature = line.starts_with("#![cfg_attr(not(feature");
            if !by_feature && (line.contains(ATTRIBUTE) || line.contains(FENCE)) {
                findings.push(Finding::new(
                    path,
                    index + 1,
                    "a test that is left out looks green: let it run, or take it out",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{ATTRIBUTE, FENCE, check};
    use crate::tidy::testing;

    #[test]
    fn finds_tests_that_are_left_out() {
        let attribute = format!("//! A.\n#[test]\n{ATTRIBUTE} = \"slow\"]\nfn a() {{}}\n");
        let fence = format!("//! B.\n//! {FENCE}\n");
        let files = [
            ("a.rs", attribute.as_str()),
            ("b.rs", fence.as_str()),
            ("c.rs", "//! C.\n"),
        ];
        testing::check(check, &files, &["a.rs:3", "b.rs:2"]);
    }
}
