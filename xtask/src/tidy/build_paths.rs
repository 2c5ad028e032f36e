//! Nothing in the tree knows the machine it was written on: no path of a build machine or of a user's own folder.

use super::{Finding, Tree};

/// Written in two parts, so that this file does not find itself.
const PATHS: [&str; 4] = [
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files() {
        for (index, line) in text.lines().enumerate() {
            if PATHS.iter().any(|build| starts_a_path(line, build)) {
                findings.push(Finding::new(path, index + 1, "a path of one machine: find it, take it as an argument, or use /etc or /var/lib in examples"));
            }
        }
    }
    findings
}

/// Whether the folder stands at the beginning of a path, not within one (`a/b/`) or a URL.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|letter| {
            letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '}' | '~' | '$')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    #[test]
    fn finds_paths_of_a_machine() {
        let root = concat!("see /ro", "ot/.cargo\n");
        let home = concat!("data = \"/ho", "me/ann/x\"\n");
        let within = concat!("https://www.example.org/wo", "rk/a and docs/ho", "me/b\n");
        let files = [
            ("README.md", root),
            ("a.toml", home),
            ("b.md", within),
            ("c.md", "/etc/smtp-edge/ /var/lib/\n"),
        ];
        testing::check(check, &files, &["README.md:1", "a.toml:1"]);
    }
}
