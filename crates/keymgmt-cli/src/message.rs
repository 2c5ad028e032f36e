//! Messages from files: as they are, with every line ended by CRLF.

use std::io::{self, Read as _};
use std::path::Path;

use crate::exit::Failure;

/// Reads a message; `-` is the standard input.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let contents = if path == Path::new("-") {
        let mut contents = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut contents)
            .map(|_| contents)
    } else {
        std::fs::read(path)
    };
    let contents = contents.map_err(|source| Failure::File {
        step: "read",
        path: path.to_owned(),
        source,
    })?;
    Ok(dkim_core::crlf(&contents).into_owned())
}
