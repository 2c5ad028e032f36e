//! Spools that servers left, whole and damaged, of both kinds.

use std::fs;
use std::time::SystemTime;

use tokio::sync::watch;

use super::*;
use crate::clock::Clock;
use crate::config::{SpoolKind, SpoolSettings};
use crate::spool::log::Condition;
use crate::spool::sample;

/// A spool of that kind with three messages, the second of which was worked on, and a large fourth one.
async fn lived_in(path: &Path, kind: SpoolKind) -> Vec<Message> {
    let settings = SpoolSettings {
        kind,
        ..SpoolSettings::default()
    };
    let told = watch::channel(Condition::Works).0;
    let opened = crate::spool::open(path.to_owned(), &settings, Clock::system(), told).await;
    let (spool, _) = opened.unwrap();
    let mut messages: Vec<Message> = (1..=4).map(sample::message).collect();
    messages[3].content = vec![b'x'; 2 << 20];
    for message in &messages {
        let _ = spool.commit(message.clone()).await.unwrap();
    }
    let id = messages[1].id;
    spool.update(id, sample::worked_on()).await.unwrap();
    messages[1].state = sample::worked_on();
    let done = sample::message(5);
    let _ = spool.commit(done.clone()).await.unwrap();
    spool.remove(done.id).await.unwrap();
    messages
}

/// Every file below a folder, what it holds, and when it was changed last.
fn everything(path: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything(&path));
        } else {
            let changed = fs::metadata(&path).unwrap().modified().unwrap();
            found.push((path.clone(), fs::read(&path).unwrap(), changed));
        }
    }
    found.sort();
    found
}

/// All messages that can be read, and the damage that was found by then.
fn read_all(spool: &OfflineSpool) -> (Vec<Message>, Vec<Damage>) {
    let (mut messages, mut damage) = (Vec::new(), Vec::new());
    for id in spool.messages() {
        match spool.read(id) {
            Ok(message) => messages.push(message),
            Err(error) => damage.extend(damage_of(id, &error)),
        }
    }
    damage.extend(spool.damage());
    (messages, damage)
}

#[tokio::test]
async fn everything_is_read_and_nothing_is_changed() {
    for kind in [SpoolKind::Log, SpoolKind::Files] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("spool");
        let expected = lived_in(&path, kind).await;
        let before = everything(&path);
        let spool = OfflineSpool::open(&path).unwrap();
        assert_eq!(read_all(&spool), (expected, Vec::new()), "{kind:?}");
        drop(spool);
        assert_eq!(everything(&path), before, "{kind:?}");
    }
}

#[tokio::test]
async fn a_spool_in_use_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("spool");
    lived_in(&path, SpoolKind::Log).await;
    let lock = Lock::take(&path).unwrap();
    let refused = OfflineSpool::open(&path).err();
    assert!(matches!(refused, Some(SpoolError::InUse { .. })));
    drop(lock);
    let reader = OfflineSpool::open(&path).unwrap();
    let refused = Lock::take(&path).err();
    assert!(matches!(refused, Some(SpoolError::InUse { .. })));
    drop(reader);
    // Where no spool is, none is made.
    let nothing = place.path().join("nothing");
    let refused = OfflineSpool::open(&nothing).err();
    assert!(matches!(refused, Some(SpoolError::NoSpool { .. })));
    assert!(!nothing.exists());
}

/// Changes an octet in the only place of the spool where `what` stands.
fn rot(path: &Path, what: &[u8]) -> PathBuf {
    let mut hit = None;
    for (file, mut octets, _) in everything(path) {
        let places: Vec<usize> = memchr::memmem::find_iter(&octets, what).collect();
        let [place] = places[..] else { continue };
        octets[place] ^= 1;
        fs::write(&file, octets).unwrap();
        hit = Some(file);
    }
    hit.unwrap()
}

#[tokio::test]
async fn damage_is_named_and_takes_no_neighbour_with_it() {
    for kind in [SpoolKind::Log, SpoolKind::Files] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("spool");
        let mut expected = lived_in(&path, kind).await;
        let large = expected.pop().unwrap();
        let file = rot(&path, &large.content);
        let spool = OfflineSpool::open(&path).unwrap();
        let (messages, damage) = read_all(&spool);
        assert_eq!(messages, expected, "{kind:?}");
        let named: Vec<_> = damage.iter().map(|one| (&one.path, one.id)).collect();
        assert_eq!(named, [(&file, Some(large.id))], "{kind:?}");
    }
}

#[tokio::test]
async fn a_message_whose_state_is_damaged_is_as_it_was_accepted() {
    for kind in [SpoolKind::Log, SpoolKind::Files] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("spool");
        let mut expected = lived_in(&path, kind).await;
        rot(&path, b"mx.example.net [192.0.2.25]:25");
        expected[1].state = sample::fresh(3);
        let spool = OfflineSpool::open(&path).unwrap();
        let (messages, damage) = read_all(&spool);
        assert_eq!(messages, expected, "{kind:?}");
        assert_eq!(damage.len(), 1, "{damage:?}");
        assert_eq!(damage[0].id, Some(expected[1].id), "{kind:?}");
    }
}

#[tokio::test]
async fn what_is_missing_or_strange_is_named() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("spool");
    let expected = lived_in(&path, SpoolKind::Log).await;
    let large = path.join("large").join(expected[3].id.to_string());
    fs::remove_file(&large).unwrap();
    let strange = path.join("log/readme");
    fs::write(&strange, "notes").unwrap();
    let spool = OfflineSpool::open(&path).unwrap();
    let mut found: Vec<(PathBuf, Wrong)> = spool
        .damage()
        .into_iter()
        .map(|one| (one.path, one.what))
        .collect();
    found.sort();
    let mut wanted = vec![(large, Wrong::Missing), (strange, Wrong::Foreign)];
    wanted.sort();
    assert_eq!(found, wanted);
}
