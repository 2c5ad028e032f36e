use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use proptest::prelude::*;
use tempfile::TempDir;

use super::folder::list;
use super::*;
use crate::spool::disk::Disk;
use crate::spool::message::RecipientState;
use crate::spool::{record, sample};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> Folder {
    Folder::open(folder.path().join("spool"), Box::new(FileSystem)).unwrap()
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
    let left: Vec<_> = list(&spool.0.messages).unwrap();
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[test]
fn a_spool_has_one_server_at_a_time() {
    let place = folder();
    let first = open(&place);
    let second = Folder::open(place.path().join("spool"), Box::new(FileSystem));
    let error = second.err().unwrap();
    assert!(matches!(error, SpoolError::InUse { .. }), "{error}");
    drop(first);
    open(&place);
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
        (sample::message(1).id, sample::worked_on()),
        (sample::message(3).id, sample::fresh(3)),
    ];
    assert_eq!(recovered.messages, expected);
    assert_eq!(recovered.corrupt, Vec::<PathBuf>::new());
    assert_eq!(list(&spool.tmp).unwrap(), Vec::<PathBuf>::new());
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
    // Without its state a message starts again from its acceptance.
    let expected = [(ids[1], sample::fresh(3)), (ids[3], sample::worked_on())];
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

/// A disk of which the `failing`-th operation, counted down, fails; a failed write leaves half of its octets.
struct FailingDisk {
    countdown: Arc<Mutex<Option<usize>>>,
}

impl FailingDisk {
    fn fails(&self) -> bool {
        let mut countdown = self.countdown.lock().unwrap();
        let now = *countdown == Some(0);
        *countdown = countdown.and_then(|left| left.checked_sub(1));
        now
    }

    fn check(&self) -> io::Result<()> {
        if self.fails() {
            Err(io::Error::other("injected"))
        } else {
            Ok(())
        }
    }
}

impl Disk for FailingDisk {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.fails() {
            FileSystem.write(path, &bytes[..bytes.len() / 2])?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        FileSystem.write(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check()?;
        FileSystem.rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.check()?;
        FileSystem.sync_folder(path)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.check()?;
        FileSystem.unlink(path)
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Commit,
    /// The message of so many commits ago, and its new count of attempts.
    Update(u64, u32),
    /// The message of so many commits ago.
    Remove(u64),
    Restart,
    /// The disk operation that comes so many later fails.
    Fail(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => Just(Operation::Commit),
        4 => (0..6_u64, any::<u32>()).prop_map(|(ago, attempts)| Operation::Update(ago, attempts)),
        2 => (0..6_u64).prop_map(Operation::Remove),
        1 => Just(Operation::Restart),
        2 => (0..5_usize).prop_map(Operation::Fail),
    ]
}

/// What may be in the spool: after an error of update or remove, the old or the new.
#[derive(Debug, Clone, Default, PartialEq)]
struct Possible {
    states: Vec<MessageState>,
    gone: bool,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// What is a failure: a message whose commit succeeded and which is not there, or with a state older than the
    /// last recorded one; a message whose removal succeeded and which is there; a record set aside as damaged. What is not: after an update or a removal that
    /// failed, the message as before or as after; a message whose commit failed and whose clean-up failed too.
    #[test]
    fn random_operations_with_failing_disks_against_a_model(operations in proptest::collection::vec(operation(), 1..40)) {
        let place = folder();
        let path = place.path().join("spool");
        let countdown = Arc::new(Mutex::new(None));
        let disk = || Box::new(FailingDisk { countdown: Arc::clone(&countdown) });
        let mut spool = Some(Folder::open(path.clone(), disk()).unwrap());
        let mut model: BTreeMap<QueueId, Possible> = BTreeMap::new();
        let mut commits = 100_u64; // so that `ago` may reach before the first
        for operation in operations {
            let folder = spool.as_ref().unwrap();
            match operation {
                Operation::Commit => {
                    commits += 1; // names are never given twice
                    let message = sample::message(commits);
                    if folder.commit(&message).is_ok() {
                        model.insert(message.id, Possible { states: vec![message.state], gone: false });
                    } else if folder.message_path(message.id).exists() {
                        // The clean-up may have failed with the disk: that alone is allowed to leave it behind.
                        model.insert(message.id, Possible { states: vec![message.state], gone: true });
                    }
                }
                Operation::Update(ago, attempts) => {
                    let id = sample::message(commits - ago).id;
                    let state = MessageState { attempts, ..sample::worked_on() };
                    let result = folder.update(id, &state);
                    if let Some(possible) = model.get_mut(&id) {
                        match result {
                            Ok(()) => *possible = Possible { states: vec![state], gone: false },
                            Err(_) => possible.states.push(state),
                        }
                    } else {
                        prop_assert!(matches!(result, Err(SpoolError::NotFound { .. })), "not refused");
                    }
                }
                Operation::Remove(ago) => {
                    let id = sample::message(commits - ago).id;
                    match folder.remove(id) {
                        Ok(()) => drop(model.remove(&id)),
                        Err(SpoolError::NotFound { .. }) => {
                            prop_assert!(model.get(&id).is_none_or(|possible| possible.gone));
                            model.remove(&id);
                        }
                        Err(_) => if let Some(possible) = model.get_mut(&id) {
                            possible.gone = true;
                        },
                    }
                }
                Operation::Restart => {
                    *countdown.lock().unwrap() = None;
                    drop(spool.take());
                    let folder = Folder::open(path.clone(), disk()).unwrap();
                    check(&folder, &mut model)?;
                    spool = Some(folder);
                }
                Operation::Fail(later) => *countdown.lock().unwrap() = Some(later),
            }
        }
        *countdown.lock().unwrap() = None;
        drop(spool.take());
        check(&Folder::open(path, disk()).unwrap(), &mut model)?;
    }
}

/// Compares what a start finds with the model, and narrows the model to it.
fn check(folder: &Folder, model: &mut BTreeMap<QueueId, Possible>) -> Result<(), TestCaseError> {
    let recovered = folder.recover().unwrap();
    prop_assert_eq!(&recovered.corrupt, &Vec::<PathBuf>::new());
    let found: BTreeMap<QueueId, MessageState> = recovered.messages.into_iter().collect();
    for (id, possible) in &*model {
        match found.get(id) {
            Some(state) => prop_assert!(
                possible.states.contains(state),
                "{id}: {state:?} of {possible:?}"
            ),
            None => prop_assert!(possible.gone, "{id} is lost"),
        }
    }
    for (id, state) in &found {
        prop_assert!(model.contains_key(id), "{id} has come back");
        prop_assert_eq!(&folder.read(*id).unwrap().message.state, state);
    }
    *model = found
        .into_iter()
        .map(|(id, state)| {
            (
                id,
                Possible {
                    states: vec![state],
                    gone: false,
                },
            )
        })
        .collect();
    Ok(())
}
