//! Octets that change on the medium after they were synced, and files that are not what they should be.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::fields::salted;
use super::super::folder::Name;
use super::super::frame::SegmentHeader;
use super::super::index::Place;
use super::faults::message;
use super::*;
use crate::spool::message::{Held, HeldFor, Waiting};
use crate::spool::tests::disk::Crash;

/// A log with a message in each situation, ended cleanly: 1 new, 2 worked on, 3 done, 4 with 5 and 6 in one batch, 7 large.
fn lived_in(seed: u64) -> (SimulatedDisk, BTreeMap<QueueId, Message>) {
    let disk = SimulatedDisk::new(seed);
    let mut log = Rig::open(&disk);
    let mut messages = BTreeMap::new();
    for number in 1..=3 {
        let _ = log.commit(message(number, 700)).unwrap();
    }
    let batch: Vec<_> = (4..=6)
        .map(|number| {
            let message = message(number, 300);
            (
                message.id,
                super::super::commit(&log.journal, message).unwrap(),
            )
        })
        .collect();
    for answer in log.put(batch) {
        let _ = answer.unwrap();
    }
    let _ = log.commit(message(7, 8000)).unwrap();
    let id = |number| sample::message(number).id;
    let _ = log.update(id(2), &sample::worked_on()).unwrap();
    let _ = log.remove(id(3)).unwrap();
    for number in [1, 2, 4, 5, 6, 7] {
        let read = log.journal.read(id(number)).unwrap();
        messages.insert(id(number), read.message);
    }
    log.end();
    disk.crash(Crash::PowerLoss);
    (disk, messages)
}

/// The files of the log, and where in each something was written.
fn written(disk: &SimulatedDisk) -> Vec<(PathBuf, usize)> {
    let files = disk.files().into_iter();
    let log = files.filter(|(path, _)| path.starts_with("/spool/log"));
    log.flat_map(|(path, octets)| {
        let places: Vec<usize> = (0..octets.len()).filter(|at| octets[*at] != 0).collect();
        places.into_iter().map(move |at| (path.clone(), at))
    })
    .collect()
}

#[test]
fn no_octet_that_rots_takes_anything_away_in_silence() {
    for number in (0..).step_by(7) {
        let (disk, messages) = lived_in(0);
        let Some((path, at)) = written(&disk).get(number).cloned() else {
            assert!(number > 5000, "{number} places are few");
            break;
        };
        disk.rot(&path, at);
        let (log, recovered) = Rig::start(&disk, SMALL).unwrap();
        let mut told = !recovered.corrupt.is_empty();
        let mut missing = 0;
        for (id, _) in &recovered.messages {
            // Not attempted, or not known to anybody whose it was.
            let guarded = recovered.held.contains(id) || !recovered.unknown.is_empty();
            match log.journal.read(*id) {
                Ok(stored) if messages.get(id) == Some(&stored.message) => {}
                Ok(stored) => assert!(guarded, "{path:?} at {at}: {:?}", stored.message.state),
                Err(_) => {} // and so not delivered
            }
        }
        for (id, message) in &messages {
            match log.journal.read(*id) {
                Ok(stored) if stored.message == *message => {}
                Err(SpoolError::Damaged { .. }) => told = true,
                // An older state, or none of it.
                Ok(_) | Err(_) => missing += 1,
            }
        }
        let back = recovered.messages.len() + missing > messages.len();
        assert!(missing == 0 || told, "{path:?} at {at}: dropped in silence");
        assert!(
            !back || told,
            "{path:?} at {at}: what was done is back, in silence"
        );
        assert!(
            missing <= 3,
            "{path:?} at {at}: {missing} are touched by one octet"
        );
        for copy in &recovered.corrupt {
            assert!(disk.files().contains_key(copy), "{copy:?}");
        }

        // What was told is not told again, and nothing else changes.
        log.end();
        disk.crash(Crash::PowerLoss);
        let (_, again) = Rig::start(&disk, SMALL).unwrap();
        assert_eq!(again.corrupt, Vec::<PathBuf>::new(), "{path:?} at {at}");
        assert_eq!(again.messages, recovered.messages, "{path:?} at {at}");
    }
}

