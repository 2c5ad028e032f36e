//! Files stay short enough to be read at one sitting: 100 to 300 lines is the aim, 400 without the tests the limit.

use super::{Finding, Tree, code};

const LIMIT: usize = 400;

/// Files over the limit, each with its reason.
const EXCEPTIONS: [(&str, &str); 0] = [];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|(path, _)| !code::is_test_file(path))
        .filter(|(path, _)| !EXCEPTIONS.iter().any(|(exception, _)| exception == path))
        .map(|(path, text)| (path, code::tests_begin(text) - 1))
        .filter(|(_, lines)| *lines > LIMIT)
        .map(|(path, lines)| {
            Finding::new(
                path,
                LIMIT,
                format!("{lines} lines without its tests: split it by its nouns"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    #[test]
    fn finds_long_files_and_does_not_count_their_tests() {
        let long = "a();\n".repeat(401);
        let tested = format!(
            "{}#[cfg(test)]\nmod tests {{\n{long}}}\n",
            "a();\n".repeat(400)
        );
        let files = [
            ("crates/a/src/long.rs", long.as_str()),
            ("crates/a/src/tested.rs", tested.as_str()),
            ("tests/cases/long.rs", long.as_str()),
        ];
        testing::check(check, &files, &["crates/a/src/long.rs:400"]);
    }
}
