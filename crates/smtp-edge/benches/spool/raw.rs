//! The least that a log can do: what waits is copied into one buffer, written once, synced once, answered. No checksum, no
//! index, no way back. Its file was zeroed before, and is written round and round.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;

use crate::Fault;

/// Octets that wait, and who waits for them.
type Waiting = (Vec<u8>, oneshot::Sender<std::io::Result<()>>);

/// A log of octets.
pub(crate) struct RawLog(mpsc::Sender<Waiting>);

impl RawLog {
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).open(path)?;
        let zeros = vec![0; 1024 * 1024];
        for at in (0..SIZE).step_by(zeros.len()) {
            file.write_all_at(&zeros, at as u64)?;
        }
        file.sync_all()?;
        let (sender, waiting) = mpsc::channel();
        thread::Builder::new()
            .name("raw".into())
            .spawn(move || write(&file, &waiting))?;
        Ok(Self(sender))
    }

    pub(crate) async fn commit(&self, octets: Vec<u8>) -> Result<(), Fault> {
        let (answer, answered) = oneshot::channel();
        self.0.send((octets, answer))?;
        Ok(answered.await??)
    }
}

fn write(file: &File, waiting: &mpsc::Receiver<Waiting>) {
    let mut at = 0;
    let mut buffer = Vec::with_capacity(MOST);
    while let Ok((octets, answer)) = waiting.recv() {
        buffer.clear();
        buffer.extend_from_slice(&octets);
        let mut answers = vec![answer];
        while buffer.len() < MOST
            && let Ok((octets, answer)) = waiting.try_recv()
        {
            buffer.extend_from_slice(&octets);
            answers.push(answer);
        }
        if at + buffer.len() > SIZE {
            at = 0;
        }
        let written = file
            .write_all_at(&buffer, at as u64)
            .and_then(|()| file.sync_data());
        at += buffer.len();
        for answer in answers {
            let written = written.as_ref().copied();
            let _ = answer.send(written.map_err(|why| why.kind().into()));
        }
    }
}

/// As much as the spool's log has in use and in spare.
const SIZE: usize = 256 * 1024 * 1024;
/// As much as the spool's log puts into one batch.
const MOST: usize = 8 * 1024 * 1024;
