//! The text files of the workspace, as the rules read them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Paths from the root, with `/` between their parts, and what the files hold.
pub(super) struct Tree(Vec<(String, String)>);

/// Endings of the files that people write.
const TEXTS: [&str; 17] = [
    "rs", "toml", "md", "sh", "py", "pl", "mjs", "js", "json", "sql", "service", "socket", "ini",
    "eml", "txt", "yml", "trycmd",
];

impl Tree {
    /// Reads everything below `root` but cargo's output and git's.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort();
        Ok(Self(files))
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self(
            files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
                .collect(),
        )
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All files, by path.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust files.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// The manifests of the packages: folder (such as `crates/dkim-core`) and text.
    pub(super) fn manifests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files()
            .filter_map(|(path, text)| Some((path.strip_suffix("/Cargo.toml")?, text)))
    }

    /// One file's text.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files()
            .find(|(other, _)| *other == path)
            .map(|(_, text)| text)
    }

    /// Whether there is a file of that path, or a folder that holds one.
    pub(super) fn holds(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files().any(|(other, _)| {
            other == path
                || other
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) -> Result<()> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !matches!(name.as_str(), "target" | ".git" | "node_modules") {
            walk(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            let is_text = name
                .rsplit_once('.')
                .is_none_or(|(_, ending)| TEXTS.contains(&ending));
            // Files that are not UTF-8 are test data, of which only the path matters.
            let text = if is_text {
                fs::read(entry.path())?
            } else {
                Vec::new()
            };
            files.push((path, String::from_utf8(text).unwrap_or_default()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn reads_what_people_wrote() {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("a/b.rs", "//! b"),
            ("target/x.rs", "x"),
            ("a/image.png", "png"),
            ("run", "sh"),
        ] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let tree = Tree::read(root.path()).unwrap();
        let files: Vec<_> = tree.files().collect();
        assert_eq!(
            files,
            [("a/b.rs", "//! b"), ("a/image.png", ""), ("run", "sh")]
        );
        assert!(tree.holds("a") && tree.holds("a/") && tree.holds("a/b.rs") && !tree.holds("a/b"));
    }
}
