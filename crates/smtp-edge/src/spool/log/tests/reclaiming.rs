//! Space comes back, at a bounded price, and nothing comes back with it.

use super::faults::message;
use super::*;
use crate::spool::message::Waiting;
use crate::spool::record;
use crate::spool::tests::disk::Crash;

/// Octets of the files of the log.
fn taken(disk: &SimulatedDisk) -> u64 {
    let files = disk.files().into_iter();
    let log = files.filter(|(path, _)| path.starts_with("/spool/log"));
    log.map(|(_, octets)| octets.len() as u64).sum()
}

#[test]
fn what_is_done_makes_room_at_once() {
    let disk = SimulatedDisk::new(1);
    let mut log = Rig::open(&disk);
    for number in 1..500 {
        let _ = log.commit(message(number, 4000)).unwrap();
        let _ = log.remove(sample::message(number).id).unwrap();
        log.give_back().unwrap();
    }
    // The one that is written, what may be idle, and spares.
    let segments = taken(&disk) / u64::from(SMALL.segment);
    assert!(segments <= 1 + 1 + SMALL.spares as u64, "{segments}");
}

/// One message that is never done must not keep all that were written after it.
#[test]
fn a_message_that_stays_keeps_nothing_but_itself() {
    let disk = SimulatedDisk::new(1);
    let mut log = Rig::open(&disk);
    let _ = log.commit(message(1, 1000)).unwrap();
    let _ = log
        .update(sample::message(1).id, &sample::worked_on())
        .unwrap();
    for number in 2..500 {
        let _ = log.commit(message(number, 4000)).unwrap();
        if number > 7 {
            let _ = log.remove(sample::message(number - 5).id).unwrap();
        }
        log.give_back().unwrap();
    }
    let most = 1 + SMALL.slack + SMALL.spares + 2;
    let segments = taken(&disk) / u64::from(SMALL.segment);
    assert!(segments <= most as u64, "{segments}");
    disk.crash(Crash::PowerLoss);
    let (log, recovered) = Rig::start(&disk, SMALL).unwrap();
    assert_eq!(recovered.messages.len(), 1 + 1 + 5 + 1 - 1);
    let stays = log.journal.read(sample::message(1).id).unwrap().message;
    assert_eq!(stays.state, sample::worked_on());
    assert_eq!(stays.content, message(1, 1000).content);
}

