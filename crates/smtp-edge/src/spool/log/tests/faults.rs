//! Failures of the disk, one by one and at random.

use super::*;
use crate::spool::tests::disk::{Crash, Fault};
use crate::spool::tests::figures::at_random;

#[test]
fn random_operations_on_a_failing_disk() {
    at_random::<Rig>("log", 1200, 1..50);
}

#[test]
fn long_lives_on_a_failing_disk() {
    at_random::<Rig>("log, long lives", 30, 150..400);
}

/// The message with this number, of so many octets.
pub(super) fn message(number: u64, size: usize) -> Message {
    Message {
        content: vec![b'x'; size],
        ..sample::message(number)
    }
}

fn found(disk: &SimulatedDisk) -> Vec<u64> {
    let (_, recovered) = Rig::start(disk, SMALL).unwrap();
    assert!(recovered.corrupt.is_empty(), "{:?}", recovered.corrupt);
    let first = sample::message(0).id.number();
    let messages = recovered.messages.into_iter();
    messages.map(|(id, _)| id.number() - first).collect()
}

fn is_io(answer: &Answer) -> bool {
    matches!(answer, Err(SpoolError::Io { .. }))
}

#[test]
fn failed_sync_is_final_for_its_segment() {
    let disk = SimulatedDisk::new(7);
    let mut log = Rig::open(&disk);
    let _ = log.commit(message(1, 100)).unwrap();
    disk.strike(1, Fault::Error); // the sync after the write
    assert!(is_io(&log.commit(message(2, 100))));
    let _ = log.commit(message(3, 100)).unwrap();
    let names = disk.files().into_keys();
    let names: Vec<String> = names
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    // Closed by its name behind the first batch and the message, and a new one begun.
    assert!(
        names.contains(&"0000000000000001-00003000.log".to_owned()),
        "{names:?}"
    );
    assert!(
        names.contains(&"0000000000000002.log".to_owned()),
        "{names:?}"
    );
    assert_eq!(*log.condition.borrow(), Condition::Works);
    disk.crash(Crash::PowerLoss);
    assert_eq!(found(&disk), [1, 3]);
}

/// A segment whose first batch was refused is named by none that comes after it: its own name has to say that it is empty.
#[test]
fn what_was_refused_does_not_come_back_with_the_power() {
    for seed in 0..64 {
        let disk = SimulatedDisk::new(seed);
        let mut log = Rig::open(&disk);
        log.journal.supply.fill(2).unwrap();
        for number in 1..=3 {
            let _ = log.commit(message(number, 6000)).unwrap(); // and the first segment is full
        }
        disk.strike(1, Fault::Error);
        assert!(is_io(&log.commit(message(4, 6000))));
        let empty = Path::new("/spool/log/0000000000000002-00001000.log");
        assert!(disk.files().contains_key(empty));
        let _ = log.commit(message(5, 6000)).unwrap();
        disk.crash(Crash::PowerLoss);
        assert_eq!(found(&disk), [1, 2, 3, 5], "seed {seed}");
    }
}

#[test]
fn a_file_on_which_a_sync_failed_is_not_used_again() {
    let disk = SimulatedDisk::new(1);
    let mut log = Rig::open(&disk);
    for number in 1..=4 {
        let _ = log.commit(message(number, 6000)).unwrap(); // the fourth is in a segment of full size
    }
    let failed = log.journal.index().get(sample::message(4).id).unwrap();
    disk.strike(1, Fault::Error);
    assert!(is_io(&log.commit(message(5, 6000))));
    let _ = log.remove(sample::message(4).id).unwrap();
    log.give_back().unwrap();
    assert!(
        log.journal
            .index()
            .ledger
            .get(failed.message.segment)
            .is_none()
    );
    assert_eq!(log.journal.supply.spares(), 0);
}

