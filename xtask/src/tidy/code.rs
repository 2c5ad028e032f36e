//! A file's lines of code: which of them are code and not comment, and where its tests begin.

/// The lines of code with their numbers from 1, without comments and without what stands in string literals, as far as
/// one line shows it.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, String)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let code = bare(line);
        (!code.trim().is_empty()).then_some((index + 1, code))
    })
}

/// A line up to its comment, its string literals emptied.
fn bare(line: &str) -> String {
    let mut code = String::new();
    let mut letters = line.chars().peekable();
    let mut in_string = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if in_string => {
                letters.next();
            }
            '"' => {
                in_string = !in_string;
                code.push('"');
            }
            '/' if !in_string && letters.peek() == Some(&'/') => break,
            _ if in_string => {}
            _ => code.push(letter),
        }
    }
    code
}

/// The line of the `#[cfg(test)]` that opens the test module at the end of a file; past the end when there is none.
///
/// Attributes on single items do not count: what follows them is not all test.
pub(super) fn tests_begin(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let opens = |pair: &[&str]| matches!(pair, [attribute, item] if attribute.starts_with("#[cfg(test)]") && item.starts_with("mod "));
    lines
        .windows(2)
        .position(opens)
        .map_or(lines.len() + 1, |index| index + 1)
}

/// Whether the whole file is test code.
pub(super) fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/cases/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}

/// The lines of code that only tests run.
pub(super) fn test_lines(path: &str, text: &str) -> impl Iterator<Item = (usize, String)> {
    let begin = if is_test_file(path) {
        0
    } else {
        tests_begin(text)
    };
    lines(text).filter(move |(line, _)| *line > begin)
}

/// Whether `word` stands in the line as a whole identifier.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::{bare, has_word, lines, test_lines};

    #[test]
    fn tells_code_from_comments_and_tests_from_the_rest() {
        let text = "//! doc\nuse a; // why\n\n#[cfg(test)]\nmod tests {\n    b();\n}\n";
        assert_eq!(
            lines(text).map(|(line, _)| line).collect::<Vec<_>>(),
            [2, 4, 5, 6, 7]
        );
        assert_eq!(
            test_lines("crates/a/src/a.rs", text)
                .map(|(line, _)| line)
                .collect::<Vec<_>>(),
            [5, 6, 7]
        );
        assert_eq!(test_lines("tests/cases/a.rs", text).count(), 5);
        assert_eq!(
            test_lines("crates/a/src/a.rs", "#[cfg(test)]\nuse b;\nfn c() {}").count(),
            0
        );
    }

    #[test]
    fn a_line_is_bared_of_comments_and_strings() {
        let rows = [
            ("a(\"b // c\"); // d", "a(\"\"); "),
            (r#"a("\"b", c)"#, "a(\"\", c)"),
            ("a // \"b", "a "),
        ];
        for (line, expected) in rows {
            assert_eq!(bare(line), expected);
        }
    }

    #[test]
    fn words_are_whole() {
        for (line, expected) in [
            ("use tokio::io;", true),
            ("tokio_rustls", false),
            ("(tokio)", true),
            ("mytokio", false),
        ] {
            assert_eq!(has_word(line, "tokio"), expected, "{line}");
        }
    }
}
