//! The folders of the log and the names in them. A name is a statement about its file, made durable before it is believed.

use std::path::{Path, PathBuf};

use super::frame::{End, Epoch};
use crate::ids::QueueId;

/// Where the log lies.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) log: PathBuf,
    pub(super) large: PathBuf,
    pub(super) corrupt: PathBuf,
}

impl Folder {
    /// The folders of the spool at `path`.
    pub(super) fn of(path: &Path) -> Self {
        Self {
            log: path.join("log"),
            large: path.join("large"),
            corrupt: path.join("corrupt"),
        }
    }

    /// The path of the file in the log of which `name` is true.
    pub(super) fn path(&self, name: Name) -> PathBuf {
        self.log.join(match name {
            Name::Open(Epoch(epoch)) => format!("{epoch:016x}.log"),
            Name::Closed(End {
                epoch: Epoch(epoch),
                end,
            }) => format!("{epoch:016x}-{end:08x}.log"),
            Name::Spare(number) => format!("spare-{number}"),
        })
    }

    /// The file of a large message's content.
    pub(super) fn large(&self, id: QueueId) -> PathBuf {
        self.large.join(id.to_string())
    }
}

/// What a file of the log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Name {
    /// A segment that is written, or ready to be.
    Open(Epoch),
    /// A segment with its end.
    Closed(End),
    /// A file that waits to be a segment.
    Spare(u64),
}

impl Name {
    /// What the name of a file says; `None` when it is none of ours.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        if let Some(number) = name.strip_prefix("spare-") {
            let own = |number: &u64| number.to_string() == name.trim_start_matches("spare-");
            return number.parse().ok().filter(own).map(Self::Spare);
        }
        let stem = name.strip_suffix(".log")?;
        let Some((epoch, end)) = stem.split_once('-') else {
            return hexadecimal(stem, 16).map(Epoch).map(Self::Open);
        };
        Some(Self::Closed(End {
            epoch: Epoch(hexadecimal(epoch, 16)?),
            end: u32::try_from(hexadecimal(end, 8)?).ok()?,
        }))
    }
}

fn hexadecimal(text: &str, digits: usize) -> Option<u64> {
    let own = |octet: u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == digits && text.bytes().all(own) {
        u64::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_file_is() {
        let check = |text: &str, expected: Option<Name>| {
            let folder = Folder::of(Path::new("spool"));
            let path = folder.log.join(text);
            assert_eq!(Name::read(&path), expected, "{text}");
            if let Some(name) = expected {
                assert_eq!(folder.path(name), path);
            }
        };
        let closed = End {
            epoch: Epoch(0x1f),
            end: 0x3ff_f000,
        };
        check("000000000000001f.log", Some(Name::Open(Epoch(0x1f))));
        check("000000000000001f-03fff000.log", Some(Name::Closed(closed)));
        check("spare-7", Some(Name::Spare(7)));
        check("spare-07", None); // there would be two names for one number
        check("spare-+7", None);
        check("spare-", None);
        check("1f.log", None);
        check("000000000000001F.log", None);
        check("000000000000001f.log.bak", None);
        check("000000000000001f-3fff000.log", None);
        check("readme", None);
    }
}
