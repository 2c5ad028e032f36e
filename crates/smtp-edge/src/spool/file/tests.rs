//! The files of the spool: what a crash leaves, what is damaged, what is set aside.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::spool::message::{Head, HeldFor, RecipientState, Waiting};
use crate::spool::tests::disk::SimulatedDisk;
use crate::spool::tests::figures::at_random;
use crate::spool::tests::model::{Ask, Chore, Subject};
use crate::spool::{record, sample};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> Folder {
    Folder::open(&folder.path().join("spool"), Arc::new(FileSystem)).unwrap()
}

fn settled() -> MessageState {
    MessageState {
        recipients: vec![
            RecipientState::Delivered,
            RecipientState::Delivered,
            RecipientState::Reported,
        ],
        ..sample::worked_on()
    }
}

#[tokio::test]
async fn a_message_lives_from_its_commit_to_its_removal() {
    let place = folder();
    let spool = FileSpool::open(place.path().join("a/new/spool"))
        .await
        .unwrap();
    let mut message = sample::message(1);
    let id = message.id;
    assert_eq!(spool.commit(message.clone()).await.unwrap().get(), id);
    assert_eq!(spool.read(id).await.unwrap().message, message);
    message.state = sample::worked_on();
    spool.update(id, message.state.clone()).await.unwrap();
    assert_eq!(spool.read(id).await.unwrap().message, message);
    spool.remove(id).await.unwrap();
    for result in [
        spool.read(id).await.map(|_| ()),
        spool.update(id, sample::worked_on()).await,
        spool.remove(id).await,
    ] {
        assert!(
            matches!(result, Err(SpoolError::NotFound { .. })),
            "{result:?}"
        );
    }
    let left = spool.folder.list(&spool.folder.messages).unwrap();
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_spool_has_one_server_at_a_time() {
    let place = folder();
    let first = FileSpool::open(place.path()).await.unwrap();
    let error = FileSpool::open(place.path()).await.err().unwrap();
    assert!(matches!(error, SpoolError::InUse { .. }), "{error}");
    drop(first);
    FileSpool::open(place.path()).await.unwrap();
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_mail() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = folder();
    let spool = open(&place);
    let _ = spool.commit(&sample::message(1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.path().join("spool")), 0o700);
    assert_eq!(mode(&spool.message_path(sample::message(1).id)), 0o600);
}

#[test]
fn a_start_finds_what_is_left_to_do_and_cleans_up() {
    let place = folder();
    let spool = open(&place);
    for number in [3, 1, 2] {
        let _ = spool.commit(&sample::message(number)).unwrap();
    }
    spool
        .update(sample::message(1).id, &sample::worked_on())
        .unwrap();
    spool.update(sample::message(2).id, &settled()).unwrap();
    fs::write(spool.tmp.join("17"), "half a rec").unwrap();
    let orphan = spool.state_path(sample::message(9).id);
    fs::write(
        &orphan,
        record::encode_state(sample::message(9).id, &settled()),
    )
    .unwrap();
    drop(spool);

    let spool = open(&place);
    let recovered = spool.recover().unwrap();
    let expected = [
        (sample::message(1).id, Waiting::from(&sample::worked_on())),
        (sample::message(3).id, Waiting::from(&sample::fresh(3))),
    ];
    assert_eq!(recovered.messages, expected);
    assert_eq!(recovered.corrupt, Vec::<PathBuf>::new());
    assert_eq!(spool.list(&spool.tmp).unwrap(), Vec::<PathBuf>::new());
    assert!(!orphan.exists());
    assert!(!spool.message_path(sample::message(2).id).exists());
}

#[test]
fn what_is_damaged_is_set_aside_by_name() {
    let place = folder();
    let spool = open(&place);
    for number in 1..=4 {
        let _ = spool.commit(&sample::message(number)).unwrap();
        spool
            .update(sample::message(number).id, &sample::worked_on())
            .unwrap();
    }
    let ids: Vec<QueueId> = (1..=4).map(|number| sample::message(number).id).collect();
    fs::write(spool.message_path(ids[0]), "").unwrap(); // a torn message
    fs::write(spool.state_path(ids[1]), "EDGE").unwrap(); // a torn state
    fs::copy(spool.message_path(ids[3]), spool.message_path(ids[2])).unwrap(); // another message's record
    fs::write(spool.messages.join("readme.txt"), "what is this").unwrap();
    let error = spool.read(ids[0]).unwrap_err();
    assert!(
        matches!(error, SpoolError::Damaged { offset: 0, .. }),
        "{error}"
    );

    let recovered = spool.recover().unwrap();
    // Without its state nobody knows how far a message has come.
    let state = spool.read(ids[1]).unwrap().message.state;
    assert!(matches!(state.orders.held, Some(held) if held.why == HeldFor::Damage));
    assert_eq!(recovered.held, [ids[1]]);
    let as_accepted = MessageState {
        orders: sample::fresh(3).orders,
        ..state.clone()
    };
    assert_eq!(as_accepted, sample::fresh(3));
    let expected = [
        (ids[1], Waiting::from(&state)),
        (ids[3], Waiting::from(&sample::worked_on())),
    ];
    assert_eq!(recovered.messages, expected);
    let mut names: Vec<String> = recovered
        .corrupt
        .iter()
        .map(|path| {
            assert!(path.exists() && path.starts_with(&spool.corrupt));
            path.file_name().unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    names.sort();
    let mut expected = vec![
        format!("{}.msg", ids[0]),
        format!("{}.state", ids[0]),
        format!("{}.state", ids[1]),
        format!("{}.msg", ids[2]),
        format!("{}.state", ids[2]),
        "readme.txt".to_owned(),
    ];
    expected.sort();
    assert_eq!(names, expected);

    // The same name a second time does not take the first one's place.
    fs::write(spool.message_path(ids[0]), "again").unwrap();
    let recovered = spool.recover().unwrap();
    let numbered = spool.corrupt.join(format!("{}.msg.1", ids[0]));
    assert_eq!(recovered.corrupt, [numbered]);
}

#[test]
fn a_record_of_a_later_version_stops_the_start_and_stays() {
    let place = folder();
    let spool = open(&place);
    let id = sample::message(1).id;
    let _ = spool.commit(&sample::message(1)).unwrap();
    let mut later = fs::read(spool.message_path(id)).unwrap();
    later[5] = 9;
    fs::write(spool.message_path(id), &later).unwrap();
    let error = spool.recover().unwrap_err();
    assert!(
        matches!(error, SpoolError::Version { version: 9, .. }),
        "{error}"
    );
    assert!(spool.message_path(id).exists());
}

impl Subject for Folder {
    const FORGETS_REFUSED: bool = false;

    fn open(disk: &SimulatedDisk) -> Result<(Self, Recovered), SpoolError> {
        let folder = Folder::open(Path::new("/spool"), Arc::new(disk.clone()))?;
        let recovered = folder.recover()?;
        Ok((folder, recovered))
    }

    fn ask(&mut self, asks: Vec<Ask>) -> Vec<Result<(), SpoolError>> {
        let ask = |ask| match ask {
            Ask::Commit(message) => self.commit(&message).map(drop),
            Ask::Update(id, state) => self.update(id, &state),
            Ask::Remove(id) => self.remove(id),
        };
        asks.into_iter().map(ask).collect()
    }

    fn read(&self, id: QueueId) -> Result<Stored, SpoolError> {
        Self::read(self, id)
    }

    fn head(&self, id: QueueId) -> Result<Head, SpoolError> {
        Self::head(self, id)
    }

    fn chore(&mut self, _: Chore) {}

    fn end(self) {}
}

#[test]
fn random_operations_on_a_failing_disk() {
    at_random::<Folder>("files", 600, 1..50);
}
