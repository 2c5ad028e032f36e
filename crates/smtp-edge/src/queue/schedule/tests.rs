//! Times, turns, windows and deaths, without a runtime.

mod model;

use super::*;
use crate::config::DeliverySettings;
use crate::queue::next::Again;
use crate::queue::window::Reached;
use crate::spool::message::Fault;

const DEAD_FOR: Duration = Duration::from_secs(300);

pub(super) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

pub(super) fn id(number: u64) -> QueueId {
    QueueId::from_number(number)
}

pub(super) fn hop(name: &str) -> Hop {
    Hop::Exchangers(name.parse().unwrap())
}

pub(super) fn origin(number: u8) -> Origin {
    Origin::Address([192, 0, 2, number].into())
}

/// A schedule whose windows begin so and end so.
pub(super) fn schedule(initial: u32, most: u32) -> Schedule {
    let settings = DeliverySettings {
        destination_initial_concurrency: initial,
        destination_concurrency: most,
        ..DeliverySettings::default()
    };
    Schedule::new(Bounds::new(&settings), DEAD_FOR)
}

pub(super) fn arrival(due: u64, origin: Origin, hops: &[&str]) -> Arrival {
    Arrival {
        due: at(due),
        awaiting: Awaiting::Time,
        origin,
        hops: hops.iter().map(|name| hop(name)).collect(),
        upkeep: at(1_000_000),
    }
}

pub(super) fn again(due: u64, put_off: &[&str], untried: &[&str]) -> Again {
    let hops = |names: &[&str]| names.iter().map(|name| hop(name)).collect();
    Again {
        due: at(due),
        awaiting: Awaiting::Time,
        remaining: Remaining::Are {
            put_off: hops(put_off),
            untried: hops(untried),
        },
        upkeep: at(1_000_000),
        origin: None,
        unrecorded: None,
    }
}

fn failed() -> Ended {
    Ended {
        reached: Reached::No,
        trouble: Some(Fault {
            status: "4.4.1".into(),
            remote: None,
            text: "no host could be reached".into(),
        }),
    }
}

fn reached() -> Ended {
    Ended {
        reached: Reached::Yes,
        trouble: None,
    }
}

/// What starts at a time, as `id` or `id>hop`, with `+` before what a round that goes on is told.
fn started(schedule: &mut Schedule, seconds: u64) -> Vec<String> {
    let mut starts = Vec::new();
    while let Some(start) = schedule.next(at(seconds)) {
        starts.push(match start {
            Start::Round {
                id, to: Some(call), ..
            } => format!("{}>{}", id.number(), call.hop),
            Start::Round { id, to: None, .. } => id.number().to_string(),
            Start::Further { id, to } => format!("+{}>{}", id.number(), to.hop),
        });
    }
    starts
}

/// Ends a message's delivery to a hop, and its round with that.
fn over(schedule: &mut Schedule, number: u64, name: &str, ended: Ended, next: Next, now: u64) {
    let destination = schedule.destinations.find(&hop(name)).unwrap();
    schedule.ended(destination, ended, at(now));
    schedule.end(id(number), next, at(now));
}

const NOTHING: [&str; 0] = [];

#[test]
fn messages_start_when_their_time_has_come() {
    let mut schedule = schedule(5, 20);
    schedule.add(id(1), &arrival(30, origin(1), &["x.example"]));
    schedule.add(id(2), &arrival(10, origin(1), &["x.example"]));
    schedule.add(id(2), &arrival(5, origin(1), &["x.example"])); // told twice
    assert_eq!(schedule.next_due(), Some(at(10)));
    assert_eq!(started(&mut schedule, 9), NOTHING);
    assert_eq!(started(&mut schedule, 10), ["2>x.example"]);
    assert_eq!(started(&mut schedule, 30), ["1>x.example"]);
    assert_eq!(started(&mut schedule, 99), NOTHING);
}

#[test]
fn a_round_ends_in_another_or_in_nothing() {
    let mut schedule = schedule(5, 20);
    for number in [1, 2] {
        schedule.add(id(number), &arrival(0, origin(1), &["x.example"]));
    }
    assert_eq!(started(&mut schedule, 0), ["1>x.example", "2>x.example"]);
    over(&mut schedule, 1, "x.example", reached(), Next::Done, 1);
    let next = Next::Again(again(50, &["x.example"], &[]));
    over(&mut schedule, 2, "x.example", reached(), next, 1);
    assert_eq!(started(&mut schedule, 49), NOTHING);
    assert_eq!(started(&mut schedule, 50), ["2>x.example"]);
    over(&mut schedule, 2, "x.example", reached(), Next::Done, 51);
    assert_eq!(schedule.level(), Level::default());
    assert_eq!(schedule.next_due(), None);
}