#[test]
fn a_whole_block_that_rots_is_named_and_its_neighbours_stay() {
    let (disk, messages) = lived_in(0);
    let (path, _) = written(&disk)[0].clone();
    // The fourth batch after the opening one: messages 4, 5 and 6.
    for at in 5 * 4096..6 * 4096 {
        disk.rot(&path, at);
    }
    let (log, recovered) = Rig::start(&disk, SMALL).unwrap();
    assert_eq!(
        recovered.corrupt,
        [PathBuf::from("/spool/corrupt/0000000000000001-00005000")]
    );
    let copied = &disk.files()[&recovered.corrupt[0]];
    assert_eq!(copied.len(), 4096);
    assert_eq!(recovered.unknown, recovered.corrupt);
    for number in [1, 2, 7] {
        let id = sample::message(number).id;
        assert_eq!(log.journal.read(id).unwrap().message, messages[&id]);
    }
    assert_eq!(recovered.messages.len(), 3);
}

/// The segment that a record is in, and the record's place.
fn lies(log: &Rig, id: QueueId) -> (PathBuf, usize, usize) {
    let known = log.journal.index().get(id).unwrap();
    let at = |place: Place| place.at() as usize;
    let latest = known.state.unwrap_or(known.message);
    let path = log.journal.folder.path(Name::Open(latest.segment));
    (path, at(latest), at(known.message))
}

/// The message as it is after a start that could not read what came of it, which has to have told that.
fn held(disk: &SimulatedDisk, id: QueueId) -> Message {
    let (log, recovered) = Rig::start(disk, SMALL).unwrap();
    assert_eq!(recovered.held, [id]);
    let name = recovered.corrupt[0].file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(&id.to_string()), "{name}");
    assert_eq!(recovered.unknown, Vec::<PathBuf>::new());
    let message = log.journal.read(id).unwrap().message;
    let since = log.clock.now();
    let why = HeldFor::Damage;
    assert_eq!(message.state.orders.held, Some(Held { since, why }));
    let waits = recovered.messages.iter().find(|(known, _)| *known == id);
    assert_eq!(waits.unwrap().1, Waiting::from(&message.state));
    // It stays so, and nobody is told again; a later record settles it.
    disk.crash(Crash::PowerLoss);
    let (mut log, again) = Rig::start(disk, SMALL).unwrap();
    assert_eq!((again.held, again.corrupt), (vec![], vec![]));
    assert_eq!(log.journal.read(id).unwrap().message, message);
    let _ = log.update(id, &sample::worked_on()).unwrap();
    disk.crash(Crash::PowerLoss);
    let (log, again) = Rig::start(disk, SMALL).unwrap();
    assert_eq!((again.held, again.corrupt), (vec![], vec![]));
    let state = log.journal.read(id).unwrap().message.state;
    assert_eq!(state, sample::worked_on());
    message
}

#[test]
fn a_message_whose_latest_state_is_damaged_is_held() {
    // In its head, in what its entry keeps in reserve, and in the length of its head.
    for within in [2 * 64, 57, 5] {
        let (disk, messages) = lived_in(0);
        let mut log = Rig::open(&disk);
        let id = sample::message(2).id;
        let state = MessageState {
            attempts: 9,
            ..sample::worked_on()
        };
        let _ = log.update(id, &state).unwrap();
        let (path, at, _) = lies(&log, id);
        log.end();
        disk.rot(&path, at + within);
        let before = &messages[&id];
        let after = held(&disk, id);
        let orders = before.state.orders.clone();
        let state = MessageState {
            orders,
            ..after.state
        };
        assert_eq!(Message { state, ..after }, *before);
    }
}

#[test]
fn a_message_whose_end_is_damaged_is_held() {
    let (disk, _) = lived_in(0);
    let mut log = Rig::open(&disk);
    let id = sample::message(1).id;
    // The end stands where the state would that is written beside it in a like log.
    let (path, at) = {
        let (other, _) = lived_in(0);
        let mut log = Rig::open(&other);
        let _ = log.update(id, &sample::worked_on()).unwrap();
        let (path, at, _) = lies(&log, id);
        (path, at)
    };
    let _ = log.remove(id).unwrap();
    log.end();
    assert_eq!(disk.files()[&path][at], 4, "a done");
    disk.rot(&path, at + 57);
    held(&disk, id);
}

