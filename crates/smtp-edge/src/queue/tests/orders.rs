//! An administrator's orders, in the queue's own world.

use std::task::Poll;

use super::super::filter::{Filter, Stage};
use super::super::order::{Draining, Instruction, Obeyed, Order};
use super::*;
use router_config::Parameters;

fn instruction(order: Order, query: &str) -> Arc<Instruction> {
    Arc::new(Instruction {
        order,
        filter: Filter::take(&mut Parameters::decode(query)).unwrap(),
        by: 0,
        reason: "a test".into(),
    })
}

impl World {
    async fn order(&self, id: QueueId, order: Order) -> &'static str {
        let obeyed = self.handle.order(id, instruction(order, "")).await;
        obeyed.label()
    }

    async fn stage(&self, id: QueueId) -> Option<Stage> {
        let shown = self.handle.show(id).await?;
        let head = shown.head.as_ref().unwrap();
        Some(shown.stage(head))
    }

    /// A message of which one round has ended, and whose next is due in [`FIRST`].
    async fn deferred(&mut self) -> QueueId {
        self.next_outcomes([later()]);
        let id = self.accept(&message(&["a@example.net"])).await;
        self.expect(&["attempt a@example.net \"\"", "round 1, next at 300"])
            .await;
        id
    }
}

#[tokio::test]
async fn a_held_message_stays_until_it_is_released_however_old_it_is() {
    let mut world = World::new().await;
    let id = world.deferred().await;
    assert_eq!(world.order(id, Order::Hold).await, "done");
    world.expect(&["round 1, next at 300"]).await;
    assert_eq!(world.stage(id).await, Some(Stage::Held));
    assert_eq!(world.order(id, Order::Hold).await, "unneeded");
    assert_eq!(world.order(id, Order::Retry).await, "held");
    world.handle.retry_deferred_signing();
    world.pass(LONG * 30);
    assert_eq!(world.stage(id).await, Some(Stage::Held));
    world.nothing_more();
    // A restart changes nothing about that.
    world.restart().await;
    world.handle.drain(Draining::On);
    assert_eq!(world.stage(id).await, Some(Stage::Held));
    assert_eq!(world.handle.level().held, 1);
    world.nothing_more();
    assert_eq!(world.order(id, Order::Release).await, "done");
    world.expect(&["round 1, next at 2592000"]).await;
    // It is attempted once more before it would be given up.
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
    assert_eq!(world.order(id, Order::Release).await, "gone");
}

#[tokio::test]
async fn a_message_that_is_retried_is_due_at_once() {
    let mut world = World::new().await;
    let id = world.deferred().await;
    assert_eq!(world.order(id, Order::Release).await, "unneeded");
    assert_eq!(world.order(id, Order::Retry).await, "done");
    world
        .expect(&[
            "round 1, next at 0",
            "attempt a@example.net \"\"",
            "removed",
        ])
        .await;
}

#[tokio::test]
async fn a_message_goes_to_the_hop_that_it_was_given_and_back() {
    let mut world = World::new().await;
    let id = world.deferred().await;
    world.next_outcomes([later(), later()]);
    let hop = "192.0.2.9:2525".parse().unwrap();
    assert_eq!(world.order(id, Order::Requeue(Some(hop))).await, "done");
    world
        .expect(&[
            "round 1, next at 0",
            "attempt a@example.net \"\" to 192.0.2.9:2525",
            "round 2, next at 600",
        ])
        .await;
    world.restart().await;
    world.pass(FIRST * 2);
    world
        .expect(&[
            "attempt a@example.net \"\" to 192.0.2.9:2525",
            "round 3, next at 1800",
        ])
        .await;
    assert_eq!(world.order(id, Order::Requeue(None)).await, "done");
    world
        .expect(&[
            "round 3, next at 600",
            "attempt a@example.net \"\"",
            "removed",
        ])
        .await;
}

#[tokio::test]
async fn a_message_that_is_expired_is_reported_with_its_last_fault() {
    let mut world = World::new().await;
    let id = world.deferred().await;
    assert_eq!(world.order(id, Order::Hold).await, "done");
    assert_eq!(world.order(id, Order::Expire).await, "done");
    world
        .expect(&[
            "round 1, next at 300",
            "round 1, next at 300",
            "report to samantha@renovations.com, 1 failed",
            "removed",
        ])
        .await;
    let report = String::from_utf8(world.outside.reports.lock().unwrap()[0].clone()).unwrap();
    assert!(report.contains("Status: 5.4.7\r\n"), "{report}");
    assert_eq!(world.order(id, Order::Expire).await, "gone");
}

#[tokio::test]
async fn a_message_that_is_deleted_is_gone_and_nobody_is_told() {
    let mut world = World::new().await;
    let id = world.deferred().await;
    assert_eq!(world.order(id, Order::Delete).await, "done");
    world.expect(&["removed"]).await;
    assert_eq!(world.stage(id).await, None);
    assert!(world.spool.files.read(id).await.is_err());
    assert_eq!(world.handle.level().messages, 0);
    world.pass(LONG);
    assert_eq!(world.order(id, Order::Delete).await, "gone");
    world.nothing_more();
}

