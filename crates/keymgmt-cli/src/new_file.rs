//! Files that a command writes: whole and on stable storage, or not at all.

use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::Builder;

use crate::exit::Failure;

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It stays, and the command fails with this advice.
    Keep(&'static str),
    /// It is replaced.
    Replace,
}

/// Writes `contents` to `path`, readable by everybody: it is public.
pub(crate) fn write(path: &Path, contents: &[u8], existing: Existing) -> Result<(), Failure> {
    publish(path, contents, existing).map_err(|source| match (existing, source.kind()) {
        (Existing::Keep(advice), io::ErrorKind::AlreadyExists) => Failure::FileExists {
            path: path.to_owned(),
            advice,
        },
        _ => Failure::File {
            step: "write",
            path: path.to_owned(),
            source,
        },
    })
}

fn publish(path: &Path, contents: &[u8], existing: Existing) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut draft = Builder::new()
        .prefix(".new-")
        .suffix(".tmp")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    draft.write_all(contents)?;
    draft.as_file().sync_all()?;
    let named = match existing {
        Existing::Keep(_) => draft.persist_noclobber(path),
        Existing::Replace => draft.persist(path),
    };
    named.map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_there_stays_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let keep = Existing::Keep("choose another");
        write(&path, b"one", keep).unwrap();
        assert!(matches!(
            write(&path, b"two", keep),
            Err(Failure::FileExists { .. })
        ));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write(&path, b"two", Existing::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