#[test]
fn messages_count_until_their_last_round_has_ended() {
    let mut schedule = schedule(5, 20);
    let level = |schedule: &Schedule| {
        let level = schedule.level();
        (level.messages, level.oldest.map(QueueId::number))
    };
    assert_eq!(level(&schedule), (0, None));
    schedule.add(id(2), &arrival(0, origin(1), &["x.example"]));
    schedule.add(id(1), &arrival(50, origin(1), &["x.example"]));
    assert_eq!(level(&schedule), (2, Some(1)));
    started(&mut schedule, 50);
    assert_eq!(level(&schedule), (2, Some(1)));
    over(&mut schedule, 1, "x.example", reached(), Next::Done, 51);
    assert_eq!(level(&schedule), (1, Some(2)));
    over(&mut schedule, 2, "x.example", reached(), Next::Done, 51);
    assert_eq!(level(&schedule), (0, None));
}

#[test]
fn changed_keys_wake_what_waits_for_signing_and_nothing_else() {
    let mut schedule = schedule(5, 20);
    let signing = Arrival {
        awaiting: Awaiting::Signing,
        ..arrival(100, origin(1), &["x.example"])
    };
    schedule.add(id(1), &signing);
    schedule.add(id(2), &arrival(100, origin(1), &["x.example"]));
    schedule.keys_changed(at(7));
    assert_eq!(started(&mut schedule, 7), ["1>x.example"]);
}

#[test]
fn keys_that_change_while_a_round_runs_are_not_missed() {
    let mut schedule = schedule(5, 20);
    for number in [1, 2] {
        schedule.add(id(number), &arrival(0, origin(1), &["x.example"]));
    }
    started(&mut schedule, 0);
    schedule.keys_changed(at(1));
    let signing = Again {
        awaiting: Awaiting::Signing,
        ..again(100, &["x.example"], &[])
    };
    let next = Next::Again(signing);
    over(&mut schedule, 1, "x.example", reached(), next, 2);
    let next = Next::Again(again(100, &["x.example"], &[]));
    over(&mut schedule, 2, "x.example", reached(), next, 2);
    assert_eq!(started(&mut schedule, 2), ["1>x.example"]);
}

#[test]
fn a_destination_without_room_keeps_nobody_from_the_others() {
    let mut schedule = schedule(1, 1);
    schedule.add(id(1), &arrival(0, origin(1), &["x.example"]));
    schedule.add(id(2), &arrival(0, origin(1), &["x.example", "y.example"]));
    // The second goes where there is room, and is told of the other while its round goes on.
    assert_eq!(started(&mut schedule, 0), ["1>x.example", "2>y.example"]);
    over(&mut schedule, 1, "x.example", reached(), Next::Done, 1);
    assert_eq!(started(&mut schedule, 1), ["+2>x.example"]);
}

#[test]
fn a_leg_that_a_round_did_not_take_keeps_its_place() {
    let mut schedule = schedule(1, 1);
    schedule.add(id(1), &arrival(0, origin(1), &["x.example"]));
    schedule.add(id(2), &arrival(0, origin(1), &["x.example", "y.example"]));
    schedule.add(id(3), &arrival(0, origin(1), &["x.example"]));
    started(&mut schedule, 0);
    let next = Next::Again(again(300, &["y.example"], &["x.example"]));
    over(&mut schedule, 2, "y.example", reached(), next, 1);
    assert_eq!(started(&mut schedule, 1), NOTHING);
    over(&mut schedule, 1, "x.example", reached(), Next::Done, 2);
    assert_eq!(started(&mut schedule, 2), ["2>x.example"]);
    // Its call came as the round ended: it is called again.
    let next = Next::Again(again(300, &[], &["x.example", "y.example"]));
    over(&mut schedule, 2, "x.example", Ended::UNTRIED, next, 3);
    assert_eq!(started(&mut schedule, 3), ["2>x.example"]);
    let next = Next::Again(again(400, &["x.example"], &["y.example"]));
    over(&mut schedule, 2, "x.example", reached(), next, 4);
    assert_eq!(started(&mut schedule, 4), ["3>x.example"]);
    assert_eq!(started(&mut schedule, 299), NOTHING);
}

