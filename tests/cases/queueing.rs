//! What was answered 250 is delivered or reported, whatever happens to the next hop or to the edge in between.

use std::collections::BTreeSet;

use edge_tests::judges;
use edge_tests::messages;
use edge_tests::mock_mta::{Behaviour, Gate, Step};
use edge_tests::setup::Setup;
use edge_tests::world::{Stage, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

fn refusing(step: &Step) -> [Behaviour; 6] {
    let usual = Behaviour::default;
    [
        Behaviour {
            connect: step.clone(),
            ..usual()
        },
        Behaviour {
            ehlo: step.clone(),
            ..usual()
        },
        Behaviour {
            mail: step.clone(),
            ..usual()
        },
        Behaviour {
            rcpt: step.clone(),
            ..usual()
        },
        Behaviour {
            data: step.clone(),
            ..usual()
        },
        Behaviour {
            end_of_data: step.clone(),
            ..usual()
        },
    ]
}

/// Sends a message while the next hop refuses at some stage, waits until that was noticed, and lets the hop recover.
async fn comes_back(step: &Step) {
    let world = World::start(Setup::signing("2", "s1")).await;
    for (number, behaviour) in refusing(step).into_iter().enumerate() {
        world.partner.behave(behaviour);
        let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
        let about = [("queue_id", id.as_str()), ("to", TO)];
        world.edge.log.event("deferred", &about).await;
        assert_eq!(world.partner.arrived().len(), number);
        world.partner.behave(Behaviour::default());
        let arrived = world.partner.arrival(number + 1).await;
        world.settled(&id).await;
        if number == 0 {
            world.assert_signed(&arrived, &[KEY]).await;
        }
    }
    assert_eq!(world.partner.arrived().len(), 6, "each arrived once");
    assert_eq!(world.internal.transcripts().len(), 0, "nothing is reported");
}

#[tokio::test]
async fn a_next_hop_that_puts_off_and_comes_back() {
    comes_back(&Step::reply("451 4.3.0 try later")).await;
}

#[tokio::test]
async fn a_next_hop_that_drops_connections_and_comes_back() {
    comes_back(&Step::Drop).await;
}

/// A world with a signed message in its spool that could not be delivered.
async fn with_a_message_in_the_spool() -> (World, String) {
    World::start_with_mail(Setup::signing("2", "s1"), FROM, TO).await
}

/// Starts the edge again, and requires the one message, signed, and nothing else.
async fn delivered_after_a_restart(stage: Stage, id: &str) {
    stage.partner.behave(Behaviour::default());
    let world = stage.start().await;
    let recovered = [("messages", "1")];
    world.edge.log.event("recovered", &recovered).await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
    world.settled(id).await;
    let (stage, _) = world.stop().await;
    assert_eq!(stage.partner.arrived().len(), 1);
    let world = stage.start().await;
    world
        .edge
        .log
        .event("recovered", &[("messages", "0")])
        .await;
}

#[tokio::test]
async fn a_restart_with_mail_in_the_spool() {
    let (world, id) = with_a_message_in_the_spool().await;
    let (stage, _) = world.stop().await;
    delivered_after_a_restart(stage, &id).await;
}

#[tokio::test]
async fn a_kill_with_mail_in_the_spool() {
    let (world, id) = with_a_message_in_the_spool().await;
    let (stage, _) = world.kill().await;
    delivered_after_a_restart(stage, &id).await;
}

#[tokio::test]
async fn a_kill_before_the_next_hop_has_answered_loses_nothing() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let gate = Gate::default();
    world.partner.behave(Behaviour {
        end_of_data: Step::after(&gate),
        ..Behaviour::default()
    });
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    gate.reached().await;
    let (stage, _) = world.kill().await;
    stage.partner.behave(Behaviour::default());
    let world = stage.start().await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
    world.settled(&id).await;
}