#[tokio::test]
async fn an_order_waits_for_the_round_under_way_and_loses_no_outcome() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(1000);
    world.next_outcomes([delivered(), later()]);
    let id = world
        .accept(&message(&["a@example.net", "b@example.net"]))
        .await;
    world
        .expect(&["attempt a@example.net b@example.net \"\""])
        .await;
    assert_eq!(world.stage(id).await, Some(Stage::Active));
    let handle = world.handle.clone();
    let mut hold = Box::pin(handle.order(id, instruction(Order::Hold, "")));
    let mut withdrawn = Box::pin(handle.order(id, instruction(Order::Delete, "")));
    for order in [&mut hold, &mut withdrawn] {
        let polled =
            std::future::poll_fn(|context| Poll::Ready(order.as_mut().poll(context))).await;
        assert!(polled.is_pending());
    }
    // Whoever asks no longer wants it no longer.
    drop(withdrawn);
    assert_eq!(world.order(id, Order::Retry).await, "unneeded");
    world.outside.gate.add_permits(1);
    assert_eq!(hold.await.label(), "done");
    world
        .expect(&["round 1, next at 300", "round 1, next at 300"])
        .await;
    let state = world.state(id).await;
    assert_eq!(state.recipients[0], RecipientState::Delivered);
    assert_eq!(fault(&state.recipients[1]).status.as_ref(), "4.4.1");
    assert!(state.orders.held.is_some());
    world.pass(LONG);
    assert_eq!(world.stage(id).await, Some(Stage::Held));
    world.nothing_more();
}

#[tokio::test]
async fn every_order_behind_a_delivery_hears_that_the_message_has_left() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(1000);
    let id = world.accept(&message(&["a@example.net"])).await;
    world.expect(&["attempt a@example.net \"\""]).await;
    let behind = [Order::Hold, Order::Delete, Order::Expire];
    let behind = behind.map(|order| {
        let handle = world.handle.clone();
        tokio::spawn(async move { handle.order(id, instruction(order, "")).await.label() })
    });
    world.stage(id).await; // asked behind them, so that they have been heard
    world.outside.gate.add_permits(1);
    for order in behind {
        let answer = tokio::time::timeout(FIRST, order).await;
        assert_eq!(answer.expect("an answer").unwrap(), "gone");
    }
}

#[tokio::test]
async fn an_order_records_what_a_round_could_not() {
    let mut world = World::new().await;
    world.next_outcomes([delivered(), later()]);
    *world.spool.updates_fail.lock().unwrap() = true;
    let id = world
        .accept(&message(&["a@example.net", "b@example.net"]))
        .await;
    world
        .expect(&["attempt a@example.net b@example.net \"\"", "update fails"])
        .await;
    assert_eq!(world.order(id, Order::Hold).await, "failed");
    world.expect(&["update fails"]).await;
    *world.spool.updates_fail.lock().unwrap() = false;
    assert_eq!(world.order(id, Order::Hold).await, "done");
    let state = world.state(id).await;
    assert_eq!(state.recipients[0], RecipientState::Delivered);
}

#[tokio::test]
async fn an_order_is_for_what_the_filter_means_when_it_is_carried_out() {
    let mut world = World::new().await;
    let id = world.deferred().await;
    for (query, expected) in [
        ("state=held", "unlike"),
        ("domain=example.org", "unlike"),
        ("domain=example.net&state=deferred", "done"),
    ] {
        let obeyed = world
            .handle
            .order(id, instruction(Order::Delete, query))
            .await;
        assert_eq!(obeyed.label(), expected, "{query}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_can_be_deleted() {
    let mut world = World::new().await;
    let id = world.deferred().await;
    let path = world._folder.path().join(format!("messages/{id}.msg"));
    std::fs::write(path, b"EDGE and nothing more").unwrap();
    let held = world.handle.order(id, instruction(Order::Hold, "")).await;
    assert!(matches!(held, Obeyed::Failed(SpoolError::Damaged { .. })));
    assert_eq!(world.order(id, Order::Delete).await, "done");
    assert_eq!(world.stage(id).await, None);
}

#[tokio::test]
async fn the_queue_is_shown_in_pages() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(1000);
    for number in 1..=5 {
        let mut message = message(&["a@example.net"]);
        message.id = sample::message(number).id;
        world.accept(&message).await;
    }
    world.expect(&["attempt a@example.net \"\""; 4]).await;
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = world.handle.page(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.iter().map(|shown| (shown.id, shown.running)));
    }
    let expected = [1, 2, 3, 4, 5].map(|number| (sample::message(number).id, number <= 4));
    assert_eq!(seen, expected);
    world.outside.gate.add_permits(10);
}

#[tokio::test]
async fn a_queue_that_is_drained_tries_everything_at_once() {
    let mut world = World::new().await;
    world.deferred().await;
    assert!(!world.handle.is_draining());
    world.handle.drain(Draining::On);
    assert!(world.handle.is_draining());
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
    world.handle.drain(Draining::Off);
    assert!(!world.handle.is_draining());
}

#[tokio::test]
async fn a_message_that_is_requeued_does_not_wait_for_where_it_was_to_go() {
    let mut world = World::new().await;
    world.next_outcomes((0..4).map(|_| unreachable()));
    world.accept(&message(&["a@example.net"])).await;
    for (round, wait, due) in [(1, 0, 300), (2, 300, 900), (3, 600, 2100), (4, 1200, 4500)] {
        world.pass(Duration::from_secs(wait));
        let round = format!("round {round}, next at {due}");
        world.expect(&["attempt a@example.net \"\"", &round]).await;
    }
    let mut second = message(&["b@example.net"]);
    second.id = QueueId::from_number(second.id.number() + 1);
    let id = world.accept(&second).await;
    let mut levels = world.handle.levels.clone();
    let waits = levels.wait_for(|level| level.dead == 1 && level.in_line == 1);
    waits.await.unwrap();
    let host = "192.0.2.9:25".parse().unwrap();
    assert_eq!(world.order(id, Order::Requeue(Some(host))).await, "done");
    world
        .expect(&[
            "round 0, next at 2100",
            "attempt b@example.net \"\" to 192.0.2.9:25",
            "removed",
        ])
        .await;
}