/// Its entries say of themselves where they belong.
#[test]
fn a_batch_without_its_header_is_read_all_the_same() {
    let (disk, messages) = lived_in(0);
    let (path, _) = written(&disk)[0].clone();
    let places: Vec<usize> = (4096..disk.files()[&path].len()).step_by(4096).collect();
    let opened = |at: &usize| disk.files()[&path][*at..].starts_with(b"EDGB");
    let batches: Vec<usize> = places.into_iter().filter(opened).collect();
    for at in &batches[..batches.len() - 1] {
        disk.rot(&path, at + 16);
    }
    let (log, recovered) = Rig::start(&disk, SMALL).unwrap();
    assert_eq!(recovered.unknown.len(), 1, "{recovered:?}");
    assert_eq!(recovered.messages.len(), messages.len());
    for (id, message) in &messages {
        assert_eq!(log.journal.read(*id).unwrap().message, *message);
    }
}

#[test]
fn a_segment_without_its_header_is_known_by_its_batches() {
    let (disk, messages) = lived_in(0);
    let (path, _) = written(&disk)[0].clone();
    for at in 0..4096 {
        disk.rot(&path, at);
    }
    let (log, recovered) = Rig::start(&disk, SMALL).unwrap();
    assert_eq!(
        recovered.corrupt,
        [PathBuf::from("/spool/corrupt/0000000000000001-00000000")]
    );
    for (id, message) in &messages {
        assert_eq!(log.journal.read(*id).unwrap().message, *message);
    }
}

#[test]
fn what_a_later_version_wrote_stops_the_start_and_stays() {
    // Where the version is, and what the checksum behind it covers.
    let check = |what: &str, version: usize, covered: std::ops::Range<usize>| {
        let (disk, _) = lived_in(0);
        let (path, _) = written(&disk)[0].clone();
        let mut octets = disk.files()[&path].clone();
        let salt = SegmentHeader::decode(&octets).unwrap().identity.salt;
        octets[version] = 2;
        let (end, at) = (covered.end, (covered.start as u64).to_le_bytes());
        let checksum = match what {
            "segment" => crc32fast::hash(&octets[covered]),
            "batch" => salted(salt, &[&octets[covered]]),
            _ => salted(salt, &[&at, &octets[covered]]),
        };
        octets[end..end + 4].copy_from_slice(&checksum.to_le_bytes());
        disk.put(&path, &octets);
        let before = disk.files();
        let refused = Rig::start(&disk, SMALL).map(drop);
        assert!(
            matches!(refused, Err(SpoolError::Version { version: 2, .. })),
            "{what}: {refused:?}"
        );
        assert_eq!(disk.files(), before, "{what}");
    };
    check("segment", 8, 0..60);
    // The first batch after the opening one, and its first entry.
    check("batch", 8192 + 4, 8192..8192 + 124);
    check("entry", 8192 + 128 + 1, 8192 + 128..8192 + 128 + 60);
}

#[test]
fn files_that_are_none_of_ours_are_set_aside() {
    let (disk, messages) = lived_in(0);
    for path in [
        "/spool/log/readme.txt",
        "/spool/log/00000000000000ff.log",
        "/spool/large/notes",
    ] {
        crate::spool::disk::Disk::write(&disk, Path::new(path), b"what is this").unwrap();
    }
    let (log, recovered) = Rig::start(&disk, SMALL).unwrap();
    let mut corrupt = recovered.corrupt;
    corrupt.sort();
    let expected = ["00000000000000ff.log", "notes", "readme.txt"];
    assert_eq!(
        corrupt,
        expected.map(|name| Path::new("/spool/corrupt").join(name))
    );
    assert_eq!(recovered.messages.len(), messages.len());
    drop(log);
}

