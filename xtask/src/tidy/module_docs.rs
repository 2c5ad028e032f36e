//! Every module opens with `//!`: what it owns, what it leaves to others, how it fails. A module's tests that have grown
//! into a file of their own (`tests.rs`) are opened by the module.

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|(path, _)| !path.ends_with("/tests.rs") && !path.ends_with("_tests.rs"))
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| {
            Finding::new(
                path,
                1,
                "the module does not open with `//!`: say what it owns",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    #[test]
    fn finds_modules_without_an_opening() {
        let files = [
            ("a/src/bare.rs", "fn a() {}\n"),
            ("a/src/late.rs", "use b;\n//! Late.\n"),
            ("a/src/good.rs", "//! Good.\n"),
            ("a/src/good/tests.rs", "use super::good;\n"),
            ("a/README.md", "# a\n"),
        ];
        testing::check(check, &files, &["a/src/bare.rs:1", "a/src/late.rs:1"]);
    }
}
