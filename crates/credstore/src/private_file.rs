//! Files that nobody else may read: written whole or not at all, and refused when others can see them.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Who besides the owner may read a file, as the bits that must be clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The owner alone.
    Owner,
    /// The owner, and readers in the group: systemd shows the files of `$CREDENTIALS_DIRECTORY` with mode 0440 when it
    /// grants access by an ACL. The directory itself keeps others out.
    Credential,
}

impl Audience {
    /// The permission bits of `metadata` when they let in too many.
    pub(crate) fn refuses(self, metadata: &Metadata) -> Option<u32> {
        let forbidden = match self {
            Self::Owner => 0o077,
            Self::Credential => 0o027,
        };
        let mode = metadata.permissions().mode() & 0o7777;
        (mode & forbidden != 0).then_some(mode)
    }
}

/// Starts a file beside `path`, with mode 0600, that is gone again unless [`publish`] gives it its name.
pub(crate) fn draft(path: &Path) -> io::Result<NamedTempFile> {
    Builder::new()
        .prefix(".new-")
        .suffix(".tmp")
        .tempfile_in(folder(path))
}

/// Gives a draft its name, on stable storage; never over a file that exists ([`io::ErrorKind::AlreadyExists`]).
pub(crate) fn publish(draft: NamedTempFile, path: &Path) -> io::Result<()> {
    adopt(draft.path())?;
    draft.as_file().sync_all()?;
    draft.persist_noclobber(path).map_err(|error| error.error)?;
    File::open(folder(path))?.sync_all()
}

/// Gives `path` to the owner of the folder it lies in: the administrator may work as root, the server as somebody else.
pub(crate) fn adopt(path: &Path) -> io::Result<()> {
    let (mine, theirs) = (fs::metadata(path)?, fs::metadata(folder(path))?);
    if (mine.uid(), mine.gid()) != (theirs.uid(), theirs.gid()) {
        // Only root may give files away; for anybody else the file stays their own.
        let _ = chown(path, Some(theirs.uid()), Some(theirs.gid()));
    }
    Ok(())
}

/// Writes `contents` to a new file of mode 0600: whole and on stable storage, or not at all.
pub(crate) fn create(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut draft = draft(path)?;
    draft.write_all(contents)?;
    publish(draft, path)
}

/// The folder that holds `path`.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, read, read_dir, set_permissions};

    use super::*;

    #[test]
    fn each_audience_has_its_forbidden_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create(&path, b"x").unwrap();
        let check = |mode: u32, audience: Audience, expected: Option<u32>| {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(
                audience.refuses(&fs::metadata(&path).unwrap()),
                expected,
                "{mode:o}"
            );
        };
        check(0o600, Audience::Owner, None);
        check(0o400, Audience::Owner, None);
        check(0o640, Audience::Owner, Some(0o640));
        check(0o604, Audience::Owner, Some(0o604));
        check(0o440, Audience::Credential, None);
        check(0o444, Audience::Credential, Some(0o444));
        check(0o460, Audience::Credential, Some(0o460));
    }

    #[test]
    fn an_existing_file_stays_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create(&path, b"first").unwrap();
        assert_eq!(
            create(&path, b"second").unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(read(&path).unwrap(), b"first");
        assert_eq!(read_dir(folder.path()).unwrap().count(), 1);
    }
}