#[test]
fn settings_that_change_the_way_move_the_message_over() {
    let mut schedule = schedule(1, 1);
    schedule.add(id(1), &arrival(0, origin(1), &["x.example", "y.example"]));
    schedule.add(id(2), &arrival(0, origin(1), &["x.example"]));
    assert_eq!(started(&mut schedule, 0), ["1>x.example", "+1>y.example"]);
    let y = schedule.destinations.find(&hop("y.example")).unwrap();
    schedule.ended(y, reached(), at(1));
    let next = Next::Again(again(300, &[], &["z.example"]));
    over(&mut schedule, 1, "x.example", Ended::UNTRIED, next, 1);
    assert_eq!(started(&mut schedule, 1), ["2>x.example", "1>z.example"]);
    assert_eq!(schedule.level().destinations, 2);
}

#[test]
fn a_message_whose_way_is_not_known_has_a_round_that_finds_out() {
    let mut schedule = schedule(1, 1);
    schedule.add(id(1), &arrival(0, Origin::Unknown, &[]));
    assert_eq!(started(&mut schedule, 0), ["1"]);
    let next = Next::Again(again(300, &[], &["x.example"]));
    schedule.end(id(1), next, at(1));
    assert_eq!(started(&mut schedule, 1), ["1>x.example"]);
    // Only a report is left.
    let next = Next::Again(again(300, &[], &[]));
    over(&mut schedule, 1, "x.example", reached(), next, 2);
    assert_eq!(started(&mut schedule, 299), NOTHING);
    assert_eq!(started(&mut schedule, 300), ["1"]);
}

#[test]
fn what_is_learnt_of_a_message_puts_it_into_its_clients_lines() {
    let mut schedule = schedule(1, 1);
    for number in 1..=9 {
        schedule.add(id(number), &arrival(10, Origin::Unknown, &[]));
    }
    for number in 1..=8 {
        schedule.learn(id(number), &origin(1), &[hop("x.example")]);
    }
    schedule.learn(id(9), &origin(2), &[hop("x.example")]);
    schedule.learn(id(9), &origin(3), &[hop("z.example")]); // it is known already
    schedule.learn(id(99), &origin(3), &[hop("z.example")]); // it is gone
    assert_eq!(started(&mut schedule, 9), NOTHING);
    assert_eq!(started(&mut schedule, 10), ["1>x.example"]);
    over(&mut schedule, 1, "x.example", reached(), Next::Done, 11);
    assert_eq!(started(&mut schedule, 11), ["9>x.example"]);
    // Learnt by a round.
    schedule.add(id(10), &arrival(11, Origin::Unknown, &[]));
    assert_eq!(started(&mut schedule, 11), ["10"]);
    schedule.learn(id(10), &origin(4), &[hop("z.example")]); // its round knows
    let next = Again {
        origin: Some(origin(2)),
        ..again(300, &[], &["x.example"])
    };
    schedule.end(id(10), Next::Again(next), at(12));
    over(&mut schedule, 9, "x.example", reached(), Next::Done, 12);
    assert_eq!(started(&mut schedule, 12), ["2>x.example"]);
    over(&mut schedule, 2, "x.example", reached(), Next::Done, 13);
    assert_eq!(started(&mut schedule, 13), ["10>x.example"]);
    assert_eq!(schedule.origins.len(), 2);
}