#[test]
fn content_of_large_messages_is_compared_with_the_log() {
    let (disk, _) = lived_in(0);
    let large = |number| Path::new("/spool/large").join(sample::message(number).id.to_string());
    // Written for a message that was never committed, or that is done.
    crate::spool::disk::Disk::write(&disk, &large(8), b"orphan").unwrap();
    let (log, recovered) = Rig::start(&disk, SMALL).unwrap();
    assert_eq!(recovered.corrupt, Vec::<PathBuf>::new());
    assert!(disk.files().contains_key(&large(7)));
    assert!(!disk.files().contains_key(&large(8)));
    log.end();

    disk.rot(&large(7), 10);
    let log = Rig::open(&disk);
    let error = log.journal.read(sample::message(7).id).unwrap_err();
    assert!(matches!(error, SpoolError::Damaged { .. }), "{error:?}");
    log.end();

    crate::spool::disk::Disk::unlink(&disk, &large(7)).unwrap();
    let (_, recovered) = Rig::start(&disk, SMALL).unwrap();
    assert_eq!(recovered.corrupt, [large(7)], "what is missing is told");
}

#[test]
fn nothing_is_removed_from_large_while_the_log_is_damaged() {
    let (disk, _) = lived_in(0);
    let (path, _) = written(&disk)[0].clone();
    let id = sample::message(7).id;
    let mut log = Rig::open(&disk);
    let at = log.journal.index().get(id).unwrap().message.at() as usize;
    log.committer.finish();
    disk.rot(&path.with_file_name(closed(&disk)), at);
    let (_, recovered) = Rig::start(&disk, SMALL).unwrap();
    let content = Path::new("/spool/corrupt").join(id.to_string());
    assert!(recovered.corrupt.contains(&content), "{recovered:?}");
    assert!(disk.files().contains_key(&content));
}

/// The name of the first segment, which a start has closed.
fn closed(disk: &SimulatedDisk) -> String {
    let files = disk.files().into_keys();
    let names = files.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    names
        .into_iter()
        .find(|name| name.starts_with("0000000000000001-"))
        .unwrap()
}

/// A batch of which only the beginning was written, over an older use of the file that is laid out in the same way: were
/// it not for the salt, its entries and heads would be those of messages that are done.
#[test]
fn an_older_use_of_a_file_never_parses() {
    let disk = SimulatedDisk::new(0);
    let mut log = Rig::open(&disk);
    let mut number = 0;
    let full = SMALL.segment as usize;
    let is_spare = |(path, octets): &(PathBuf, Vec<u8>)| {
        matches!(Name::read(path), Some(Name::Spare(_))) && octets.len() == full
    };
    let (spare, older) = loop {
        number += 1;
        let _ = log.commit(message(number, 100)).unwrap();
        if let Some(spare) = disk.files().into_iter().find(is_spare) {
            break spare;
        }
        let _ = log.remove(sample::message(number).id).unwrap();
        log.give_back().unwrap();
    };
    // Until that file is in use again, with one batch in it.
    let place = loop {
        number += 1;
        let _ = log.commit(message(number, 100)).unwrap();
        let known = log.journal.index().get(sample::message(number).id);
        if !disk.files().contains_key(&spare) {
            break known.unwrap().message;
        }
    };
    let there = log.journal.index().waiting();
    let path = log.journal.folder.path(Name::Open(place.segment));
    let files = disk.files();
    let newer = &files[&path];
    assert_eq!(older[8192..], newer[8192..], "not the same file");
    assert_ne!(older[4096..8192], newer[4096..8192]);
    for cut in (0..4096).filter(|cut| cut % 64 == 0 || *cut < 700) {
        let disk = SimulatedDisk::new(0);
        for (path, octets) in &files {
            disk.put(path, octets);
        }
        let torn = [&newer[..4096 + cut], &older[4096 + cut..]].concat();
        disk.put(&path, &torn);
        let (_, recovered) = Rig::start(&disk, SMALL).unwrap();
        assert_eq!(recovered.corrupt, Vec::<PathBuf>::new(), "cut at {cut}");
        for message in recovered.messages {
            assert!(there.contains(&message), "cut at {cut}: {message:?}");
        }
    }
}