#[tokio::test]
async fn a_kill_after_each_of_many_replies_loses_none() {
    let mut stage = Stage::set(Setup::signing("2", "s1")).await;
    let mut awaited: BTreeSet<Vec<u8>> = BTreeSet::new();
    for number in 0..8 {
        let world = stage.start().await;
        let body = format!("number {number}\r\n");
        world
            .send(FROM, &[TO], &messages::with_from(FROM, TO, &body))
            .await;
        awaited.insert(body.into_bytes());
        (stage, _) = world.kill().await;
    }
    let world = stage.start().await;
    let mut seen = 0; // more than are awaited, when a kill came between the next hop's reply and our record of it
    while !awaited.is_empty() {
        seen += 1;
        awaited.remove(world.partner.arrival(seen).await.body());
    }
}

#[tokio::test]
async fn a_stop_lets_a_delivery_finish() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let gate = Gate::default();
    world.partner.behave(Behaviour {
        end_of_data: Step::after(&gate),
        ..Behaviour::default()
    });
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    gate.reached().await;
    world.edge.terminate();
    world.edge.log.event("stopping", &[]).await;
    gate.open();
    let about = [("queue_id", id.as_str()), ("to", TO)];
    world.edge.log.event("delivered", &about).await;
    let log = world.edge.stopped().await;
    assert_eq!(log.matching("removed", &about[..1]).len(), 1);
    assert_eq!(world.partner.arrived().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_delivered_in_time_is_reported_with_the_last_reply() {
    let setup = Setup::signing("2", "s1").with("delivery", "give_up_after", "\"2s\"");
    let world = World::start(setup).await;
    world.partner.behave(Behaviour {
        rcpt: Step::reply("450 4.2.1 the mailbox is busy"),
        ..Behaviour::default()
    });
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let report = world.report().await.text();
    for expected in [
        "Status: 5.4.7",
        "Diagnostic-Code: smtp; 450 4.2.1 the mailbox is busy",
        "Remote-MTA: dns; mx.partner.test",
    ] {
        assert!(report.contains(expected), "{expected}: {report}");
    }
    world.settled(&id).await;
}

#[tokio::test]
async fn each_recipient_has_an_outcome_of_its_own() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let answers = [
        ("gone@partner.test", "550 5.1.1 nobody here"),
        ("busy@partner.test", "450 4.2.1 busy"),
    ];
    world.partner.behave(Behaviour {
        recipients: answers
            .map(|(address, reply)| (address.to_owned(), Step::reply(reply)))
            .to_vec(),
        ..Behaviour::default()
    });
    let to = [TO, "gone@partner.test", "busy@partner.test", "x@other.test"];
    let id = world.send(FROM, &to, &messages::plain(FROM, TO)).await;
    let first = world.partner.arrival(1).await;
    assert_eq!(first.to(), [TO]);
    assert_eq!(world.other.arrival(1).await.to(), ["x@other.test"]);
    let report = world.report().await.text();
    assert_eq!(report.matches("Final-Recipient").count(), 1, "{report}");
    assert!(report.contains("rfc822; gone@partner.test"), "{report}");
    world.partner.behave(Behaviour::default());
    let second = world.partner.arrival(2).await;
    assert_eq!(second.to(), ["busy@partner.test"]);
    judges::assert_all_pass(world.dns.address(), &second.data, &[KEY]).await;
    world.settled(&id).await;
    assert_eq!(world.other.arrived().len(), 1);
    assert_eq!(world.internal.arrived().len(), 1);
}

#[tokio::test]
async fn a_destination_that_is_not_reached_is_left_alone_and_comes_back() {
    let world = World::start(Setup::signing("2", "s1")).await;
    world.partner.behave(Behaviour {
        connect: Step::Drop,
        ..Behaviour::default()
    });
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(world.send(FROM, &[TO], &messages::plain(FROM, TO)).await);
    }
    let dead = [("destination", "partner.test")];
    world.edge.log.event("destination_dead", &dead).await;
    world.partner.behave(Behaviour::default());
    world.partner.arrival(6).await;
    for id in &ids {
        world.settled(id).await;
    }
    assert_eq!(world.partner.arrived().len(), 6, "each arrived once");
}
