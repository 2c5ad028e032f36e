//! The queue with a real spool, a manual clock, and imitations of signing, delivery and reporting.

mod orders;
mod simulation;
mod world;

use std::future::Future;

use super::*;
use crate::envelope::ReversePath;
use crate::signing::state::{FaultClass, Signatures, Signing};
use crate::spool::SpoolError;
use crate::spool::message::RecipientState;
use crate::spool::sample::{self, for_all};
use world::*;

#[tokio::test]
async fn a_delivered_message_is_removed() {
    let mut world = World::new().await;
    world.accept(&message(&["a@example.net"])).await;
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn rounds_follow_the_schedule_until_one_succeeds() {
    let mut world = World::new().await;
    world.next_outcomes([later(), later()]);
    let id = world.accept(&message(&["a@example.net"])).await;
    world
        .expect(&["attempt a@example.net \"\"", "round 1, next at 300"])
        .await;
    assert_eq!(
        &*fault(&world.state(id).await.recipients[0]).status,
        "4.4.1"
    );
    world.pass(FIRST - Duration::from_secs(1));
    world.nothing_more();
    world.pass(Duration::from_secs(1));
    world
        .expect(&["attempt a@example.net \"\"", "round 2, next at 900"])
        .await;
    world.pass(FIRST * 2);
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn a_failed_recipient_is_reported_and_the_others_go_on() {
    let mut world = World::new().await;
    world.next_outcomes([failed(), later()]);
    let id = world
        .accept(&message(&["a@example.net", "b@example.net"]))
        .await;
    world
        .expect(&[
            "attempt a@example.net b@example.net \"\"",
            "round 0, next at 0", // the failure is on record before it is reported
            "report to samantha@renovations.com, 1 failed",
            "round 1, next at 300",
        ])
        .await;
    assert_eq!(
        world.state(id).await.recipients[0],
        RecipientState::Reported
    );
    world.pass(FIRST);
    world
        .expect(&["attempt b@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn all_failures_of_a_round_are_one_report() {
    let mut world = World::new().await;
    world.next_outcomes([failed(), failed(), failed()]);
    world
        .accept(&message(&[
            "a@example.net",
            "b@example.net",
            "c@example.net",
        ]))
        .await;
    let expected = [
        "attempt a@example.net b@example.net c@example.net \"\"",
        "round 0, next at 0",
        "report to samantha@renovations.com, 3 failed",
        "removed",
    ];
    world.expect(&expected).await;
}

#[tokio::test]
async fn nobody_is_told_of_a_failed_message_from_nobody() {
    let mut world = World::new().await;
    world.next_outcomes([failed()]);
    let mut message = message(&["a@example.net"]);
    message.envelope.reverse_path = ReversePath::Null;
    world.accept(&message).await;
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn a_report_that_cannot_be_stored_is_tried_again() {
    let mut world = World::new().await;
    world.outside.reports.lock().unwrap().resize(10, Vec::new());
    world.next_outcomes([failed()]);
    let id = world.accept(&message(&["a@example.net"])).await;
    let expected = [
        "attempt a@example.net \"\"",
        "round 0, next at 0",
        "report refused",
        "round 1, next at 300",
    ];
    world.expect(&expected).await;
    assert!(matches!(
        world.state(id).await.recipients[0],
        RecipientState::Failed(_)
    ));
    world.outside.reports.lock().unwrap().clear();
    world.pass(FIRST);
    let expected = ["report to samantha@renovations.com, 1 failed", "removed"];
    world.expect(&expected).await;
}

#[tokio::test]
async fn what_cannot_be_delivered_in_time_is_given_up() {
    let mut world = World::new().await;
    world.next_outcomes([later(), later()]);
    let id = world.accept(&message(&["a@example.net"])).await;
    world
        .expect(&["attempt a@example.net \"\"", "round 1, next at 300"])
        .await;
    world.pass(LONG * 5);
    // There is one last attempt; only then is it given up.
    world
        .expect(&["attempt a@example.net \"\"", "round 1, next at 300"])
        .await;
    world
        .expect(&["report to samantha@renovations.com, 1 failed", "removed"])
        .await;
    let report = String::from_utf8(world.outside.reports.lock().unwrap()[0].clone()).unwrap();
    assert!(report.contains("Status: 5.4.7\r\n"), "{report}");
    assert!(world.spool.files.read(id).await.is_err());
}

#[tokio::test]
async fn internal_copies_do_not_wait_for_signing() {
    let mut world = World::new().await;
    let mut message = message(&["in@renovations.com", "out@example.net"]);
    message.state.signings = for_all(Signing::Deferred(signing_fault(FaultClass::StoreAway)));
    let deferred = Signing::Deferred(signing_fault(FaultClass::StoreAway));
    world.outside.signing.lock().unwrap().push_back(deferred);
    let id = world.accept(&message).await;
    let expected = [
        "sign",
        "attempt in@renovations.com unsigned",
        "round 1, next at 300",
    ];
    world.expect(&expected).await;
    let expected = [RecipientState::Delivered, RecipientState::Pending(None)];
    assert_eq!(world.state(id).await.recipients, expected);

    // Keys have changed: the external copy does not wait for its time, and is signed.
    world.handle.retry_deferred_signing();
    let expected = [
        "sign",
        "attempt out@example.net \"DKIM-Signature: s\\r\\n\"",
        "removed",
    ];
    world.expect(&expected).await;
}

#[tokio::test]
async fn refused_signing_is_reported_with_its_reason() {
    let mut world = World::new().await;
    let mut message = message(&["in@renovations.com", "out@example.net"]);
    message.state.signings = for_all(Signing::Refused(signing_fault(FaultClass::KeyRevoked)));
    world.accept(&message).await;
    let expected = [
        "attempt in@renovations.com unsigned",
        "round 0, next at 0",
        "report to samantha@renovations.com, 1 failed",
        "removed",
    ];
    world.expect(&expected).await;
    let report = String::from_utf8(world.outside.reports.lock().unwrap()[0].clone()).unwrap();
    assert!(
        report.contains(
            "Final-Recipient: rfc822; out@example.net\r\nAction: failed\r\nStatus: 5.3.5\r\n"
        ),
        "{report}"
    );
    assert!(!report.contains("Diagnostic-Code"), "{report}");
    let words = report
        .replace("=\r\n", "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        words.contains("the signing key is revoked (selector 12345, key"),
        "{report}"
    );
    assert!(words.contains("for the domain renovations.com"), "{report}");
}

#[tokio::test]
async fn deferred_signing_that_ends_in_a_refusal_is_reported() {
    let mut world = World::new().await;
    let mut message = message(&["out@example.net"]);
    message.state.signings = for_all(Signing::Deferred(signing_fault(FaultClass::NekAway)));
    let refused = Signing::Refused(signing_fault(FaultClass::KeyMissing));
    world.outside.signing.lock().unwrap().push_back(refused);
    world.accept(&message).await;
    let expected = [
        "sign",
        "round 0, next at 0",
        "report to samantha@renovations.com, 1 failed",
        "removed",
    ];
    world.expect(&expected).await;
}

#[tokio::test]
async fn deferred_signing_that_outlives_the_queue_is_reported() {
    let mut world = World::new().await;
    let mut message = message(&["out@example.net"]);
    message.state.signings = for_all(Signing::Deferred(signing_fault(FaultClass::StoreAway)));
    let deferred = Signing::Deferred(signing_fault(FaultClass::StoreAway));
    world
        .outside
        .signing
        .lock()
        .unwrap()
        .extend([deferred.clone(), deferred]);
    world.accept(&message).await;
    world.expect(&["sign", "round 1, next at 300"]).await;
    world.pass(LONG * 6);
    // The last round tries once more.
    world.expect(&["sign"]).await;
    let expected = [
        "round 1, next at 300",
        "report to samantha@renovations.com, 1 failed",
        "removed",
    ];
    world.expect(&expected).await;
    let report = String::from_utf8(world.outside.reports.lock().unwrap()[0].clone()).unwrap();
    assert!(report.contains("Status: 5.4.7\r\n"), "{report}");
    let words = report
        .replace("=\r\n", "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        words.contains("the store of signing keys could not be reached"),
        "{report}"
    );
}

#[tokio::test]
async fn best_effort_sends_without_a_signature() {
    let mut world = World::new().await;
    let mut message = message(&["out@example.net"]);
    message.state.signings = for_all(Signing::Deferred(signing_fault(FaultClass::StoreAway)));
    let unsigned = Signing::Done(Signatures::default());
    world.outside.signing.lock().unwrap().push_back(unsigned);
    world.accept(&message).await;
    world
        .expect(&["sign", "attempt out@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn a_restart_goes_on_where_the_record_stands() {
    let mut world = World::new().await;
    world.next_outcomes([delivered(), later()]);
    world
        .accept(&message(&["a@example.net", "b@example.net"]))
        .await;
    world
        .expect(&[
            "attempt a@example.net b@example.net \"\"",
            "round 1, next at 300",
        ])
        .await;
    world.restart().await;
    world.nothing_more();
    world.pass(FIRST);
    world
        .expect(&["attempt b@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn an_outcome_that_cannot_be_recorded_is_recorded_before_anything_else_is_done() {
    let mut world = World::new().await;
    world.next_outcomes([delivered(), later()]);
    *world.spool.updates_fail.lock().unwrap() = true;
    world
        .accept(&message(&["a@example.net", "b@example.net"]))
        .await;
    world
        .expect(&["attempt a@example.net b@example.net \"\"", "update fails"])
        .await;
    world.pass(Duration::from_secs(60));
    world.expect(&["update fails"]).await;
    *world.spool.updates_fail.lock().unwrap() = false;
    world.pass(Duration::from_secs(60));
    // `a` has the message and does not get it again.
    world
        .expect(&[
            "round 1, next at 300",
            "attempt b@example.net \"\"",
            "removed",
        ])
        .await;
}

#[tokio::test]
async fn a_slow_hop_does_not_hold_up_the_record_of_a_quick_one() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(999); // one delivery passes
    let id = world
        .accept(&message(&["a@one.example", "b@two.example"]))
        .await;
    world
        .expect(&[
            "attempt a@one.example \"\"",
            "attempt b@two.example \"\"",
            "round 0, next at 0",
        ])
        .await;
    let states = world.state(id).await.recipients;
    assert!(
        states.contains(&RecipientState::Delivered)
            && states.contains(&RecipientState::Pending(None)),
        "{states:?}"
    );
    world.outside.gate.add_permits(1);
    world.expect(&["removed"]).await;
}

#[tokio::test]
async fn no_more_attempts_run_at_once_than_the_settings_allow() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(1000);
    for number in 1..=6 {
        let mut message = message(&["a@example.net"]);
        message.id = sample::message(number).id;
        world.accept(&message).await;
    }
    world.expect(&["attempt a@example.net \"\""; 4]).await;
    tokio::task::yield_now().await;
    world.nothing_more();
    world.outside.gate.add_permits(1);
    world
        .expect(&["removed", "attempt a@example.net \"\""])
        .await;
    world.outside.gate.add_permits(10);
}

#[tokio::test]
async fn a_shutdown_lets_running_attempts_end() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(1000);
    let id = world.accept(&message(&["a@example.net"])).await;
    world.expect(&["attempt a@example.net \"\""]).await;
    let stopping = tokio::spawn(
        world
            .queue
            .take()
            .unwrap()
            .shutdown(Duration::from_secs(60)),
    );
    world.outside.gate.add_permits(1);
    stopping.await.unwrap();
    world.expect(&["removed"]).await;
    assert!(world.spool.files.read(id).await.is_err());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(1000);
    let id = world.accept(&message(&["a@example.net"])).await;
    world.expect(&["attempt a@example.net \"\""]).await;
    world
        .queue
        .take()
        .unwrap()
        .shutdown(Duration::from_millis(10))
        .await;
    world.nothing_more();
    assert_eq!(world.state(id).await, sample::fresh(1));
    // The next start tries again.
    world.outside.gate.add_permits(1);
    let (_, inbox) = channel();
    let recovered = world.spool.recover().await.unwrap();
    world.queue = Some(world.start(inbox, recovered.messages));
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

/// Rounds that fail until shortly before a notice is due: the first is under way, the others follow.
async fn fail_for_four_hours(world: &mut World) {
    let rounds = [
        (1, 0, 300),
        (2, 300, 900),
        (3, 600, 2100),
        (4, 1200, 4500),
        (5, 2400, 9300),
        (6, 4800, 18_900),
    ];
    for (number, wait, due) in rounds {
        world.pass(Duration::from_secs(wait));
        let attempt = "attempt a@example.net \"\"";
        let round = format!("round {number}, next at {due}");
        world.expect(&[attempt, &round]).await;
    }
}

#[tokio::test]
async fn a_sender_is_told_once_that_a_message_is_delayed() {
    let mut world = World::new().await;
    world.next_outcomes((0..7).map(|_| later()));
    let id = world.accept(&message(&["a@example.net"])).await;
    fail_for_four_hours(&mut world).await;
    world.pass(Duration::from_secs(14_400 - 9300 - 1));
    world.nothing_more();
    world.pass(Duration::from_secs(1));
    // That it is told is on record before it is.
    world
        .expect(&[
            "round 6, next at 18900",
            "report to samantha@renovations.com, 0 failed",
        ])
        .await;
    let notice = String::from_utf8(world.outside.reports.lock().unwrap()[0].clone()).unwrap();
    assert!(notice.contains("\r\nAction: delayed\r\nStatus: 4.4.1\r\n"));
    assert_eq!(
        world.state(id).await.delay_told,
        Some(sample::accepted() + Duration::from_secs(14_400))
    );
    let notice = QueueId::from_number(1);
    world.spool.files.remove(notice).await.unwrap();
    world.restart().await;
    world.pass(Duration::from_secs(4500));
    world
        .expect(&["attempt a@example.net \"\"", "round 7, next at 33300"])
        .await;
    world.pass(Duration::from_secs(14_400));
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn a_notice_that_cannot_be_stored_is_tried_again() {
    let mut world = World::new().await;
    world.next_outcomes((0..7).map(|_| later()));
    world.accept(&message(&["a@example.net"])).await;
    fail_for_four_hours(&mut world).await;
    world.outside.reports.lock().unwrap().resize(10, Vec::new());
    world.pass(Duration::from_secs(14_400 - 9300));
    world
        .expect(&[
            "round 6, next at 18900",
            "report refused",
            "round 6, next at 18900", // without it
        ])
        .await;
    world.outside.reports.lock().unwrap().clear();
    world.pass(Duration::from_secs(4500));
    world
        .expect(&[
            "attempt a@example.net \"\"",
            "round 6, next at 18900",
            "report to samantha@renovations.com, 0 failed",
            "round 7, next at 33300",
        ])
        .await;
}

#[tokio::test]
async fn nobody_is_told_of_a_delay_of_a_message_from_nobody() {
    let mut world = World::new().await;
    world.next_outcomes((0..6).map(|_| later()));
    let mut message = message(&["a@example.net"]);
    message.envelope.reverse_path = ReversePath::Null;
    world.accept(&message).await;
    fail_for_four_hours(&mut world).await;
    world.pass(Duration::from_secs(18_900 - 9300));
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn a_destination_that_is_not_reached_is_left_alone_for_a_while() {
    let mut world = World::new().await;
    world.next_outcomes((0..8).map(|_| unreachable()));
    for number in 1..=8 {
        let mut message = message(&["a@example.net"]);
        message.id = QueueId::from_number(message.id.number() + number);
        world.accept(&message).await;
    }
    let mut levels = world.handle.levels.clone();
    let level = *levels
        .wait_for(|level| level.messages == 8 && level.dead == 1 && level.under_way == 0)
        .await
        .unwrap();
    // A cohort of 4 has failed, and at most 3 had begun before it was known.
    assert!((1..=4).contains(&level.in_line), "{level:?}");
    let tried = 8 - level.in_line;
    let attempt = "attempt a@example.net \"\"";
    world
        .expect_in_any_order(&[(attempt, tried), ("round 1, next at 300", tried)])
        .await;
    world.outside.outcomes.lock().unwrap().clear();
    world.pass(FIRST - Duration::from_secs(1));
    world.nothing_more();
    world.pass(Duration::from_secs(1));
    world
        .expect_in_any_order(&[(attempt, 8), ("removed", 8)])
        .await;
}
