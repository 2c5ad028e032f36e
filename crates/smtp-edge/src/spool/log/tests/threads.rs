//! The spool as the server has it: on the machine's file system, with its threads.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::super::LogSpool;
use super::faults::message;
use super::*;
use crate::config::SpoolSettings;
use crate::spool::Spool as _;
use crate::spool::disk::FileSystem;
use crate::spool::lock::Lock;
use crate::spool::tests::disk::Fault;

fn open_on(
    place: &TempDir,
    disk: Arc<dyn crate::spool::disk::Disk>,
    clock: Clock,
) -> (LogSpool, watch::Receiver<Condition>) {
    let (told, condition) = watch::channel(Condition::Works);
    let path = place.path().join("spool");
    let lock = Arc::new(Lock::take(&path).unwrap());
    let start = Start {
        folder: Folder::of(&path),
        disk,
        shape: SMALL,
        clock,
        troubles: Arc::new(Troubles::new(told)),
    };
    let spool = LogSpool::start(&start, lock).unwrap();
    // So that no thread asks the disk for anything in the midst of a case.
    spool.rooms.journal.supply.fill(1).unwrap();
    (spool, condition)
}

fn open(place: &TempDir) -> LogSpool {
    open_on(place, Arc::new(FileSystem), Clock::system()).0
}

#[tokio::test]
async fn a_message_lives_from_its_commit_to_its_removal() {
    let place = tempfile::tempdir().unwrap();
    for size in [100, 6000, 20_000] {
        let spool = open(&place);
        let mut kept = message(size as u64, size);
        let id = kept.id;
        assert_eq!(spool.commit(kept.clone()).await.unwrap().get(), id);
        assert_eq!(spool.read(id).await.unwrap().message, kept);
        kept.state = sample::worked_on();
        spool.update(id, kept.state.clone()).await.unwrap();
        assert_eq!(spool.read(id).await.unwrap().message, kept);
        drop(spool);
        let spool = open(&place);
        assert_eq!(spool.read(id).await.unwrap().message, kept);
        spool.remove(id).await.unwrap();
        for result in [
            spool.read(id).await.map(drop),
            spool.update(id, sample::worked_on()).await,
            spool.remove(id).await,
        ] {
            assert!(
                matches!(result, Err(SpoolError::NotFound { .. })),
                "{result:?}"
            );
        }
        let large = fs::read_dir(place.path().join("spool/large")).unwrap();
        assert_eq!(large.count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_are_all_answered_and_all_kept() {
    let place = tempfile::tempdir().unwrap();
    let spool = Arc::new(open(&place));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..32_u64 {
        let spool = Arc::clone(&spool);
        writers.spawn(async move {
            for number in 0..20 {
                let kept = message(writer * 100 + number, 3000);
                let id = spool.commit(kept.clone()).await.unwrap().get();
                assert_eq!(spool.read(id).await.unwrap().message, kept);
                match number % 4 {
                    0 => {}
                    1 => spool.update(id, sample::worked_on()).await.unwrap(),
                    _ => spool.remove(id).await.unwrap(),
                }
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    drop(spool);
    let recovered = open(&place).recover().await.unwrap();
    assert_eq!(recovered.messages.len(), 32 * 10);
    assert_eq!(recovered.last_id, Some(sample::message(3119).id));
}

#[tokio::test]
async fn a_spool_has_one_server_at_a_time() {
    let place = tempfile::tempdir().unwrap();
    let first = open(&place);
    let (told, _condition) = watch::channel(Condition::Works);
    let bound = SpoolSettings::default().large_message;
    let path = place.path().join("spool");
    let second = LogSpool::open(path, bound, Clock::system(), told).await;
    let error = second.err().unwrap();
    assert!(matches!(error, SpoolError::InUse { .. }), "{error}");
    drop(first);
    open(&place);
}

#[tokio::test]
async fn nobody_else_may_read_the_mail() {
    let place = tempfile::tempdir().unwrap();
    let spool = open(&place);
    for size in [100, 20_000] {
        let _ = spool.commit(message(size, size as usize)).await.unwrap();
    }
    let folder = place.path().join("spool");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in ["", "log", "large", "corrupt"] {
        assert_eq!(mode(&folder.join(name)), 0o700, "{name}");
    }
    for name in ["log", "large"] {
        for file in fs::read_dir(folder.join(name)).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_is_told_and_comes_back_by_itself() {
    let place = tempfile::tempdir().unwrap();
    let disk = SimulatedDisk::new(1);
    let (spool, mut condition) = open_on(&place, Arc::new(disk.clone()), Clock::system());
    let _ = spool.commit(message(1, 100)).await.unwrap();
    disk.strike(0, Fault::Broken);
    let refused = spool.commit(message(2, 100)).await;
    assert!(matches!(refused, Err(SpoolError::Io { .. })), "{refused:?}");
    condition
        .wait_for(|now| *now == Condition::Failed)
        .await
        .unwrap();
    disk.heal();
    condition
        .wait_for(|now| *now == Condition::Works)
        .await
        .unwrap();
    let _ = spool.commit(message(3, 100)).await.unwrap();
    assert_eq!(spool.recover().await.unwrap().messages.len(), 2);
}

/// The content goes after the record that says so, and goes when there is none.
#[tokio::test(flavor = "multi_thread")]
async fn content_of_large_messages_follows_their_records() {
    let place = tempfile::tempdir().unwrap();
    let disk = SimulatedDisk::new(1);
    let clock = Clock::manual(sample::accepted());
    let (spool, mut condition) = open_on(&place, Arc::new(disk.clone()), clock.clone());
    let kept = message(1, 20_000);
    let large = || {
        let names = disk.files().into_keys();
        let large = names.filter(|path| path.parent().unwrap().ends_with("large"));
        large.count()
    };
    let _ = spool.commit(kept.clone()).await.unwrap();
    disk.strike(0, Fault::Broken);
    let failed = spool.update(kept.id, sample::worked_on()).await;
    // The disk takes content again, and the log is not asked to try yet.
    disk.heal();
    for refused in [
        failed,
        spool.remove(kept.id).await,
        spool.commit(message(2, 20_000)).await.map(drop),
    ] {
        assert!(matches!(refused, Err(SpoolError::Io { .. })), "{refused:?}");
    }
    assert_eq!(large(), 1);
    assert_eq!(spool.read(kept.id).await.unwrap().message, kept);

    clock.advance(Duration::from_secs(6));
    condition
        .wait_for(|now| *now == Condition::Works)
        .await
        .unwrap();
    spool.remove(kept.id).await.unwrap();
    assert_eq!(large(), 0);
}

#[tokio::test]
async fn a_spool_that_is_dropped_has_written_what_was_asked() {
    let place = tempfile::tempdir().unwrap();
    let spool = open(&place);
    let id = sample::message(1).id;
    let _ = spool.commit(message(1, 100)).await.unwrap();
    let (request, answer) = Request::new(id, Asks::Remove);
    spool.rooms.inbox.put(request);
    drop(spool);
    let _ = answer.await.unwrap().unwrap();
    assert_eq!(open(&place).recover().await.unwrap().messages, []);
}