/// Its record may be read at the next start, as one that may have been answered.
#[test]
fn content_that_was_refused_is_not_missed() {
    for seed in 0..32 {
        let disk = SimulatedDisk::new(seed);
        let mut log = Rig::open(&disk);
        let refused = message(1, 8000);
        let id = refused.id;
        let asks = super::super::commit(&log.journal, refused).unwrap();
        disk.strike(1, Fault::Broken); // so that the segment cannot be closed, either
        assert!(is_io(&log.put(vec![(id, asks)]).remove(0)));
        disk.heal();
        super::super::large::remove(&disk, &log.journal.folder, id);
        disk.crash(Crash::Kill);
        assert_eq!(found(&disk), Vec::<u64>::new(), "seed {seed}");
    }
}

#[test]
fn failed_write_refuses_mail_and_keeps_outcomes() {
    for later in 0..2 {
        let disk = SimulatedDisk::new(later);
        let mut log = Rig::open(&disk);
        for number in 1..=3 {
            let _ = log.commit(message(number, 100)).unwrap();
        }
        let id = |number| sample::message(number).id;
        let asked = vec![
            (id(1), super::super::update(id(1), &sample::worked_on())),
            (id(2), Asks::Remove),
            (
                id(4),
                super::super::commit(&log.journal, message(4, 100)).unwrap(),
            ),
        ];
        disk.strike(later as usize, Fault::Error);
        let answers = log.put(asked);
        let [Ok(_), Ok(_), Err(SpoolError::Io { .. })] = &answers[..] else {
            panic!("{answers:?}");
        };
        disk.crash(Crash::PowerLoss);
        assert_eq!(found(&disk), [1, 3]);
        let read = Rig::open(&disk).journal.read(id(1)).unwrap();
        assert_eq!(read.message.state, sample::worked_on());
    }
}

#[test]
fn a_disk_that_stays_broken_is_asked_again_now_and_then() {
    let disk = SimulatedDisk::new(1);
    let mut log = Rig::open(&disk);
    let id = sample::message(1).id;
    let _ = log.commit(message(1, 100)).unwrap();
    disk.strike(0, Fault::Broken);
    assert!(is_io(&log.commit(message(2, 100))));
    assert_eq!(*log.condition.borrow(), Condition::Failed);
    // Even an outcome is refused, and the queue keeps it.
    assert!(is_io(&log.update(id, &sample::worked_on())));
    disk.heal();
    assert!(is_io(&log.commit(message(3, 100))), "too early");
    log.committer.mend_if_due();
    assert_eq!(*log.condition.borrow(), Condition::Failed);
    log.clock.advance(Duration::from_secs(1));
    log.committer.mend_if_due(); // nobody needs to ask
    assert_eq!(*log.condition.borrow(), Condition::Works);
    let _ = log.commit(message(4, 100)).unwrap();
    disk.crash(Crash::PowerLoss);
    assert_eq!(found(&disk), [1, 4]);
}