/// Whatever is done in whatever order: the log is never larger than twice what is needed of it and a constant, and copying
/// writes no more than was written in the first place.
#[test]
fn copying_is_bounded_by_writing() {
    for seed in 0..12 {
        let disk = SimulatedDisk::new(seed);
        let mut log = Rig::open(&disk);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut live: Vec<(QueueId, u64)> = Vec::new();
        let (mut asked, mut number) = (0_u64, 0);
        let most = 10 + 15 * (seed as usize % 4);
        for _ in 0..1500 {
            if live.len() < random.usize(0..=most) {
                number += 1;
                let size = random.usize(0..7000);
                let id = log.commit(message(number, size)).unwrap().get();
                // As a batch of its own, which the committer could do no better.
                let octets = (size as u64 + 1000).next_multiple_of(4096);
                asked += octets;
                live.push((id, octets));
            } else if !live.is_empty() {
                let place = random.usize(0..live.len());
                if random.u8(0..4) == 0 {
                    let _ = log.update(live[place].0, &sample::worked_on()).unwrap();
                } else {
                    let _ = log.remove(live.swap_remove(place).0).unwrap();
                }
                asked += 4096;
            }
            log.give_back().unwrap();
            let needed: u64 = live.iter().map(|(_, octets)| octets + 4096).sum();
            let constant = (SMALL.slack + SMALL.spares + 3) as u64 * u64::from(SMALL.segment);
            assert!(
                taken(&disk) <= 2 * needed + constant,
                "seed {seed}: {} for {needed}",
                taken(&disk)
            );
        }
        // Segments are zeroed once each, and their headers written with each use.
        let files = taken(&disk) + 4 * u64::from(SMALL.segment);
        assert!(
            disk.written() <= 2 * asked + files + asked / 8,
            "seed {seed}: {} for {asked}",
            disk.written()
        );
        disk.crash(Crash::PowerLoss);
        let (_, recovered) = Rig::start(&disk, SMALL).unwrap();
        let found: Vec<QueueId> = recovered.messages.iter().map(|(id, _)| *id).collect();
        live.sort_unstable();
        let expected: Vec<QueueId> = live.iter().map(|(id, _)| *id).collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn a_segment_that_somebody_reads_is_not_written_over() {
    let disk = SimulatedDisk::new(1);
    let mut log = Rig::open(&disk);
    let mut number = 0;
    let mut come_and_go = |log: &mut Rig| {
        number += 1;
        let id = log.commit(message(number, 4000)).unwrap().get();
        let (found, _) = log.journal.find(id).unwrap();
        let _ = log.remove(id).unwrap();
        log.give_back().unwrap();
        found
    };
    // Files of full size alone are used again.
    let found = std::iter::repeat_with(|| come_and_go(&mut log))
        .find(|found| found.segment.size == SMALL.segment)
        .unwrap();
    for _ in 0..100 {
        come_and_go(&mut log);
    }
    let entry = found.segment.entry(found.at).unwrap();
    assert_eq!(found.segment.body(entry.body).unwrap(), vec![b'x'; 4000]);
}

/// What the reclaimer would ask for, of a message as it is now.
fn moved(log: &Rig, id: QueueId) -> Asks {
    let mut message = log.journal.read(id).unwrap().message;
    let octets = std::mem::take(&mut message.content);
    Asks::Move {
        was: log.journal.index().get(id).unwrap(),
        waiting: Waiting::from(&message.state),
        head: record::encode_message(&message),
        content: Held::Here {
            checksum: crc32fast::hash(&octets),
            octets,
        },
    }
}

fn state_after(log: Rig, id: QueueId) -> Option<MessageState> {
    let disk = log.disk.clone();
    let now = log.journal.read(id).ok().map(|stored| stored.message.state);
    drop(log);
    disk.crash(Crash::PowerLoss);
    let then = Rig::open(&disk).journal.read(id).ok();
    assert_eq!(then.map(|stored| stored.message.state), now);
    now
}

#[test]
fn a_copy_takes_nothing_back_that_is_recorded_with_it() {
    let id = sample::message(1).id;
    let check = |asked: fn() -> Asks, expected: Option<MessageState>| {
        for copy_comes_first in [false, true] {
            let mut log = Rig::open(&SimulatedDisk::new(1));
            let _ = log.commit(message(1, 100)).unwrap();
            let mut asked = vec![(id, asked()), (id, moved(&log, id))];
            if copy_comes_first {
                asked.reverse();
            }
            for answer in log.put(asked) {
                let _ = answer.unwrap();
            }
            assert_eq!(state_after(log, id), expected);
        }
    };
    check(
        || super::super::update(sample::message(1).id, &sample::worked_on()),
        Some(sample::worked_on()),
    );
    check(|| Asks::Remove, None);
}

/// As it does when a spool has become one of files and a log again.
#[test]
fn a_message_that_comes_back_outlives_what_is_said_of_its_first_copy() {
    let id = sample::message(1).id;
    let mut log = Rig::open(&SimulatedDisk::new(1));
    let home = |log: &Rig| log.journal.index().get(id).unwrap().message.segment;
    let _ = log.commit(message(1, 100)).unwrap();
    let first = home(&log);
    for number in 2..10 {
        let _ = log.commit(message(number, 6000)).unwrap();
    }
    let _ = log.remove(id).unwrap();
    let _ = log.commit(message(1, 100)).unwrap();
    assert_ne!(home(&log), first);
    let copied = log
        .put(vec![(id, Asks::CopyDone { home: first })])
        .remove(0);
    let _ = copied.unwrap();
    assert_eq!(state_after(log, id), Some(message(1, 100).state));
}

#[test]
fn a_copy_of_what_has_changed_since_is_refused() {
    let id = sample::message(1).id;
    let mut log = Rig::open(&SimulatedDisk::new(1));
    let _ = log.commit(message(1, 100)).unwrap();
    let early = moved(&log, id);
    let _ = log.update(id, &sample::worked_on()).unwrap();
    let refused = log.put(vec![(id, early)]).remove(0);
    assert!(
        matches!(refused, Err(SpoolError::NotFound { .. })),
        "{refused:?}"
    );
    let late = moved(&log, id);
    let _ = log.remove(id).unwrap();
    let refused = log.put(vec![(id, late)]).remove(0);
    assert!(
        matches!(refused, Err(SpoolError::NotFound { .. })),
        "{refused:?}"
    );
    assert_eq!(state_after(log, id), None);
}

/// Little mail takes little room.
#[test]
fn segments_grow_as_they_are_filled() {
    let disk = SimulatedDisk::new(1);
    let shape = Shape {
        first_segment: 16 * 1024,
        segment: 128 * 1024,
        large_over: 100_000,
        ..SMALL
    };
    let mut log = Rig::start(&disk, shape).unwrap().0;
    let sizes = |disk: &SimulatedDisk| {
        let files = disk.files().into_iter();
        let log = files.filter(|(path, _)| path.starts_with("/spool/log"));
        log.map(|(_, octets)| octets.len() / 1024)
            .collect::<Vec<_>>()
    };
    assert_eq!(sizes(&disk), [16]);
    for number in 1..=16 {
        let _ = log.commit(message(number, 4000)).unwrap();
    }
    assert_eq!(sizes(&disk), [16, 32, 64, 128]);
    // One that fits the full size only passes over those that are smaller.
    let disk = SimulatedDisk::new(1);
    let mut log = Rig::start(&disk, shape).unwrap().0;
    let _ = log.commit(message(1, 90_000)).unwrap();
    assert_eq!(sizes(&disk), [16, 32, 64, 128]);
    log.give_back().unwrap();
    disk.crash(Crash::PowerLoss);
    let (log, recovered) = Rig::start(&disk, shape).unwrap();
    assert_eq!(recovered.messages.len(), 1);
    let read = log.journal.read(sample::message(1).id).unwrap();
    assert_eq!(read.message.content.len(), 90_000);
}
