//! The examples that administrators start from exist, and a test loads each of the settings files.

use super::{Finding, Tree};

/// What `deploy/` holds at the least, by the ends of the names.
const WANTED: [&str; 4] = [
    "smtp-edge.toml",
    "notes.ini",
    "smtp-edge.service",
    "smtp-edge.socket",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for wanted in WANTED {
        if !tree
            .files()
            .any(|(path, _)| path.starts_with("deploy/") && path.ends_with(wanted))
        {
            findings.push(Finding::new(
                "deploy",
                0,
                format!("an example {wanted} is missing"),
            ));
        }
    }
    let settings = tree.files().filter(|(path, _)| {
        path.starts_with("deploy/") && (path.ends_with(".toml") || path.ends_with(".ini"))
    });
    for (path, _) in settings {
        let name = path.rsplit('/').next().unwrap_or(path);
        let loads = |(other, text): (&str, &str)| {
            !other.starts_with("xtask/") && text.contains("deploy") && text.contains(name)
        };
        if !tree.rust().any(loads) {
            findings.push(Finding::new(path, 0, "no test loads this example"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    #[test]
    fn finds_examples_that_are_missing_or_that_nothing_loads() {
        let files = [
            ("deploy/smtp-edge.toml", ""),
            ("deploy/notes.ini", ""),
            ("deploy/smtp-edge.service", ""),
            (
                "tests/cases/examples.rs",
                "load(root.join(\"deploy/smtp-edge.toml\"))",
            ),
        ];
        testing::check(check, &files, &["deploy:0", "deploy/notes.ini:0"]);
    }
}