#[test]
fn a_full_disk_takes_outcomes_and_comes_back() {
    let disk = SimulatedDisk::new(1);
    let mut log = Rig::open(&disk);
    disk.limit(3 * SMALL.segment as usize);
    let mut taken = Vec::new();
    let refused = (1..).find(|number| match log.commit(message(*number, 2000)) {
        Ok(id) => {
            taken.push(id.get());
            let _ = log.journal.supply.fill(1);
            false
        }
        Err(_) => true,
    });
    assert!(taken.len() >= 20, "{refused:?} is refused too early");
    assert_eq!(*log.condition.borrow(), Condition::Full);
    let error = log.commit(message(1000, 100)).unwrap_err();
    let SpoolError::Io { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    for ids in taken.chunks(SMALL.records) {
        let removals = ids.iter().map(|id| (*id, Asks::Remove));
        for answer in log.put(removals.collect()) {
            let _ = answer.unwrap();
        }
    }
    assert!(log.give_back().unwrap());
    let _ = log.commit(message(1001, 100)).unwrap();
    assert_eq!(*log.condition.borrow(), Condition::Works);
    disk.crash(Crash::PowerLoss);
    assert_eq!(found(&disk), [1001]);
}

#[test]
fn a_start_on_a_full_disk_takes_the_room_of_what_is_done() {
    let disk = SimulatedDisk::new(1);
    let mut log = Rig::open(&disk);
    for number in 1..=20 {
        let _ = log.commit(message(number, 6000)).unwrap();
    }
    let _ = log.give_back().unwrap(); // names what is closed
    for number in 1..20 {
        let _ = log.remove(sample::message(number).id).unwrap();
    }
    disk.crash(Crash::Kill);
    disk.leave_room(0);
    assert_eq!(found(&disk), [20]);
}

#[test]
fn a_start_without_any_room_ends_and_leaves_the_log_as_it_is() {
    let disk = SimulatedDisk::new(1);
    let _ = Rig::open(&disk).commit(message(1, 100)).unwrap();
    disk.crash(Crash::Kill);
    disk.leave_room(0);
    let refused = Rig::start(&disk, SMALL).map(drop);
    let Err(SpoolError::Io { source, .. }) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    disk.heal();
    assert_eq!(found(&disk), [1]);
}

#[test]
fn names_are_not_given_twice_when_all_messages_are_gone() {
    let disk = SimulatedDisk::new(1);
    let mut log = Rig::open(&disk);
    for number in 1..200 {
        let _ = log.commit(message(number, 5000)).unwrap();
        let _ = log.remove(sample::message(number).id).unwrap();
        log.give_back().unwrap();
    }
    disk.crash(Crash::Kill);
    for _ in 0..3 {
        let (log, recovered) = Rig::start(&disk, SMALL).unwrap();
        assert_eq!(recovered.messages, []);
        assert_eq!(recovered.last_id, Some(sample::message(199).id));
        log.end();
    }
}

/// The segment that names the last id may be needed for nothing else when the first batch of the next one fails.
#[test]
fn names_are_not_given_twice_after_a_first_batch_that_failed() {
    for later in 1..20 {
        let disk = SimulatedDisk::new(later);
        let mut log = Rig::open(&disk);
        log.journal.supply.fill(2).unwrap();
        let ids = [1, 2].map(|number| sample::message(number).id);
        for number in [1, 2] {
            let _ = log.commit(message(number, 6000)).unwrap();
        }
        let removals = ids.map(|id| (id, Asks::Remove));
        for answer in log.put(removals.into()) {
            let _ = answer.unwrap();
        }
        disk.strike(0, Fault::Error);
        disk.strike(later as usize, Fault::Error);
        assert!(is_io(&log.commit(message(3, 6000))));
        let _ = log.give_back();
        disk.crash(Crash::PowerLoss);
        let (_, recovered) = Rig::start(&disk, SMALL).unwrap();
        assert!(recovered.last_id >= Some(ids[1]), "{later}");
    }
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let disk = SimulatedDisk::new(1);
    let mut log = Rig::open(&disk);
    for size in [100, 8000] {
        let number = size as u64;
        let _ = log.commit(message(number, size)).unwrap();
        let again = log.commit(message(number, size));
        assert!(matches!(again, Err(SpoolError::Taken { .. })), "{again:?}");
        let read = log.journal.read(sample::message(number).id).unwrap();
        assert_eq!(read.message, message(number, size));
    }
}

#[test]
fn a_message_that_fits_no_segment_is_refused_by_name() {
    let disk = SimulatedDisk::new(1);
    let shape = Shape {
        large_over: u64::MAX,
        ..SMALL
    };
    let mut log = Rig::start(&disk, shape).unwrap().0;
    let refused = log.commit(message(1, SMALL.segment as usize));
    assert!(
        matches!(refused, Err(SpoolError::TooLarge { .. })),
        "{refused:?}"
    );
    let _ = log.commit(message(2, 60_000 - 4096)).unwrap();
}
