//! The octets themselves.

use std::fs;

use proptest::prelude::*;

use super::super::batch::{Batch, Content, Destination, Record, Says};
use super::super::entry::{ENTRY, Entry, Extent, Flags, Kind, head_checksum, head_holds};
use super::super::frame::{
    BATCH_HEADER, BatchHeader, End, Epoch, Identity, SegmentHeader, Unreadable,
};
use super::*;
use crate::spool::message::Waiting;
use crate::spool::record;

const IDENTITY: Identity = Identity {
    epoch: Epoch(7),
    salt: 0x0123_4567_89ab_cdef,
};

fn batch_header() -> BatchHeader {
    BatchHeader {
        offset: 8192,
        synced: 8192,
        previous: Some(End {
            epoch: Epoch(5),
            end: 0xf000,
        }),
        last_id: QueueId::from_number(99),
        count: 2,
        length: 4096,
        front: 300,
    }
}

fn entry() -> Entry {
    Entry {
        kind: Kind::Message,
        flags: Flags {
            signing_deferred: true,
            held: true,
        },
        id: QueueId::from_number(98),
        reference: Some(Epoch(3)),
        head: Extent {
            at: 8448,
            length: 44,
            checksum: 5,
        },
        body: Extent {
            at: 8492,
            length: 1000,
            checksum: 6,
        },
        due: 1_790_000_000_000_000_000,
    }
}

