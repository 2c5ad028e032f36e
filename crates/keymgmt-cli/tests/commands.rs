//! The command line as files: `tests/cmd/*.trycmd`, each run in a folder of its own. They may use `chmod`, since git does not
//! keep the mode of a file that others must not read.

use std::path::Path;

#[test]
fn commands() {
    trycmd::TestCases::new()
        .register_bin("chmod", Path::new("/bin/chmod"))
        .case("tests/cmd/*.trycmd");
}
