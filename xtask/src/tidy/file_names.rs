//! A file is the one noun it defines; names that could mean anything are refused.

use super::{Finding, Tree};

const EMPTY: [&str; 6] = ["util", "utils", "helper", "helpers", "misc", "types"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|(path, _)| {
            path.trim_end_matches(".rs")
                .split('/')
                .any(|part| EMPTY.contains(&part))
        })
        .map(|(path, _)| {
            Finding::new(
                path,
                0,
                "the name says nothing: call it by the noun it defines",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    #[test]
    fn finds_empty_names() {
        let files = [
            ("crates/a/src/util.rs", ""),
            ("crates/a/src/helpers/mod.rs", ""),
            ("crates/a/src/utility_pole.rs", ""),
            ("docs/misc.md", ""),
        ];
        testing::check(
            check,
            &files,
            &["crates/a/src/util.rs:0", "crates/a/src/helpers/mod.rs:0"],
        );
    }
}
