//! Opens the spool that the settings ask for, and brings over what lies in one of the other kind: no setting strands mail.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::blocking::blocking;
use super::file::FileSpool;
use super::lock::Lock;
use super::log::{Condition, LogSpool};
use super::{Recovered, Spool, SpoolError};
use crate::clock::Clock;
use crate::config::{SpoolKind, SpoolSettings};

/// Opens the spool at `path` and reads what an earlier run left. `condition` is told whether messages can be stored.
///
/// # Errors
/// [`SpoolError`] when the spool is another server's, or a later version's, or the system refuses.
pub async fn open(
    path: PathBuf,
    settings: &SpoolSettings,
    clock: Clock,
    condition: watch::Sender<Condition>,
) -> Result<(Arc<dyn Spool>, Recovered), SpoolError> {
    let folder = path.clone();
    let lock = Arc::new(blocking(move || Lock::take(&folder)).await?);
    let files = || FileSpool::locked(path.clone(), Arc::clone(&lock));
    let log = |condition| {
        let (path, lock) = (path.clone(), Arc::clone(&lock));
        LogSpool::locked(path, lock, settings.large_message, clock.clone(), condition)
    };
    match settings.kind {
        SpoolKind::Log => {
            let spool = log(condition).await?;
            let mut others = Recovered::default();
            if FileSpool::is_in(&path)? {
                others = bring_over(&files().await?, &spool).await?;
            }
            let recovered = after(others, spool.recover().await?);
            Ok((Arc::new(spool), recovered))
        }
        SpoolKind::Files => {
            let spool = files().await?;
            let mut others = Recovered::default();
            if LogSpool::is_in(&path)? {
                let log = log(watch::channel(Condition::Works).0).await?;
                others = bring_over(&log, &spool).await?;
                log.clear().await?;
            }
            let recovered = after(others, spool.recover().await?);
            Ok((Arc::new(spool), recovered))
        }
    }
}

/// Moves every message from one spool to the other. It may be cut off anywhere: what is in both is the same, since nothing
/// is delivered before it has ended.
async fn bring_over(from: &dyn Spool, to: &dyn Spool) -> Result<Recovered, SpoolError> {
    let mut left = from.recover().await?;
    let messages = std::mem::take(&mut left.messages);
    for (id, _) in messages {
        let message = match from.read(id).await {
            Ok(stored) => stored.message,
            Err(SpoolError::Damaged { path, .. }) => {
                left.corrupt.push(path); // and stays where it is
                continue;
            }
            Err(error) => return Err(error),
        };
        match to.commit(message).await {
            Ok(_) | Err(SpoolError::Taken { .. }) => from.remove(id).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(left)
}

/// What was found when something else was found before it.
fn after(before: Recovered, mut found: Recovered) -> Recovered {
    found.last_id = found.last_id.max(before.last_id);
    found.corrupt.extend(before.corrupt);
    found.unknown.extend(before.unknown);
    found.held.extend(before.held);
    found
}

/// Whether a folder is there and has something in it.
pub(super) fn holds_anything(folder: &Path) -> Result<bool, SpoolError> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(SpoolError::Io {
            step: "list",
            path: folder.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::sample;

    fn settings(kind: SpoolKind) -> SpoolSettings {
        SpoolSettings {
            kind,
            ..SpoolSettings::default()
        }
    }

    #[tokio::test]
    async fn a_change_of_the_kind_takes_the_mail_along() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("spool");
        let opened = async |kind| {
            let (told, settings) = (watch::channel(Condition::Works).0, settings(kind));
            let opened = open(path.clone(), &settings, Clock::system(), told).await;
            opened.unwrap()
        };
        let (spool, _) = opened(SpoolKind::Files).await;
        for number in 1..=3 {
            let _ = spool.commit(sample::message(number)).await.unwrap();
        }
        let worked_on = sample::message(2).id;
        spool.update(worked_on, sample::worked_on()).await.unwrap();
        drop(spool);
        for kind in [
            SpoolKind::Log,
            SpoolKind::Log,
            SpoolKind::Files,
            SpoolKind::Files,
            SpoolKind::Log,
        ] {
            let (spool, recovered) = opened(kind).await;
            let ids: Vec<_> = recovered.messages.iter().map(|(id, _)| *id).collect();
            assert_eq!(ids, [1, 2, 3].map(|number| sample::message(number).id));
            assert_eq!(recovered.corrupt, Vec::<PathBuf>::new());
            assert!(recovered.last_id >= Some(sample::message(3).id));
            let mut message = sample::message(2);
            message.state = sample::worked_on();
            assert_eq!(spool.read(worked_on).await.unwrap().message, message);
            let other = match kind {
                SpoolKind::Log => "messages",
                SpoolKind::Files => "log",
            };
            assert!(!holds_anything(&path.join(other)).unwrap(), "{other}");
        }
    }

    #[tokio::test]
    async fn a_move_that_was_cut_off_is_made_good() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("spool");
        let told = || watch::channel(Condition::Works).0;
        let files = FileSpool::open(&path).await.unwrap();
        let _ = files.commit(sample::message(1)).await.unwrap();
        drop(files);
        // It had been committed to the log, and not removed from the files.
        let bound = SpoolSettings::default().large_message;
        let log = LogSpool::open(&path, bound, Clock::system(), told()).await;
        let _ = log.unwrap().commit(sample::message(1)).await.unwrap();
        let settings = settings(SpoolKind::Log);
        let opened = open(path.clone(), &settings, Clock::system(), told()).await;
        assert_eq!(opened.unwrap().1.messages.len(), 1);
        assert!(!holds_anything(&path.join("messages")).unwrap());
    }
}