#[test]
fn a_dead_destination_is_left_alone_and_upkeep_is_not() {
    let mut schedule = schedule(2, 2);
    for number in 1..=9 {
        schedule.add(id(number), &arrival(0, origin(1), &["x.example"]));
    }
    assert_eq!(started(&mut schedule, 0).len(), 2);
    let put_off = || Next::Again(again(5_000, &["x.example"], &[]));
    over(&mut schedule, 1, "x.example", failed(), put_off(), 1); // half a cohort, and the window is 1
    assert_eq!(started(&mut schedule, 1), NOTHING);
    let x = schedule.destinations.find(&hop("x.example")).unwrap();
    let change = schedule.ended(x, failed(), at(2));
    assert!(
        matches!(&change, Change::Died { until, trouble: Some(_), .. } if *until == at(2) + DEAD_FOR),
        "{change:?}"
    );
    schedule.end(id(2), put_off(), at(2));
    assert_eq!(schedule.next_due(), Some(at(302)));
    assert_eq!(started(&mut schedule, 301), NOTHING);
    assert_eq!((schedule.level().dead, schedule.level().in_line), (1, 7));
    let late = Arrival {
        upkeep: at(200),
        ..arrival(100, origin(1), &["x.example"])
    };
    schedule.add(id(10), &late);
    let Some(Start::Round {
        id: upkept,
        to: None,
        purpose: Purpose::Upkeep,
        troubles,
        ..
    }) = schedule.next(at(301))
    else {
        panic!("no round for the upkeep");
    };
    assert_eq!((upkept, troubles.len()), (id(10), 1));
    let next = Next::Again(again(9_000, &[], &["x.example"]));
    schedule.end(id(10), next, at(301));
    assert_eq!(started(&mut schedule, 302), ["3>x.example", "4>x.example"]);
}

#[test]
fn what_is_held_has_no_time_and_stands_nowhere() {
    let mut schedule = schedule(1, 1);
    for number in 1..=3 {
        schedule.add(id(number), &arrival(0, origin(1), &["x.example"]));
    }
    assert_eq!(started(&mut schedule, 0), ["1>x.example"]);
    assert!(matches!(schedule.take(id(1)), Taken::Running));
    assert!(matches!(schedule.take(id(9)), Taken::Unknown));
    assert!(matches!(schedule.take(id(2)), Taken::Waiting(None)));
    assert!(matches!(schedule.take(id(2)), Taken::Running));
    assert_eq!(schedule.is_running(id(2)), Some(true));
    over(&mut schedule, 1, "x.example", reached(), Next::Done, 1);
    assert_eq!(started(&mut schedule, 1), ["3>x.example"]);
    let order = |due, awaiting| {
        Next::Again(Again {
            awaiting,
            remaining: Remaining::AllDue,
            ..again(due, &[], &[])
        })
    };
    schedule.end(id(2), order(0, Awaiting::Release), at(2));
    schedule.all_due(at(2));
    schedule.learn(id(2), &origin(2), &[hop("y.example")]); // it is known
    over(&mut schedule, 3, "x.example", reached(), Next::Done, 3);
    assert_eq!(started(&mut schedule, 2_000_000), NOTHING);
    assert_eq!((schedule.next_due(), schedule.level().held), (None, 1));
    assert_eq!(schedule.page(None, 9), [(id(2), false)]);
    assert!(matches!(schedule.take(id(2)), Taken::Waiting(None)));
    assert_eq!(schedule.level().held, 0);
    schedule.end(id(2), order(10, Awaiting::Time), at(4));
    assert_eq!(started(&mut schedule, 9), NOTHING);
    assert_eq!(started(&mut schedule, 10), ["2>x.example"]);
}

#[test]
fn an_order_that_changes_nothing_leaves_each_leg_its_time() {
    let mut schedule = schedule(1, 1);
    let hops = ["x.example", "y.example"];
    schedule.add(id(1), &arrival(0, origin(1), &hops));
    assert_eq!(started(&mut schedule, 0), ["1>x.example", "+1>y.example"]);
    let y = schedule.destinations.find(&hop("y.example")).unwrap();
    schedule.ended(y, Ended::UNTRIED, at(1));
    let next = Next::Again(again(300, &["x.example"], &["y.example"]));
    over(&mut schedule, 1, "x.example", reached(), next, 1);
    let unlike = || {
        Next::Again(Again {
            remaining: Remaining::AsBefore,
            ..again(0, &[], &[])
        })
    };
    assert!(matches!(schedule.take(id(1)), Taken::Waiting(None)));
    schedule.end(id(1), unlike(), at(2));
    assert_eq!(started(&mut schedule, 2), ["1>y.example"]);
    let next = Next::Again(again(400, &["y.example"], &["x.example"]));
    over(&mut schedule, 1, "y.example", reached(), next, 3);
    assert!(matches!(schedule.take(id(1)), Taken::Waiting(None)));
    schedule.end(id(1), unlike(), at(4));
    assert_eq!(started(&mut schedule, 299), NOTHING);
    assert_eq!(started(&mut schedule, 300), ["1>x.example"]);
    assert_eq!(started(&mut schedule, 400), ["+1>y.example"]);
    // And all of it is due when somebody says so.
    let next = Next::Again(again(900, &hops, &[]));
    let x = schedule.destinations.find(&hop("x.example")).unwrap();
    schedule.ended(x, reached(), at(401));
    over(&mut schedule, 1, "y.example", reached(), next, 401);
    schedule.all_due(at(402));
    assert_eq!(started(&mut schedule, 402).len(), 2);
}

