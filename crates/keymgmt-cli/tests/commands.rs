//! The command line as files: `tests/cmd/*.trycmd`, each run in a folder of its own.

#[test]
fn commands() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
