//! `spool export`: each message as `<id>.eml`, and its envelope beside it as `<id>.json`. What is there already is never
//! written over, so that an export that was cut off is begun again and goes on.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use smtp_edge::admin::queue::listed::Listed;
use smtp_edge::ids::QueueId;
use smtp_edge::mail_log::Chain;
use smtp_edge::queue::filter::Stage;
use smtp_edge::spool::message::{Head, Message};
use smtp_edge::spool::offline::{OfflineSpool, is_settled};

use super::{Failure, Place, Status};
use crate::commands::page::{self, printable};

/// What an export has done.
#[derive(Debug, Default, Serialize)]
struct Exported {
    /// Messages that were written.
    written: u64,
    /// Those that were there already, as they would have been written.
    there: u64,
    /// Those for which nothing is left to do: they are not written.
    settled: u64,
    /// Those that were not written, and why.
    not_written: Vec<NotWritten>,
    /// What is damaged. If that is the latest state of a message, what was written of it is older.
    damaged: Vec<String>,
}

#[derive(Debug, Serialize)]
struct NotWritten {
    id: String,
    why: String,
}

pub(super) fn export(spool: &Path, folder: &Path, place: &Place) -> Result<Status, Failure> {
    let spool = OfflineSpool::open(spool)?;
    let failed = |step, path: &Path| {
        let path = path.to_owned();
        move |source| Failure::File { step, path, source }
    };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(failed("make", folder))?;
    let ids = spool.messages();
    let bar = page::bar("exporting", ids.len() as u64);
    let mut exported = Exported::default();
    for id in ids {
        match spool.read(id) {
            Ok(message) if is_settled(&message) => exported.settled += 1,
            Ok(message) => match write(folder, message).map_err(failed("write", folder))? {
                Written::Now => exported.written += 1,
                Written::Before => exported.there += 1,
                Written::Other(name) => exported.leave(
                    id,
                    format!(
                        "{name} is there and is another: move it away, or export to another folder"
                    ),
                ),
            },
            Err(error) => exported.leave(id, Chain(&error).to_string()),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    exported.damaged = spool.damage().iter().map(ToString::to_string).collect();
    keep(folder).map_err(failed("sync", folder))?;
    if place.json {
        page::json(&exported)?;
    } else {
        exported.print()?;
    }
    Ok(
        if exported.not_written.is_empty() && exported.damaged.is_empty() {
            Status::Done
        } else {
            Status::Partly
        },
    )
}

impl Exported {
    fn leave(&mut self, id: QueueId, why: String) {
        let id = id.to_string();
        self.not_written.push(NotWritten { id, why });
    }

    fn print(&self) -> Result<(), Failure> {
        for left in &self.not_written {
            eprintln!("smtp-edge: {}: {}", left.id, printable(&left.why));
        }
        for damage in &self.damaged {
            eprintln!("smtp-edge: {}", printable(damage));
        }
        page::line(&format!(
            "{} written, {} there already, {} with nothing left to do, {} not written",
            super::super::queue::messages(self.written),
            self.there,
            self.settled,
            self.not_written.len()
        ))
    }
}

/// What became of a message.
enum Written {
    Now,
    Before,
    /// A file of that name is there and holds something else.
    Other(String),
}

/// The message first: one whose envelope is there is whole.
fn write(folder: &Path, message: Message) -> io::Result<Written> {
    let id = message.id;
    let octets = [message.trace.as_slice(), &message.content].concat();
    let envelope = envelope(message)?;
    let name = format!("{id}.eml");
    let placed = place(folder, &name, &octets, |there| there == octets)?;
    if placed == Placed::Other {
        return Ok(Written::Other(name));
    }
    let name = format!("{id}.json");
    let about = |there: &[u8]| {
        let there: Option<Value> = serde_json::from_slice(there).ok();
        there.is_some_and(|there| there.get("id") == Some(&Value::from(id.to_string())))
    };
    // Its state may have changed since.
    Ok(match place(folder, &name, &envelope, about)? {
        Placed::Now => Written::Now,
        Placed::Before => Written::Before,
        Placed::Other => Written::Other(name),
    })
}

/// What `queue show --json` says of it, but for its age.
fn envelope(message: Message) -> io::Result<Vec<u8>> {
    let head = Head::from(message);
    let stage = Stage::by_record(&head.state);
    let listed = Listed::whole(&head, stage, head.envelope.accepted);
    let mut value = serde_json::to_value(listed)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("age_seconds");
    }
    let mut text = serde_json::to_vec_pretty(&value)?;
    text.push(b'\n');
    Ok(text)
}

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
enum Placed {
    Now,
    Before,
    Other,
}

/// Gives octets a name that nothing has yet; what has it must be the `same`.
fn place(
    folder: &Path,
    name: &str,
    octets: &[u8],
    same: impl Fn(&[u8]) -> bool,
) -> io::Result<Placed> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(there) if same(&there) => return Ok(Placed::Before),
        Ok(_) => return Ok(Placed::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut draft = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder)?;
    draft.write_all(octets)?;
    match draft.persist_noclobber(&path) {
        Ok(_) => Ok(Placed::Now),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(Placed::Other),
        Err(error) => Err(error.error),
    }
}

/// Puts all that was written on stable storage, at once: file by file would take a disk's time for each.
fn keep(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let place = |octets: &[u8]| place(folder.path(), "a.eml", octets, |there| there == octets);
        assert_eq!(place(b"one").unwrap(), Placed::Now);
        assert_eq!(place(b"one").unwrap(), Placed::Before);
        assert_eq!(place(b"two").unwrap(), Placed::Other);
        assert_eq!(fs::read(folder.path().join("a.eml")).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        keep(folder.path()).unwrap();
    }
}