#[test]
fn a_blast_delays_another_client_by_one_start() {
    const BLAST: u64 = 100_000;
    let check = |hops: fn(u64) -> String, own: &str, most: u64| {
        let mut schedule = schedule(5, 20);
        for number in 0..BLAST {
            let arrival = arrival(0, origin(1), &[&hops(number)]);
            schedule.add(id(number), &arrival);
        }
        // As many at once as the server has room for.
        let mut under_way = Vec::new();
        while under_way.len() < 100
            && let Some(Start::Round {
                id, to: Some(call), ..
            }) = schedule.next(at(0))
        {
            under_way.push((id, call));
        }
        schedule.add(id(BLAST), &arrival(0, origin(2), &[own]));
        for passed in 0..=most {
            let (ended, call) = under_way.remove(0);
            schedule.ended(call.destination, reached(), at(1));
            schedule.end(ended, Next::Done, at(1));
            while under_way.len() < 100
                && let Some(Start::Round {
                    id: started,
                    to: Some(call),
                    ..
                }) = schedule.next(at(1))
            {
                if started == id(BLAST) {
                    return;
                }
                under_way.push((started, call));
            }
            assert!(passed < most, "{own}: not after {most} ends");
        }
    };
    check(|_| "x.example".to_owned(), "y.example", 1);
    check(|_| "x.example".to_owned(), "x.example", 1);
    check(|number| format!("d{number}.example"), "y.example", 2);
    check(|number| format!("d{number}.example"), "d7.example", 2);
}

#[test]
fn an_order_does_not_wait_for_a_dead_destination() {
    let mut schedule = schedule(1, 1);
    for number in 1..=3 {
        schedule.add(id(number), &arrival(0, origin(1), &["dead.example"]));
    }
    let Some(Start::Round { id: first, to, .. }) = schedule.next(at(0)) else {
        panic!("the first is due");
    };
    let destination = to.unwrap().destination;
    let change = schedule.ended(destination, failed(), at(1));
    assert!(matches!(change, Change::Died { .. }));
    schedule.end(
        first,
        Next::Again(again(600, &["dead.example"], &[])),
        at(1),
    );
    assert!(schedule.next(at(2)).is_none());
    // One is given another destination.
    assert!(matches!(schedule.take(id(2)), Taken::Waiting(None)));
    schedule.end(id(2), Next::Again(again(2, &["other.example"], &[])), at(2));
    let Some(Start::Round { id: second, to, .. }) = schedule.next(at(2)) else {
        panic!("it goes elsewhere");
    };
    assert_eq!((second, to.unwrap().hop), (id(2), hop("other.example")));
    assert!(schedule.next(at(2)).is_none());
    // For another it is known better that the destination is back.
    assert!(matches!(schedule.take(id(3)), Taken::Waiting(None)));
    schedule.end(id(3), Next::Again(again(3, &["dead.example"], &[])), at(3));
    assert!(schedule.next(at(3)).is_none());
    schedule.wake_for(id(3));
    assert_eq!(schedule.level().dead, 0);
    let Some(Start::Round { id: third, .. }) = schedule.next(at(3)) else {
        panic!("it is tried");
    };
    assert_eq!(third, id(3));
}

#[test]
fn a_queue_that_is_drained_tries_dead_destinations_as_well() {
    let mut schedule = schedule(1, 1);
    schedule.add(id(1), &arrival(0, origin(1), &["dead.example"]));
    let Some(Start::Round { to, .. }) = schedule.next(at(0)) else {
        panic!("it is due");
    };
    schedule.ended(to.unwrap().destination, failed(), at(1));
    schedule.end(
        id(1),
        Next::Again(again(600, &["dead.example"], &[])),
        at(1),
    );
    assert_eq!(schedule.level().dead, 1);
    schedule.all_due(at(2));
    assert_eq!(schedule.level().dead, 0);
    assert!(matches!(schedule.next(at(2)), Some(Start::Round { .. })));
}
