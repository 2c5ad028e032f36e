//! The content of large messages: each a file of its own, synced before the record that names it, removed after its done.

use std::io;
use std::path::Path;

use super::entry::Extent;
use super::folder::Folder;
use super::segment::at_path;
use crate::ids::QueueId;
use crate::spool::SpoolError;
use crate::spool::disk::Disk;

/// Puts content on stable storage under the message's name.
pub(super) fn write(
    disk: &dyn Disk,
    folder: &Folder,
    id: QueueId,
    content: &[u8],
) -> Result<(), SpoolError> {
    let path = folder.large(id);
    let written = disk.write(&path, content);
    // It is the content of a message that was accepted.
    let other = |why: &io::Error| why.kind() == io::ErrorKind::AlreadyExists;
    if written.as_ref().is_err_and(other) {
        return Err(SpoolError::Taken { id });
    }
    let named = written.map_err(at_path("write", &path)).and_then(|()| {
        let synced = disk.sync_folder(&folder.large);
        synced.map_err(at_path("sync", &folder.large))
    });
    if named.is_err() {
        remove(disk, folder, id);
    }
    named
}

/// Reads content back, if it is as it was written.
pub(super) fn read(
    disk: &dyn Disk,
    folder: &Folder,
    id: QueueId,
    body: Extent,
) -> Result<Vec<u8>, SpoolError> {
    let path = folder.large(id);
    let content = disk.read(&path).map_err(at_path("read", &path))?;
    if content.len() == body.length as usize && crc32fast::hash(&content) == body.checksum {
        Ok(content)
    } else {
        Err(SpoolError::Damaged { path, offset: 0 })
    }
}

/// Removes the content of a message that is done, or was not accepted. What stays is removed at the next start.
pub(super) fn remove(disk: &dyn Disk, folder: &Folder, id: QueueId) {
    let _ = disk.unlink(&folder.large(id));
}

/// The message whose content a file is.
pub(super) fn message(path: &Path) -> Option<QueueId> {
    path.file_name()?.to_str()?.parse().ok()
}
