//! What a message that waits takes of memory: its place in the queue's schedule, and in the index of the spool. Alone in its
//! file, so that nothing else allocates meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there"
)]

use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use peak_alloc::PeakAlloc;
use smtp_edge::clock::Clock;
use smtp_edge::config::{DeliverySettings, SpoolSettings};
use smtp_edge::deliver::route::Hop;
use smtp_edge::envelope::{Envelope, Needs, ReversePath, Source};
use smtp_edge::ids::QueueId;
use smtp_edge::queue::origin::Origin;
use smtp_edge::queue::schedule::{Arrival, Awaiting, Schedule};
use smtp_edge::queue::window::Bounds;
use smtp_edge::spool::Spool;
use smtp_edge::spool::log::{Condition, LogSpool};
use smtp_edge::spool::message::{Message, MessageState, Orders, RecipientState};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The goal for both together.
const MOST: usize = 300;

const IN_SCHEDULE: u64 = 200_000;
const IN_SPOOL: u64 = 20_000;
const CLIENTS: u64 = 100;
const DESTINATIONS: u64 = 2_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

#[test]
fn a_message_that_waits_takes_less_than_300_octets() {
    let (waiting, in_line) = in_schedule();
    let index = in_spool();
    println!("{waiting} octets in the schedule, {in_line} in line, {index} in the spool's index");
    assert!(waiting + index < MOST, "{waiting} and {index}");
    assert!(in_line + index < MOST, "{in_line} and {index}");
}

/// Octets for each message that waits for its time, and for each that stands in line.
fn in_schedule() -> (usize, usize) {
    let before = ALLOCATOR.current_usage();
    let bounds = Bounds::new(&DeliverySettings::default());
    let mut schedule = Schedule::new(bounds, Duration::from_secs(300));
    for number in 0..IN_SCHEDULE {
        let client = u8::try_from(number % CLIENTS).unwrap();
        // Nearly every message has one destination, and one in ten has two.
        let second = (number % 10 == 0).then_some(number * 7 + 1);
        let hops = [Some(number * 31), second].into_iter().flatten();
        let hop = |number| format!("d{}.example", number % DESTINATIONS);
        let hops = hops.map(|number| Hop::Exchangers(hop(number).parse().unwrap()));
        let arrival = Arrival {
            due: at(number % 1000),
            awaiting: Awaiting::Time,
            origin: Origin::Address(Ipv4Addr::new(192, 0, 2, client).into()),
            hops: hops.collect(),
            upkeep: at(100_000),
        };
        schedule.add(QueueId::from_number(number), &arrival);
    }
    let each = |schedule: &Schedule| {
        let used = ALLOCATOR.current_usage().saturating_sub(before);
        used / schedule.level().messages
    };
    let waiting = each(&schedule);
    // The first that is due puts all that are due in line.
    let started = schedule.next(at(1000));
    assert!(started.is_some());
    assert!(schedule.level().in_line > 200_000);
    (waiting, each(&schedule))
}

/// Octets for each message in the log's index.
fn in_spool() -> usize {
    let place = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let bound = SpoolSettings::default().large_message;
        let told = watch::channel(Condition::Works).0;
        let spool = LogSpool::open(place.path(), bound, Clock::system(), told);
        let spool = Arc::new(spool.await.unwrap());
        commit(&spool, 0..IN_SPOOL / 10).await; // so that what is there once is there
        let before = ALLOCATOR.current_usage();
        commit(&spool, IN_SPOOL / 10..IN_SPOOL).await;
        let used = ALLOCATOR.current_usage().saturating_sub(before);
        used / usize::try_from(IN_SPOOL - IN_SPOOL / 10).unwrap()
    })
}

/// Commits messages, so many at a time that what holds them on their way grows no more after the first.
async fn commit(spool: &Arc<LogSpool>, numbers: Range<u64>) {
    let numbers: Vec<u64> = numbers.collect();
    for some in numbers.chunks(500) {
        let mut commits = JoinSet::new();
        for number in some.iter().copied() {
            let spool = Arc::clone(spool);
            commits.spawn(async move { spool.commit(message(number)).await.map(drop) });
        }
        for committed in commits.join_all().await {
            committed.unwrap();
        }
    }
}

fn message(number: u64) -> Message {
    Message {
        id: QueueId::from_number((1_800_000_000_000 << 20) + number),
        envelope: Envelope {
            source: Source::Ourselves,
            reverse_path: ReversePath::Mailbox("sender@example.org".parse().unwrap()),
            recipients: vec!["somebody@mail.example.com".parse().unwrap()],
            needs: Needs::default(),
            accepted: at(0),
        },
        trace: Vec::new(),
        content: b"Subject: a\r\n\r\n".to_vec(),
        body_hashes: Default::default(),
        state: MessageState {
            recipients: vec![RecipientState::Pending(None)],
            signings: Default::default(),
            attempts: 0,
            next_attempt: at(0),
            orders: Orders::default(),
            delay_told: None,
        },
    }
}