/// Flips each bit in turn.
fn each_bit_flipped(octets: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..octets.len() * 8).map(|bit| {
        let mut flipped = octets.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

#[test]
fn a_segment_header_reads_back_and_no_bit_of_it_may_change() {
    let header = SegmentHeader {
        identity: IDENTITY,
        size: 65536,
    };
    let octets = header.encode();
    assert_eq!(octets.len(), 4096);
    assert_eq!(SegmentHeader::decode(&octets), Ok(header));
    for flipped in each_bit_flipped(&octets[..64]) {
        assert_eq!(SegmentHeader::decode(&flipped), Err(Unreadable::Damaged));
    }
    assert_eq!(SegmentHeader::decode(&[0; 4096]), Err(Unreadable::Damaged));
    assert_eq!(
        SegmentHeader::decode(&octets[..63]),
        Err(Unreadable::Damaged)
    );
}

#[test]
fn a_batch_header_reads_back_and_no_bit_of_it_may_change() {
    let octets = batch_header().encode(IDENTITY);
    assert_eq!(octets.len(), BATCH_HEADER);
    let decode = |octets: &[u8]| BatchHeader::decode(octets, IDENTITY, 8192);
    assert_eq!(decode(&octets), Ok(batch_header()));
    assert_eq!(BatchHeader::identify(&octets), Some(IDENTITY));
    for flipped in each_bit_flipped(&octets) {
        assert_eq!(decode(&flipped), Err(Unreadable::Damaged));
    }
    assert_eq!(decode(&[0; BATCH_HEADER]), Err(Unreadable::Damaged));
}

#[test]
fn an_entry_reads_back_and_no_bit_of_it_may_change() {
    let octets = entry().encode(IDENTITY, 8320);
    assert_eq!(octets.len(), ENTRY);
    assert_eq!(Entry::decode(&octets, IDENTITY, 8320), Ok(entry()));
    for flipped in each_bit_flipped(&octets) {
        let decoded = Entry::decode(&flipped, IDENTITY, 8320);
        assert_eq!(decoded, Err(Unreadable::Damaged));
    }
}

#[test]
fn what_another_use_of_the_file_or_another_place_holds_does_not_parse() {
    let other = [
        Identity {
            salt: 1,
            ..IDENTITY
        },
        Identity {
            epoch: Epoch(8),
            ..IDENTITY
        },
    ];
    for other in other {
        let octets = batch_header().encode(other);
        let decoded = BatchHeader::decode(&octets, IDENTITY, 8192);
        assert_eq!(decoded, Err(Unreadable::Damaged), "{other:?}");
    }
    let octets = batch_header().encode(IDENTITY);
    for moved in [4096, 12288] {
        let decoded = BatchHeader::decode(&octets, IDENTITY, moved);
        assert_eq!(decoded, Err(Unreadable::Damaged), "{moved}");
    }
    let octets = entry().encode(other[0], 8320);
    let decoded = Entry::decode(&octets, IDENTITY, 8320);
    assert_eq!(decoded, Err(Unreadable::Damaged));
    let octets = entry().encode(IDENTITY, 8320);
    let moved = Entry::decode(&octets, IDENTITY, 8384);
    assert_eq!(moved, Err(Unreadable::Damaged));
}

#[test]
fn the_checksum_of_a_head_depends_on_the_head() {
    let heads = [1, 2].map(|number| record::encode_message(&sample::message(number)));
    // With its own checksum it would not.
    assert_eq!(crc32fast::hash(&heads[0]), crc32fast::hash(&heads[1]));
    assert_ne!(head_checksum(&heads[0]), head_checksum(&heads[1]));
}

#[test]
fn no_bit_of_a_head_may_change_its_own_checksum_included() {
    let head = record::encode_state(sample::message(1).id, &sample::worked_on());
    let checksum = head_checksum(&head);
    assert!(head_holds(&head, checksum));
    for flipped in each_bit_flipped(&head) {
        assert!(!head_holds(&flipped, checksum));
    }
    assert!(!head_holds(&[], checksum));
}

/// The files of a log of version 1: two segments of 64 KiB, the second not closed, and a large message.
#[test]
fn version_1_still_loads() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/spool-log-v1");
    let disk = SimulatedDisk::new(1);
    let mut headers = 0;
    for folder in ["log", "large"] {
        for file in fs::read_dir(fixture.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let octets = fs::read(&path).unwrap();
            if folder == "log" {
                headers += written_as_read(&octets);
            }
            let name = path.file_name().unwrap();
            disk.put(&Path::new("/spool").join(folder).join(name), &octets);
        }
    }
    assert_eq!(headers, 13, "batches");

    let (log, recovered) = Rig::start(&disk, SMALL).unwrap();
    assert_eq!(recovered.corrupt, Vec::<std::path::PathBuf>::new());
    assert_eq!(recovered.last_id, Some(sample::message(9).id));
    let found: Vec<QueueId> = recovered.messages.iter().map(|(id, _)| *id).collect();
    let expected = [1, 2, 4, 5, 6, 7, 8, 9].map(|number| sample::message(number).id);
    assert_eq!(found, expected);
    let sizes = [700, 700, 300, 300, 300, 8000, 1000, 2000];
    for ((id, waiting), size) in recovered.messages.into_iter().zip(sizes) {
        let message = log.journal.read(id).unwrap().message;
        assert_eq!(message.content, vec![b'x'; size], "{id}");
        assert_eq!(message.envelope.recipients.len(), 3);
        assert!(message.trace.starts_with(b"Received: "));
        assert_eq!(waiting, Waiting::from(&message.state));
        let attempts = if [2, 8].contains(&(id.number() - sample::message(0).id.number())) {
            3
        } else {
            0
        };
        assert_eq!(message.state.attempts, attempts, "{id}");
    }
}

/// Checks that what is read of a segment is what would be written, and counts its batches.
fn written_as_read(octets: &[u8]) -> usize {
    let header = SegmentHeader::decode(octets).unwrap();
    assert_eq!(header.encode(), octets[..4096]);
    let (mut at, mut batches) = (4096, 0);
    while let Ok(batch) = BatchHeader::decode(&octets[at..], header.identity, at as u32) {
        assert_eq!(batch.encode(header.identity), octets[at..at + BATCH_HEADER]);
        for number in 0..batch.count as usize {
            let place = at + BATCH_HEADER + number * ENTRY;
            let entry = Entry::decode(&octets[place..], header.identity, place as u32).unwrap();
            let written = entry.encode(header.identity, place as u32);
            assert_eq!(written, octets[place..place + ENTRY]);
        }
        at += batch.length as usize;
        batches += 1;
    }
    batches
}

#[test]
fn what_is_known_of_a_message_is_small() {
    assert!(size_of::<super::super::index::Known>() <= 48);
}

proptest! {
    /// Batches as they are laid out read back, wherever they go.
    #[test]
    fn batches_read_back_as_laid_out(
        sizes in proptest::collection::vec((0..3000_usize, 0..4_u8), 0..20),
        block in 1..9_u32,
    ) {
        let head = record::encode_state(sample::message(1).id, &sample::worked_on());
        let contents: Vec<Vec<u8>> = sizes.iter().map(|(size, _)| vec![7; *size]).collect();
        let waiting = Waiting::from(&sample::worked_on());
        let records: Vec<Record<'_>> = sizes.iter().zip(&contents).map(|((_, kind), octets)| Record {
            id: QueueId::from_number(u64::from(*kind)),
            says: match kind {
                0 => Says::Message {
                    head: &head,
                    content: Content::Here { octets, checksum: crc32fast::hash(octets) },
                    waiting,
                    from: None,
                },
                1 => Says::Message { head: &head, content: Content::Apart { length: 9, checksum: 8 }, waiting, from: Some(Epoch(2)) },
                2 => Says::State { head: &head, waiting },
                _ => Says::Done { home: Epoch(4) },
            },
        }).collect();
        let offset = block * 4096;
        let to = Destination { identity: IDENTITY, offset, previous: None, last_id: QueueId::from_number(3) };
        let batch = Batch::lay_out(&records, to);
        let octets: Vec<u8> = batch.octets().iter().flat_map(|slice| slice.to_vec()).collect();
        prop_assert_eq!(octets.len(), batch.length as usize);
        let header = BatchHeader::decode(&octets, IDENTITY, offset).unwrap();
        prop_assert_eq!(header.count as usize, records.len());
        let at = |extent: Extent| {
            let start = (extent.at - offset) as usize;
            &octets[start..start + extent.length as usize]
        };
        for (record, (entry, place)) in records.iter().zip(&batch.entries) {
            let start = (place.at() - offset) as usize;
            prop_assert_eq!(Entry::decode(&octets[start..], IDENTITY, place.at()), Ok(*entry));
            match record.says {
                Says::Message { head, content: Content::Here { octets, .. }, .. } => {
                    prop_assert_eq!(at(entry.head), head);
                    prop_assert_eq!(at(entry.body), octets);
                }
                Says::Message { head, .. } | Says::State { head, .. } => prop_assert_eq!(at(entry.head), head),
                Says::Done { .. } => prop_assert_eq!(entry.head, Extent::default()),
            }
            prop_assert_eq!(u64::from(place.octets), record.octets());
        }
    }
}
